"""CloudFormation's own schemas of the resource types: what a property may be, what replaces a resource, what Fn::GetAtt gives.

The files in `resources/schemas` are AWS's registry schemas as cfn-lint corrects them, without prose (`tools/cloudformation_schemas.py`).
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from stratus.template.errors import Path, TemplateError
from stratus.template.intrinsics import Unknown, contains_unknown

_DIRECTORY = FilePath(__file__).parent / "resources" / "schemas"
# What these ask of a value cannot be said before the value is known.
_JUDGES_CONTENT = {
    "pattern",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "anyOf",
    "oneOf",
    "allOf",
    "uniqueItems",
    "minimum",
    "maximum",
    "format",
    "if",
}


@cache
def schema_of(resource_type: str) -> Mapping[str, Any]:
    """The schema of a resource type. KeyError if Stratus does not handle it."""
    file = _DIRECTORY / f"{resource_type.replace('::', '-')}.json"
    if not file.is_file():
        raise KeyError(resource_type)
    loaded: dict[str, Any] = json.loads(file.read_bytes())
    return loaded


def create_only(resource_type: str) -> frozenset[str]:
    """Top-level properties whose change replaces the resource."""
    return frozenset(pointer.split("/")[2] for pointer in schema_of(resource_type).get("createOnlyProperties", ()))


def read_only(resource_type: str) -> frozenset[str]:
    """Top-level properties that only AWS sets: the attributes of Fn::GetAtt."""
    pointers = schema_of(resource_type).get("readOnlyProperties", ())
    return frozenset(parts[2] for parts in (pointer.split("/") for pointer in pointers) if len(parts) == 3)


def coerced(resource_type: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """`properties` with texts made numbers and booleans, and the other way round, where the schema asks for it, as CloudFormation does."""
    schema = schema_of(resource_type)
    result = _coerce(properties, schema, schema)
    assert isinstance(result, dict)
    return result


def violations(resource_type: str, properties: Mapping[str, Any], path: Path) -> list[TemplateError]:
    """Where coerced `properties` break the schema; parts that are still unknown are not judged."""
    from jsonschema import Draft202012Validator  # a tenth of a second that a start without changes does not pay
    from jsonschema.exceptions import best_match

    errors: list[TemplateError] = []
    for found in Draft202012Validator(schema_of(resource_type)).iter_errors(properties):
        if found.validator in _JUDGES_CONTENT and contains_unknown(found.instance):
            continue
        error = best_match([found]) or found
        if not isinstance(error.instance, Unknown):
            errors += _explained(error, (*path, *error.absolute_path))
    read = read_only(resource_type)
    errors += [TemplateError("is set by AWS alone; leave it out", (*path, name)) for name in properties if name in read]
    return errors


def _explained(error: Any, path: Path) -> list[TemplateError]:
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known, patterns = error.schema.get("properties", {}), list(error.schema.get("patternProperties", {}))
        message = f"there is no such property; there are {', '.join(sorted(known))}"
        if patterns:
            message = f"a name here must match {patterns[0]}"
        unknown = [
            name for name in error.instance if name not in known and not any(re.search(each, name) for each in patterns)
        ]
        return [TemplateError(message, (*path, name)) for name in unknown]
    if error.validator == "required":
        return [TemplateError(f"{error.message.split(' is a ')[0]} is missing", path)]
    return [TemplateError(_short(error.message), path)]


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:90]} ... {message[-90:]}"


def _coerce(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    schema = _resolved(schema, root) if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        named, patterns = schema.get("properties", {}), list(schema.get("patternProperties", {}).values())
        fallback = patterns[0] if patterns else schema.get("additionalProperties")
        return {key: _coerce(item, named.get(key, fallback), root) for key, item in value.items()}
    if isinstance(value, list):
        return [_coerce(item, schema.get("items"), root) for item in value]
    return _coerced_scalar(value, schema.get("type"))


def _resolved(schema: dict[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """The schema behind references and alternatives, as far as types go."""
    for _ in range(8):
        if "$ref" in schema:
            schema = root["definitions"][schema["$ref"].rsplit("/", 1)[1]]
        elif (
            "properties" not in schema
            and "type" not in schema
            and (choices := schema.get("oneOf") or schema.get("anyOf"))
        ):
            schema = choices[0]
        else:
            break
    return schema


def _coerced_scalar(value: Any, kind: Any) -> Any:
    if isinstance(value, Unknown) or not isinstance(kind, str):
        return value
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return int(value) if kind == "integer" and isinstance(value, float) and value.is_integer() else value
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    try:
        if kind == "integer":
            return int(value)
        if kind == "number":
            return float(value) if not value.lstrip("-").isdigit() else int(value)
    except ValueError:
        pass
    return value
