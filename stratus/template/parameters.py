"""A template's parameters: what was declared, what was given, what holds.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
from collections.abc import Mapping
from typing import Any

from stratus.template.errors import TemplateError

_TYPES = {"String", "Number", "List<Number>", "CommaDelimitedList", "List<String>"}
_ATTRIBUTES = {
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
}


_NUMBERS = frozenset({"MinLength", "MaxLength", "MinValue", "MaxValue"})


def resolve(declared: Mapping[str, Any], given: Mapping[str, str]) -> tuple[dict[str, Any], list[TemplateError]]:
    """The value of each declared parameter, and what is wrong with them. Lists come back as lists, everything else as text."""
    values: dict[str, Any] = {}
    errors = [
        TemplateError(
            f"the template has no parameter {name!r}; it has {', '.join(declared) or 'none'}", ("Parameters",)
        )
        for name in given
        if name not in declared
    ]
    for name, declaration in declared.items():
        try:
            values[name] = _value(name, declaration, given)
        except TemplateError as error:
            errors.append(error)
    return values, errors


def secret_names(declared: Mapping[str, Any]) -> set[str]:
    """Parameters whose values must never be shown."""
    return {
        name
        for name, each in declared.items()
        if isinstance(each, dict) and str(each.get("NoEcho", "")).lower() == "true"
    }


def _value(name: str, declaration: Any, given: Mapping[str, str]) -> Any:
    path = ("Parameters", name)
    if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
        raise TemplateError("a parameter's name is made of letters and digits", path)
    if not isinstance(declaration, dict) or "Type" not in declaration:
        raise TemplateError("a parameter needs a Type", path)
    for attribute in declaration:
        if attribute not in _ATTRIBUTES:
            raise TemplateError("a parameter has no such attribute", (*path, attribute))
    _check_shape(declaration, path)
    kind = declaration["Type"]
    if not isinstance(kind, str) or kind not in _TYPES:
        raise TemplateError(f"Stratus does not look up parameters of type {kind}: use String", (*path, "Type"))
    if name not in given and "Default" not in declaration:
        raise TemplateError(f"has no default: give it with --parameter {name}=VALUE or in a parameter file", path)
    text = _text(given.get(name, declaration.get("Default")))
    is_list = kind != "String" and kind != "Number"
    items = [item.strip() for item in text.split(",")] if is_list and text else [] if is_list else [text]
    for item in items:
        _check(item, declaration, path, number="Number" in kind)
    return items if is_list else text


def _check_shape(declaration: dict[str, Any], path: tuple[str, str]) -> None:
    """What a value is compared with can be compared with."""
    if not isinstance(declaration.get("AllowedValues", []), list):
        raise TemplateError("must be a list", (*path, "AllowedValues"))
    if not isinstance(declaration.get("AllowedPattern", ""), str):
        raise TemplateError("must be a regular expression", (*path, "AllowedPattern"))
    for name in _NUMBERS & declaration.keys():
        try:
            float(declaration[name])
        except (TypeError, ValueError):
            raise TemplateError("must be a number", (*path, name)) from None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _check(value: str, declaration: dict[str, Any], path: tuple[str, str], *, number: bool) -> None:
    reason = declaration.get("ConstraintDescription")
    # A secret that breaks a rule is not repeated in the message.
    shown = "the value" if str(declaration.get("NoEcho", "")).lower() == "true" else repr(value)

    def refuse(rule: str) -> TemplateError:
        return TemplateError(f"{shown} {rule}" + (f": {reason}" if reason else ""), path)

    if "AllowedValues" in declaration and value not in [_text(each) for each in declaration["AllowedValues"]]:
        raise refuse(f"is not one of {', '.join(map(_text, declaration['AllowedValues']))}")
    if number:
        try:
            measure = float(value)
        except ValueError:
            raise refuse("is not a number") from None
        if not float(declaration.get("MinValue", "-inf")) <= measure <= float(declaration.get("MaxValue", "inf")):
            raise refuse(
                f"is not between {declaration.get('MinValue', 'any')} and {declaration.get('MaxValue', 'any')}"
            )
        return
    if not float(declaration.get("MinLength", 0)) <= len(value) <= float(declaration.get("MaxLength", 4096)):
        raise refuse(
            f"is not {declaration.get('MinLength', 0)} to {declaration.get('MaxLength', 4096)} characters long"
        )
    if "AllowedPattern" in declaration:
        try:
            matched = re.fullmatch(declaration["AllowedPattern"], value)
        except re.error as error:
            raise TemplateError(f"is not a regular expression: {error}", (*path, "AllowedPattern")) from error
        if not matched:
            raise refuse(f"does not match {declaration['AllowedPattern']}")
