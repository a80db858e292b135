"""What an expression is made of once it is parsed, and how text becomes that."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

MAX_BYTES = 4096
MAX_OPERATORS = 300
MAX_LIST_INDEX = 2**31 - 1


class ExpressionError(Exception):
    """What is wrong with an expression, in AWS's words, without "Invalid FilterExpression: " before it."""


@dataclass(frozen=True, slots=True)
class Path:
    """A document path. Text steps are names or `#placeholders`, numbers are list elements."""

    steps: tuple[str | int, ...]
    end: int


@dataclass(frozen=True, slots=True)
class ValueRef:
    name: str
    end: int


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    operands: tuple[Any, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Operator:
    """Everything with operands that is not a function: `=`, `BETWEEN`, `IN`, `AND`, `OR`, `NOT`, `+`, `-`."""

    name: str
    operands: tuple[Any, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Parentheses:
    inner: Any
    end: int


Node = Path | ValueRef | Function | Operator | Parentheses

LOGICAL = ("AND", "OR", "NOT")


@dataclass(frozen=True, slots=True)
class Action:
    """One change of an update expression. `operand` is None for REMOVE."""

    path: Path
    operand: Node | None


@dataclass(frozen=True, slots=True)
class Section:
    keyword: str
    actions: tuple[Action, ...]


class _Builder(Transformer[Token, Any]):
    """Makes nodes while lark parses. `end` is where a node's text ends."""

    def path(self, children: list[Any]) -> Path:
        first, *steps = children
        return Path((str(first), *(step for step, _ in steps)), steps[-1][1] if steps else first.end_pos)

    def member(self, children: list[Any]) -> tuple[str, int]:
        return str(children[0]), children[0].end_pos

    def element(self, children: list[Any]) -> tuple[int, int]:
        index = int(children[0]) if len(children[0]) <= 10 else MAX_LIST_INDEX + 1
        if index > MAX_LIST_INDEX:
            raise ExpressionError(f"List index is not within the allowable range; index: [{children[0]}]")
        return index, children[0].end_pos + 1

    def value(self, children: list[Any]) -> ValueRef:
        return ValueRef(str(children[0]), children[0].end_pos)

    def compare(self, children: list[Any]) -> Operator:
        left, operator, right = children
        return Operator(str(operator), (left, right), right.end)

    def between(self, children: list[Any]) -> Operator:
        operand, _, low, _, high = children
        return Operator("BETWEEN", (operand, low, high), high.end)

    def among(self, children: list[Any]) -> Operator:
        operand, _, *members, closing = children
        return Operator("IN", (operand, *members), closing.end_pos)

    def both(self, children: list[Any]) -> Operator:
        return Operator("AND", (children[0], children[2]), children[2].end)

    def either(self, children: list[Any]) -> Operator:
        return Operator("OR", (children[0], children[2]), children[2].end)

    def negation(self, children: list[Any]) -> Operator:
        return Operator("NOT", (children[1],), children[1].end)

    def arithmetic(self, children: list[Any]) -> Operator:
        return Operator(str(children[1]), (children[0], children[2]), children[2].end)

    def function(self, children: list[Any]) -> Function:
        name, *operands, closing = children
        return Function(str(name), tuple(operands), closing.end_pos)

    def parentheses(self, children: list[Any]) -> Parentheses:
        return Parentheses(children[0], children[1].end_pos)

    def assignment(self, children: list[Any]) -> Action:
        return Action(children[0], children[2])

    def removal(self, children: list[Any]) -> Action:
        return Action(children[0], None)

    def change(self, children: list[Any]) -> Action:
        return Action(children[0], ValueRef(str(children[1]), children[1].end_pos))

    def section(self, children: list[Any]) -> Section:
        return Section(children[0].upper(), tuple(children[1:]))

    def condition(self, children: list[Any]) -> Any:
        return children[0]

    def projection(self, children: list[Any]) -> list[Path]:
        return children

    def update(self, children: list[Any]) -> list[Section]:
        return children


@cache
def _parser() -> Lark:
    return Lark.open(
        "expressions.lark",
        rel_to=__file__,
        parser="lalr",
        lexer="basic",
        start=["condition", "projection", "update"],
        transformer=_Builder(),
        maybe_placeholders=False,
    )


def _parse(start: str, text: str) -> Any:
    if not text:
        raise ExpressionError("The expression can not be empty;")
    size = len(text.encode())
    if size > MAX_BYTES:
        raise ExpressionError(f"Expression size has exceeded the maximum allowed size; expression size: {size}")
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        raise syntax_error(text, _position(text, error)) from None


def _position(text: str, error: UnexpectedInput) -> int:
    if isinstance(error, UnexpectedCharacters):
        return error.pos_in_stream or 0
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return error.token.start_pos or 0
    return len(text)


@lru_cache(maxsize=2048)
def parse_condition(text: str) -> Node:
    """A condition, filter or key condition expression. Raises ExpressionError."""
    node: Node = _parse("condition", text)
    _check_operators(node)
    return node


@lru_cache(maxsize=2048)
def parse_projection(text: str) -> list[Path]:
    """A projection expression. Raises ExpressionError."""
    paths: list[Path] = _parse("projection", text)
    return paths


@lru_cache(maxsize=2048)
def parse_update(text: str) -> list[Section]:
    """An update expression. Raises ExpressionError."""
    sections: list[Section] = _parse("update", text)
    for section in sections:
        for action in section.actions:
            if action.operand is not None:
                _check_operators(action.operand)
    return sections


def _check_operators(root: Node) -> None:
    """Refuses too many operators and doubled parentheses; without recursion, since nothing has bounded the depth yet."""
    count = 0
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Parentheses):
            if isinstance(node.inner, Parentheses):
                raise ExpressionError("The expression has redundant parentheses;")
            waiting.append(node.inner)
        elif isinstance(node, Function | Operator):
            count += 1
            waiting.extend(node.operands)
    if count > MAX_OPERATORS:
        raise ExpressionError(f"The expression contains too many operators; operator count: {count}")


def without_parentheses(node: Any) -> Any:
    while isinstance(node, Parentheses):
        node = node.inner
    return node


_TOKEN = re.compile(
    r"#[A-Za-z0-9_]+|:[A-Za-z0-9_]+|[A-Za-z][A-Za-z0-9_]*|0|[1-9][0-9]*|<>|<=|>=|[^ \t\r\n]",
)


def syntax_error(text: str, position: int) -> ExpressionError:
    """AWS names the token that does not fit and quotes it with one token on either side."""
    before = after = found = None
    for token in _TOKEN.finditer(text):
        if token.end() <= position:
            before = token
        elif found is None:
            found = token
        else:
            after = token
            break
    start = before.start() if before else (found.start() if found else 0)
    if found is None:
        return ExpressionError(f'Syntax error; token: "<EOF>", near: "{text[start:]}"')
    return ExpressionError(f'Syntax error; token: "{found[0]}", near: "{text[start : (after or found).end()]}"')
