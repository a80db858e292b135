"""What an expression's `#names` and `:values` stand for, and the checks that AWS makes on them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.expressions.reserved import RESERVED_WORDS
from stratus.services.dynamodb.expressions.syntax import (
    ExpressionError,
    Function,
    Node,
    Operator,
    Parentheses,
    Path,
    ValueRef,
)
from stratus.services.dynamodb.values import Item, Value, normalise, type_of
from stratus.wire.errors import AwsError

MAX_NAME_BYTES = 65535
MAX_PLACEHOLDER = 255
MAX_PATH_DEPTH = 32

_NAME_KEY = re.compile(r"#[A-Za-z0-9_]+").fullmatch
_VALUE_KEY = re.compile(r":[A-Za-z0-9_]+").fullmatch

Steps = tuple[str | int, ...]
Names = tuple[tuple[str, str], ...]
Types = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Scope:
    """Resolves the names and the types of the values of one request; remembers which were used."""

    names: dict[str, str]
    types: dict[str, str]
    names_used: set[str] = field(default_factory=set)
    values_used: set[str] = field(default_factory=set)

    def resolve(self, path: Path) -> Steps:
        """The path with its placeholders replaced. Raises ExpressionError."""
        steps: list[str | int] = []
        for step in path.steps:
            if isinstance(step, str) and step[0] == "#":
                if step not in self.names:
                    raise ExpressionError(
                        f"An expression attribute name used in the document path is not defined; attribute name: {step}"
                    )
                self.names_used.add(step)
                step = self.names[step]
            steps.append(step)
        if len(steps) > MAX_PATH_DEPTH:
            raise ExpressionError(f"The document path has too many nesting levels; nesting levels: {len(steps)}")
        return tuple(steps)

    def type_of(self, value: ValueRef) -> str:
        """`S`, `N` ... of a `:value`. Raises ExpressionError."""
        if value.name not in self.types:
            raise ExpressionError(
                f"An expression attribute value used in expression is not defined; attribute value: {value.name}"
            )
        self.values_used.add(value.name)
        return self.types[value.name]


def check_names(names: dict[str, Any]) -> None:
    """Refuses malformed `ExpressionAttributeNames`."""
    if not names:
        raise validation("ExpressionAttributeNames must not be empty")
    for key, name in names.items():
        _check_placeholder("ExpressionAttributeNames", key, _NAME_KEY(key) is not None)
        if not name:
            raise validation(f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}")
        if len(name.encode()) > MAX_NAME_BYTES:
            raise validation(
                "ExpressionAttributeNames contains invalid value: "
                f"Attribute name is too large, must be less than 65536 bytes for key {key}"
            )


def normalise_values(values: Item) -> None:
    """Refuses malformed `ExpressionAttributeValues` and brings the others to canonical form in place."""
    if not values:
        raise validation("ExpressionAttributeValues must not be empty")
    for key, value in values.items():
        _check_placeholder("ExpressionAttributeValues", key, _VALUE_KEY(key) is not None)
        try:
            normalise(value)
        except AwsError as error:
            if error.code != "ValidationException":
                raise
            raise validation(
                f"ExpressionAttributeValues contains invalid value: {error.message} for key {key}"
            ) from None


def _check_placeholder(parameter: str, key: str, well_formed: bool) -> None:
    if not well_formed:
        raise validation(f'{parameter} contains invalid key: Syntax error; key: "{key}"')
    if len(key) > MAX_PLACEHOLDER:
        raise validation(
            f"{parameter} contains invalid key: The expression attribute map contains a key that is too long; "
            f"size of key: {len(key)}"
        )


def check_reserved(paths: Iterator[Path]) -> None:
    for path in paths:
        for step in path.steps:
            if isinstance(step, str) and step.upper() in RESERVED_WORDS:
                raise ExpressionError(f"Attribute name is a reserved keyword; reserved keyword: {step}")


def paths_in(node: Node) -> Iterator[Path]:
    if isinstance(node, Path):
        yield node
    elif isinstance(node, Parentheses):
        yield from paths_in(node.inner)
    elif isinstance(node, Function | Operator):
        for operand in node.operands:
            yield from paths_in(operand)


def functions_in(node: Node) -> Iterator[Function]:
    if isinstance(node, Parentheses):
        yield from functions_in(node.inner)
    elif isinstance(node, Function | Operator):
        if isinstance(node, Function):
            yield node
        for operand in node.operands:
            yield from functions_in(operand)


def find(item: Item, steps: Steps) -> Value | None:
    """The value at a resolved path, or None."""
    value: Any = item.get(steps[0])  # type: ignore[arg-type]  # the first step is always a name
    for step in steps[1:]:
        if value is None:
            return None
        if isinstance(step, str):
            members = value.get("M")
            value = None if members is None else members.get(step)
        else:
            elements = value.get("L")
            value = None if elements is None or step >= len(elements) else elements[step]
    found: Value | None = value
    return found


def path_text(steps: Steps) -> str:
    """As AWS writes a path in messages: `[a, [0], b]`."""
    return f"[{', '.join(f'[{step}]' if isinstance(step, int) else step for step in steps)}]"


def check_overlap(paths: list[Steps]) -> None:
    """Refuses two paths of which one contains the other, or which take one place for a map and a list."""
    for position, path in enumerate(paths):
        for earlier in paths[:position]:
            _check_pair(earlier, path)


def _check_pair(one: Steps, two: Steps) -> None:
    for left, right in zip(one, two, strict=False):
        if type(left) is not type(right):
            problem = "conflict"
            break
        if left != right:
            return
    else:
        problem = "overlap"
    raise ExpressionError(
        f"Two document paths {problem} with each other; must remove or rewrite one of these paths; "
        f"path one: {path_text(one)}, path two: {path_text(two)}"
    )


def types_of(values: Item) -> Types:
    return tuple((name, type_of(value)) for name, value in values.items())
