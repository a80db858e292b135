"""The expressions of one request, bound to its names and values."""

from typing import Any

from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.expressions.condition import Condition, compile_condition
from stratus.services.dynamodb.expressions.key_condition import (
    KeyCondition,
    KeyConditionError,
    compile_key_condition,
)
from stratus.services.dynamodb.expressions.projection import Projection, compile_projection
from stratus.services.dynamodb.expressions.scope import check_names, normalise_values, types_of
from stratus.services.dynamodb.expressions.syntax import ExpressionError
from stratus.services.dynamodb.expressions.update import Update, compile_update
from stratus.services.dynamodb.values import Item

_NONE: Any = ()


class Expressions:
    """Compiles a request's expressions as they are asked for; `finish` refuses names and values that none used.

    Raises ValidationException.
    """

    __slots__ = ("_has_names", "_has_values", "_names", "_names_used", "_request", "_types", "_values_used", "values")

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        names = request.get("ExpressionAttributeNames")
        values = request.get("ExpressionAttributeValues")
        self._has_names, self._has_values = names is not None, values is not None
        if names is not None:
            check_names(names)
        if values is not None:
            normalise_values(values)
        self._names = tuple(names.items()) if names else _NONE
        self._types = types_of(values) if values else _NONE
        self.values: Item = values or {}
        self._names_used: set[str] = set()
        self._values_used: set[str] = set()

    def condition(self, parameter: str = "ConditionExpression") -> Condition | None:
        text = self._request.get(parameter)
        if text is None:
            return None
        try:
            compiled = compile_condition(text, self._names, self._types)
            for check in compiled.checks:
                check(self.values)
        except ExpressionError as error:
            raise validation(f"Invalid {parameter}: {error}") from None
        self._names_used |= compiled.names
        self._values_used |= compiled.values
        return compiled

    def key_condition(self) -> KeyCondition | None:
        text = self._request.get("KeyConditionExpression")
        if text is None:
            return None
        try:
            compiled = compile_key_condition(text, self._names, self._types)
            for check in compiled.checks:
                check(self.values)
        except KeyConditionError as error:
            raise validation(str(error)) from None
        except ExpressionError as error:
            raise validation(f"Invalid KeyConditionExpression: {error}") from None
        self._names_used |= compiled.names
        self._values_used |= compiled.values
        return compiled

    def projection(self) -> Projection | None:
        text = self._request.get("ProjectionExpression")
        if text is None:
            return None
        try:
            compiled = compile_projection(text, self._names)
        except ExpressionError as error:
            raise validation(f"Invalid ProjectionExpression: {error}") from None
        self._names_used |= compiled.names
        return compiled

    def update(self) -> Update | None:
        text = self._request.get("UpdateExpression")
        if text is None:
            return None
        try:
            compiled = compile_update(text, self._names, self._types)
        except ExpressionError as error:
            raise validation(f"Invalid UpdateExpression: {error}") from None
        self._names_used |= compiled.names
        self._values_used |= compiled.values
        return compiled

    def finish(self) -> None:
        if self._has_names and len(self._names_used) != len(self._names):
            unused = [name for name, _ in self._names if name not in self._names_used]
            raise validation(
                f"Value provided in ExpressionAttributeNames unused in expressions: keys: {{{', '.join(unused)}}}"
            )
        if self._has_values and len(self._values_used) != len(self.values):
            unused = [name for name in self.values if name not in self._values_used]
            raise validation(
                f"Value provided in ExpressionAttributeValues unused in expressions: keys: {{{', '.join(unused)}}}"
            )


def refuse_mixed(request: dict[str, Any], expressions: tuple[str, ...], legacy: tuple[str, ...]) -> None:
    """Expression parameters and the legacy ones do not go together, and placeholders need an expression."""
    given = [name for name in expressions if request.get(name) is not None]
    old = [name for name in legacy if request.get(name) is not None]
    if given and old:
        raise validation(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(given)}}}"
        )
    if not given and request.get("ExpressionAttributeNames") is not None:
        raise validation("ExpressionAttributeNames can only be specified when using expressions")
    with_values = [name for name in expressions if name != "ProjectionExpression"]
    if request.get("ExpressionAttributeValues") is not None and not any(request.get(name) for name in with_values):
        verb = "are" if len(with_values) > 1 else "is"
        raise validation(
            "ExpressionAttributeValues can only be specified when using expressions: "
            f"{' and '.join(with_values)} {verb} null"
        )
