"""The constraints that a model puts on its input: required members, lengths, ranges, enumerations, patterns.

AWS's services answer them in one common form: "1 validation error detected: Value null at 'userPoolId' failed to satisfy
constraint: Member must not be null".
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from stratus.wire.errors import AwsError
from stratus.wire.model import service_model
from stratus.wire.shape_compiler import ShapeCompiler

Validator = Callable[[Any], None]
Rule = Callable[[Any, str], Iterator[str]]
"""Yields what is wrong with a value that stands at a path."""

MAX_ERRORS = 10
_SHOWN = 256
_CODES = {
    "cognito-idp": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "sns": "InvalidParameter",
    "apigateway": "BadRequestException",
    "iam": "ValidationError",
    "sts": "ValidationError",
    "cloudformation": "ValidationError",
    "ses": "ValidationError",
}


class Constraints(ShapeCompiler[Rule]):
    """Compiles input shapes to validators that raise AwsError with the service's own code."""

    def __init__(self, service_name: str) -> None:
        super().__init__()
        self._code = _CODES.get(service_name, "ValidationException")

    def validator(self, shape: Shape) -> Validator:
        rule = self.of(shape)

        def validate(params: Any) -> None:
            errors: list[str] = []
            for error in rule(params, ""):
                errors.append(error)
                if len(errors) == MAX_ERRORS:
                    break
            if errors:
                plural = "s" if len(errors) > 1 else ""
                raise AwsError(self._code, f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}")

        return validate

    def compile(self, shape: Shape) -> Rule:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        own = _own_rule(shape)
        if isinstance(shape, ListShape):
            return _all_of(own, shape, self.of(shape.member), _list_items)
        if isinstance(shape, MapShape):
            return _all_of(own, shape, self.of(shape.value), _map_items)
        return own

    def _structure(self, shape: StructureShape) -> Rule:
        if shape.is_document_type:
            return _nothing
        required = tuple(shape.required_members)
        rules = {name: rule for name, member in shape.members.items() if (rule := self.of(member)) is not _nothing}

        def check(value: Any, path: str) -> Iterator[str]:
            for name in required:
                if value.get(name) is None:
                    yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
            for name, item in value.items():
                if name in rules:
                    yield from rules[name](item, _join(path, name))

        return check


_IN_THEIR_OWN_WORDS = frozenset({"s3", "dynamodb", "dynamodbstreams"})
"""Services that check their input themselves, as AWS's do."""


def validate(service_name: str, operation: str, params: dict[str, Any]) -> None:
    """That `params`, of the right types, keep the model's constraints: for calls that come without HTTP. Raises AwsError."""
    if service_name not in _IN_THEIR_OWN_WORDS:
        _validator(service_name, operation)(params)


@cache
def _validator(service_name: str, operation: str) -> Validator:
    shape = service_model(service_name).operation_model(operation).input_shape
    return _anything if shape is None else Constraints(service_name).validator(shape)


def _anything(params: Any) -> None: ...


def _nothing(value: Any, path: str) -> Iterator[str]:
    return iter(())


def _join(path: str, name: str) -> str:
    lower = name[:1].lower() + name[1:]
    return f"{path}.{lower}" if path else lower


def _list_items(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    return ((item, f"{path}.{number}.member") for number, item in enumerate(value, 1))


def _map_items(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    return ((item, f"{path}.{key}.member") for key, item in value.items())


def _all_of(own: Rule, shape: Shape, rule: Rule, items: Callable[[Any, str], Iterator[tuple[Any, str]]]) -> Rule:
    if rule is _nothing:
        return own

    def check(value: Any, path: str) -> Iterator[str]:
        yield from own(value, path)
        for item, place in items(value, path):
            yield from rule(item, place)

    return check


def _own_rule(shape: Shape) -> Rule:
    """The rule of what stands at the shape itself, not inside of it."""
    tests = list(_tests(shape))
    if not tests:
        return _nothing
    sensitive = bool(shape.metadata.get("sensitive"))

    def check(value: Any, path: str) -> Iterator[str]:
        for passes, text in tests:
            if not passes(value):
                shown = "Value" if sensitive else f"Value '{_shown(value)}'"
                yield f"{shown} at '{path}' failed to satisfy constraint: {text}"
                return

    return check


def _shown(value: Any) -> str:
    """The start of a value: a message must not be as long as what it complains of."""
    if isinstance(value, (str, bytes, list)):
        value = value[:_SHOWN]
    return str(value)[:_SHOWN]


def _tests(shape: Shape) -> Iterator[tuple[Callable[[Any], bool], str]]:
    kind, limits = shape.type_name, shape.metadata
    low, high = limits.get("min"), limits.get("max")
    if kind in ("integer", "long", "float", "double"):
        if low is not None:
            yield (lambda value: value >= low), f"Member must have value greater than or equal to {low}"
        if high is not None:
            yield (lambda value: value <= high), f"Member must have value less than or equal to {high}"
    elif kind in ("string", "list", "map", "blob"):
        # Streaming blobs have no length to measure.
        if low is not None:
            yield (
                (lambda value: not hasattr(value, "__len__") or len(value) >= low),
                (f"Member must have length greater than or equal to {low}"),
            )
        if high is not None:
            yield (
                (lambda value: not hasattr(value, "__len__") or len(value) <= high),
                (f"Member must have length less than or equal to {high}"),
            )
    if isinstance(shape, StringShape):
        yield from _string_tests(shape)


def _string_tests(shape: StringShape) -> Iterator[tuple[Callable[[Any], bool], str]]:
    if shape.enum:
        allowed = frozenset(shape.enum)
        yield (lambda value: value in allowed), f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = _compiled(shape.metadata.get("pattern"))
    if pattern is not None:
        yield (
            (lambda value: pattern.fullmatch(_folded(value)) is not None),
            (f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"),
        )


# The models' patterns are Java's: \w and \s are ASCII, and \p{L}\p{M}\p{S}\p{N}\p{P} is whatever can be seen, which Python's `re`
# does not know. So values are folded first: what can be seen beyond ASCII becomes an e with accent, anything else a control.
_VISIBLE = r"\p{L}\p{M}\p{S}\p{N}\p{P}"


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    """A Java pattern for folded values; those that Python still does not read are left to the service."""
    try:
        return None if pattern is None else re.compile(pattern.replace(_VISIBLE, "!-~\u00e9"), re.ASCII)
    except re.error:
        return None


def _folded(value: str) -> str:
    if value.isascii():
        return value
    return "".join(c if c.isascii() else "\u00e9" if unicodedata.category(c)[0] in "LMSNP" else "\x80" for c in value)
