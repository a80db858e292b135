"""Policy documents: read, checked against the grammar, refused in AWS's words.

Source: "Grammar of the IAM JSON policy language" (IAM User Guide).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from stratus.iam.policy.operators import OPERATORS, Operator, operator_named
from stratus.iam.policy.pattern import MalformedVariableError, tokens

VERSIONS = ("2012-10-17", "2008-10-17")


class MalformedPolicy(Exception):  # noqa: N818 - AWS's name: MalformedPolicyDocument, MalformedPolicy
    """A document that is not a policy; the message says why, as IAM words it."""


class Use(Enum):
    """Where a policy stands, which decides what it must and must not have."""

    IDENTITY = "identity"  # on a user or role, a managed policy, a session policy, a permissions boundary
    TRUST = "trust"  # on a role: who may assume it
    RESOURCE = "resource"  # on a bucket, a function, an API


@dataclass(frozen=True, slots=True)
class Condition:
    operator: Operator
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatementText:
    """One statement as written. `negated_*` says that the element is NotAction, NotResource, NotPrincipal."""

    allow: bool
    actions: tuple[str, ...]
    negated_actions: bool
    resources: tuple[str, ...] | None
    negated_resources: bool
    principals: dict[str, tuple[str, ...]] | None
    negated_principals: bool
    conditions: tuple[Condition, ...]
    sid: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """`variables` is False for documents older than policy variables (Version 2008-10-17): there `${` means itself."""

    variables: bool
    statements: tuple[StatementText, ...]


def read(text: str, use: Use) -> Document:
    """The document in `text`. Raises MalformedPolicy."""
    document = _json(text)
    if not isinstance(document, dict) or not document.keys() <= {"Version", "Id", "Statement"}:
        raise MalformedPolicy("Syntax errors in policy.")
    version = document.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise MalformedPolicy("Policy document must be version 2012-10-17 or greater.")
    if not isinstance(document.get("Id", ""), str):
        raise MalformedPolicy("Syntax errors in policy.")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicy("Syntax errors in policy.")
    variables = version == "2012-10-17"
    found = tuple(_statement(statement, use, variables) for statement in statements)
    sids = [statement.sid for statement in found if statement.sid]
    if len(sids) != len(set(sids)):
        raise MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")
    return Document(variables, found)


def with_principals(text: str, names: Mapping[str, str]) -> str:
    """The document (a valid one) with principals of type AWS renamed."""
    document = json.loads(text)
    statements = document["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal")
        if isinstance(principal, dict) and "AWS" in principal:
            principal["AWS"] = [names.get(name, name) for name in _strings(principal["AWS"])]
    return json.dumps(document)


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicy("This policy contains invalid Json") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedPolicy("Syntax errors in policy.")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


def _statement(statement: Any, use: Use, variables: bool) -> StatementText:
    if not isinstance(statement, dict) or not statement.keys() <= _ELEMENTS:
        raise MalformedPolicy("Syntax errors in policy.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicy("Syntax errors in policy.")
    principals, negated_principals = _principals(statement, use)
    actions, negated_actions = _one_of(statement, "Action", "NotAction")
    if not actions:
        raise MalformedPolicy("Policy statement must contain actions.")
    _check_actions(actions, use)
    resources, negated_resources = _resources(statement, use, variables)
    return StatementText(
        allow=statement["Effect"] == "Allow",
        actions=actions,
        negated_actions=negated_actions,
        resources=resources,
        negated_resources=negated_resources,
        principals=principals,
        negated_principals=negated_principals,
        conditions=_conditions(statement.get("Condition", {}), variables),
        sid=_sid(statement, use),
    )


def _sid(statement: dict[str, Any], use: Use) -> str | None:
    sid = statement.get("Sid")
    if sid is None:
        return None
    if not isinstance(sid, str):
        raise MalformedPolicy("Syntax errors in policy.")
    if use is not Use.RESOURCE and sid and not (sid.isascii() and sid.isalnum()):
        raise MalformedPolicy(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )
    return sid


def _one_of(statement: dict[str, Any], plain: str, negated: str) -> tuple[tuple[str, ...], bool]:
    if plain in statement and negated in statement:
        raise MalformedPolicy("Syntax errors in policy.")
    return _strings(statement.get(plain, statement.get(negated, []))), negated in statement


def _strings(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise MalformedPolicy("Syntax errors in policy.")
    return tuple(values)


def _check_actions(actions: Iterable[str], use: Use) -> None:
    for action in actions:
        if action == "*":
            vendor = "*"
        else:
            vendor, colon, name = action.partition(":")
            if not colon or not vendor or not name:
                raise MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
            if not all(c.isalnum() or c == "-" for c in vendor):
                raise MalformedPolicy(f"Vendor {vendor} is not valid")
        if use is Use.TRUST and vendor != "sts":
            raise MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")


def _resources(statement: dict[str, Any], use: Use, variables: bool) -> tuple[tuple[str, ...] | None, bool]:
    resources, negated = _one_of(statement, "Resource", "NotResource")
    if use is Use.TRUST:
        if "Resource" in statement or "NotResource" in statement:
            raise MalformedPolicy("Has prohibited field Resource")
        return None, False
    if not resources:
        raise MalformedPolicy("Policy statement must contain resources.")
    for resource in resources:
        if resource != "*" and not _is_arn_like(resource):
            raise MalformedPolicy(f'Resource {resource} must be in ARN format or "*".')
        _check_variables(resource, variables)
    return resources, negated


def _is_arn_like(resource: str) -> bool:
    """`arn:partition:service:region:account:resource`, where a `*` may stand for all that follows."""
    parts = resource.split(":", 5)
    if parts[0] != "arn":
        return False
    return len(parts) == 6 or parts[-1].endswith("*")


def _check_variables(text: str, variables: bool) -> None:
    try:
        tokens(text, variables=variables, wildcards=True)
    except MalformedVariableError as error:
        raise MalformedPolicy("Syntax errors in policy.") from error


_PRINCIPAL_TYPES = {"AWS", "Service", "Federated"}


def _principals(statement: dict[str, Any], use: Use) -> tuple[dict[str, tuple[str, ...]] | None, bool]:
    given = [name for name in ("Principal", "NotPrincipal") if name in statement]
    if use is Use.IDENTITY:
        if given:
            raise MalformedPolicy("Policy document should not specify a principal.")
        return None, False
    if len(given) != 1 or (use is Use.TRUST and given == ["NotPrincipal"]):
        raise MalformedPolicy("Missing required field Principal" if not given else "Syntax errors in policy.")
    value = statement[given[0]]
    if value == "*":
        value = {"AWS": "*"}
    if not isinstance(value, dict) or not value:
        raise MalformedPolicy("Syntax errors in policy.")
    if "CanonicalUser" in value:
        raise MalformedPolicy("Stratus does not implement canonical user ids as principals.")
    if not value.keys() <= _PRINCIPAL_TYPES:
        raise MalformedPolicy(f"Invalid principal in policy: {json.dumps(next(iter(value.keys() - _PRINCIPAL_TYPES)))}")
    principals = {kind: _strings(names) for kind, names in value.items()}
    for kind, names in principals.items():
        for name in names:
            if not _is_principal(kind, name):
                raise MalformedPolicy(f'Invalid principal in policy: "{kind}":"{name}"')
    return principals, given[0] == "NotPrincipal"


def _is_principal(kind: str, name: str) -> bool:
    if name == "*":
        return kind == "AWS"
    if "*" in name or "?" in name or not name:
        return False
    if kind == "AWS":
        return _is_account(name) or _is_principal_arn(name) or _is_unique_id(name)
    if kind == "Service":
        return name.endswith((".amazonaws.com", ".amazon.com", ".aws.internal"))
    return "." in name or name.startswith("arn:aws:iam::")


def _is_account(name: str) -> bool:
    return len(name) == 12 and name.isdigit() and name.isascii()


def _is_unique_id(name: str) -> bool:
    """What IAM shows in place of a user or role that was deleted; nobody has it any more."""
    return name.startswith(("AIDA", "AROA")) and len(name) == 20 and name.isalnum()


def _is_principal_arn(name: str) -> bool:
    parts = name.split(":", 5)
    if len(parts) != 6 or parts[:2] != ["arn", "aws"] or parts[3] or not _is_account(parts[4]):
        return False
    if parts[2] == "iam":
        return parts[5] == "root" or parts[5].startswith(("user/", "role/"))
    return parts[2] == "sts" and parts[5].startswith("assumed-role/")


def _conditions(block: Any, variables: bool) -> tuple[Condition, ...]:
    if not isinstance(block, dict):
        raise MalformedPolicy("Syntax errors in policy.")
    found = []
    for name, keys in block.items():
        operator = operator_named(name)
        if operator is None or not isinstance(keys, dict):
            raise MalformedPolicy(
                f"Invalid Condition type : {name}" if operator is None else "Syntax errors in policy."
            )
        for key, values in keys.items():
            texts = tuple(_condition_value(value) for value in (values if isinstance(values, list) else [values]))
            if not key or ":" not in key:
                raise MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
            if OPERATORS[operator.name].takes_variables:
                for text in texts:
                    _check_variables(text, variables)
            found.append(Condition(operator, key.lower(), texts))
    return tuple(found)


def _condition_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedPolicy("Syntax errors in policy.")
