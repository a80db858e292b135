"""User attributes: which a pool knows, which values they may have, and which a client may read or write."""

import re
from typing import Any

from stratus.services.cognito_idp.errors import invalid_parameter, not_authorized

STANDARD = [
    "address",
    "birthdate",
    "email",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
]
VERIFIED_FLAGS = ("email_verified", "phone_number_verified")
MAX_LENGTH = 2048

_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\\\"\x00-\x1f\x7f]{1,64}@[^@\s,;:<>()\[\]\\\"\x00-\x1f\x7f]{1,255}")


def is_email(text: str) -> bool:
    """ASCII only, as SES wants addresses: no look-alikes."""
    return text.isascii() and len(text) <= 320 and _EMAIL.fullmatch(text) is not None


def standard_schema() -> list[dict[str, Any]]:
    """The schema of a pool before its own settings, as DescribeUserPool lists it."""
    schema = [_described("sub", mutable=False, required=True, minimum=1)]
    schema += [_described(name) for name in STANDARD if name not in ("updated_at", "birthdate")]
    schema.append(_described("birthdate", minimum=10, maximum=10))
    for name in VERIFIED_FLAGS:
        schema.append({**_flags(name, mutable=True, required=False), "AttributeDataType": "Boolean"})
    schema.append(
        {
            **_flags("updated_at", mutable=True, required=False),
            "AttributeDataType": "Number",
            "NumberAttributeConstraints": {"MinValue": "0"},
        }
    )
    return schema


def _described(
    name: str, *, mutable: bool = True, required: bool = False, minimum: int = 0, maximum: int = MAX_LENGTH
) -> dict[str, Any]:
    return {
        **_flags(name, mutable=mutable, required=required),
        "AttributeDataType": "String",
        "StringAttributeConstraints": {"MinLength": str(minimum), "MaxLength": str(maximum)},
    }


def _flags(name: str, *, mutable: bool, required: bool) -> dict[str, Any]:
    return {"Name": name, "DeveloperOnlyAttribute": False, "Mutable": mutable, "Required": required}


def build_schema(own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pool's whole schema: `own` overrides standard attributes and adds custom ones."""
    schema = {entry["Name"]: entry for entry in standard_schema()}
    for entry in own:
        if entry.get("Name") in schema:
            schema[entry["Name"]] = {**schema[entry["Name"]], **entry}
    added = custom([entry for entry in own if entry.get("Name") not in schema])
    return [*schema.values(), *added]


def custom(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Custom attributes as the schema lists them: named `custom:`, strings where nothing else is said."""
    made = []
    for entry in entries:
        if not entry.get("Name"):
            raise invalid_parameter("Custom attributes need a Name.")
        if entry.get("Required"):
            raise invalid_parameter("Required custom attributes are not supported currently.")
        name = f"custom:{entry['Name'].removeprefix('custom:')}"
        defaults = {"AttributeDataType": "String", "DeveloperOnlyAttribute": False, "Mutable": False}
        made.append({**defaults, **entry, "Required": False, "Name": name})
    return made


def by_name(pairs: list[dict[str, str]] | None) -> dict[str, str]:
    """`[{"Name": n, "Value": v}]` as a dict."""
    return {pair["Name"]: pair.get("Value", "") for pair in pairs or []}


def as_pairs(attributes: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def check_values(schema: list[dict[str, Any]], values: dict[str, str], *, changing: bool) -> None:
    """Raises InvalidParameterException where a value is not what the schema says; `changing` forbids immutable attributes."""
    known = {entry["Name"]: entry for entry in schema}
    for name, value in values.items():
        entry = known.get(name)
        if entry is None:
            raise _nonconforming(f"Type for attribute {{{name}}} could not be determined")
        if name == "sub":
            raise invalid_parameter("Cannot modify the non-mutable attribute sub")
        if changing and not entry["Mutable"]:
            raise invalid_parameter(f"user.{name}: Attribute cannot be updated.\n")
        _check_value(entry, name, value)


def _check_value(entry: dict[str, Any], name: str, value: str) -> None:
    if name == "email" and not is_email(value):
        raise invalid_parameter("Invalid email address format.")
    if name == "phone_number" and not re.fullmatch(r"\+[1-9][0-9]{1,14}", value):
        raise invalid_parameter("Invalid phone number format.")
    kind = entry["AttributeDataType"]
    if kind == "Boolean" and value.lower() not in ("true", "false"):
        raise _nonconforming(f"{name}: The attribute value is not a boolean")
    if kind == "Number":
        _check_number(entry.get("NumberAttributeConstraints", {}), name, value)
    if kind == "String":
        limits = entry.get("StringAttributeConstraints", {})
        if len(value) < int(limits.get("MinLength", 0)) or len(value) > int(limits.get("MaxLength", MAX_LENGTH)):
            raise _nonconforming(f"{name}: String must be between the minimum and maximum length")


def _check_number(limits: dict[str, Any], name: str, value: str) -> None:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise _nonconforming(f"{name}: The attribute value is not a number")
    if int(value) < int(limits.get("MinValue", value)) or int(value) > int(limits.get("MaxValue", value)):
        raise _nonconforming(f"{name}: Number must be between the minimum and maximum value")


def check_required(schema: list[dict[str, Any]], values: dict[str, str]) -> None:
    """Raises InvalidParameterException where a required attribute is missing at sign-up."""
    for entry in schema:
        if entry["Required"] and entry["Name"] != "sub" and not values.get(entry["Name"]):
            raise _nonconforming(f"{entry['Name']}: The attribute is required")


def _nonconforming(reason: str) -> Exception:
    return invalid_parameter(f"Attributes did not conform to the schema: {reason}\n")


def check_writable(writable: list[str], names: list[str]) -> None:
    """Raises NotAuthorizedException where a client may not write one of `names`."""
    if not set(names) <= set(writable):
        raise not_authorized("A client attempted to write unauthorized attribute")
