"""Request validators: required parameters, and bodies against the draft-4 models of a method.

What is wrong is worded as json-schema-validator (com.github.fge) does; it is seen in `$context.error.validationErrorString`.
Source: API Gateway Developer Guide, "Request validation for REST APIs".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from jsonschema import Draft4Validator
from referencing import Registry

from stratus.services.apigateway.definition import Method, RequiredParameters
from stratus.services.apigateway.errors import bad_body, missing_parameters
from stratus.services.apigateway.exchange import Exchange

MAX_COMPLAINTS = 20
_JSON = "application/json"
_NO_REMOTE: Registry[Any] = Registry()
_TYPES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


class RequestValidator:
    """What a method asks of its requests, compiled once."""

    def __init__(self, method: Method) -> None:
        self._required = method.required
        self._bodies = {
            content_type: Draft4Validator(schema, registry=_NO_REMOTE) for content_type, schema in method.models.items()
        }

    def check_parameters(self, exchange: Exchange) -> None:
        """Raises GatewayError naming the required parameters that are missing."""
        missing = _missing(self._required, exchange)
        if missing:
            raise missing_parameters(missing)

    def check_body(self, exchange: Exchange) -> None:
        """Raises GatewayError. A body of a type that has no model is not looked at, as on AWS."""
        if not self._bodies:
            return
        content_type = (exchange.request.headers.get("content-type") or _JSON).partition(";")[0].strip().lower()
        validator = self._bodies.get(content_type)
        if validator is None:
            return
        try:
            value = orjson.loads(exchange.body)
            complaints = [
                _complaint(error) for error, _ in zip(validator.iter_errors(value), range(MAX_COMPLAINTS), strict=False)
            ]
        except (orjson.JSONDecodeError, RecursionError):
            raise bad_body() from None
        if complaints:
            raise bad_body(f"[{', '.join(complaints)}]")


def _missing(required: RequiredParameters, exchange: Exchange) -> list[str]:
    missing = []
    if required.query:
        sent = {name for name, value in exchange.query if value}
        missing += [name for name in required.query if name not in sent]
    missing += [name for name in required.headers if not exchange.request.headers.get(name.lower())]
    return missing


@dataclass(frozen=True, slots=True)
class _Mistake:
    """What a keyword of a schema says against a value."""

    keyword: str
    instance: Any
    expected: Any
    schema: Mapping[str, Any]


def _complaint(error: Any) -> str:
    mistake = _Mistake(str(error.validator), error.instance, error.validator_value, error.schema)
    words = _WORDS.get(mistake.keyword)
    return str(error.message) if words is None else words(mistake)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()[:256]


def _quoted(names: list[Any]) -> str:
    return "[" + ",".join(_json(name) for name in sorted(names, key=str)) + "]"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _missing_properties(mistake: _Mistake) -> str:
    missing = [name for name in _listed(mistake.expected) if name not in mistake.instance]
    return f"object has missing required properties ({_quoted(missing)})"


def _additional(mistake: _Mistake) -> str:
    extra = [name for name in mistake.instance if name not in mistake.schema.get("properties", {})]
    return f"object instance has properties which are not allowed by the schema: {_quoted(extra)}"


def _type(mistake: _Mistake) -> str:
    found, allowed = _TYPES[type(mistake.instance)], _quoted(_listed(mistake.expected))
    return f"instance type ({found}) does not match any allowed primitive type (allowed: {allowed})"


def _enum(mistake: _Mistake) -> str:
    return (
        f"instance value ({_json(mistake.instance)}) not found in enum (possible values: {_quoted(mistake.expected)})"
    )


def _too_short(mistake: _Mistake) -> str:
    length = f"length: {len(mistake.instance)}, required minimum: {mistake.expected}"
    return f"string {_json(mistake.instance)} is too short ({length})"


def _too_long(mistake: _Mistake) -> str:
    length = f"length: {len(mistake.instance)}, maximum allowed: {mistake.expected}"
    return f"string {_json(mistake.instance)} is too long ({length})"


_WORDS: dict[str, Callable[[_Mistake], str]] = {
    "required": _missing_properties,
    "additionalProperties": _additional,
    "type": _type,
    "enum": _enum,
    "minLength": _too_short,
    "maxLength": _too_long,
}
