"""Update expressions, compiled to a function that changes an item.

All operands are read from the item as it was; then SET, REMOVE, ADD and DELETE are carried out.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from stratus.services.dynamodb import numbers
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.expressions.condition import OPERAND_COUNTS, UPDATE_FUNCTIONS, wrong_type
from stratus.services.dynamodb.expressions.scope import (
    Names,
    Scope,
    Steps,
    Types,
    check_overlap,
    check_reserved,
    find,
    functions_in,
    paths_in,
)
from stratus.services.dynamodb.expressions.syntax import (
    Action,
    ExpressionError,
    Function,
    Node,
    Operator,
    Path,
    Section,
    ValueRef,
    parse_update,
    without_parentheses,
)
from stratus.services.dynamodb.values import Item, Value, type_of

Operand = Callable[[Item, Item], Value]

SETS = ("SS", "NS", "BS")
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")

_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_WRONG_PATH = "The document path provided in the update expression is invalid for update"
_TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
}

REMOVED: Value = {}
"""Stands in a list where an element was removed, until the list closes up."""


@dataclass(frozen=True, slots=True)
class Change:
    keyword: str
    steps: Steps
    operand: Operand | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Update:
    changes: tuple[Change, ...]
    names: frozenset[str]
    values: frozenset[str]
    read: frozenset[Steps]

    @property
    def paths(self) -> tuple[Steps, ...]:
        """What it changes."""
        return tuple(change.steps for change in self.changes)

    def apply(self, item: Item, values: Item) -> None:
        """Changes `item` in place. Raises ValidationException where the item does not allow it."""
        new = [
            change.operand(item, values) if change.keyword == "SET" and change.operand else None
            for change in self.changes
        ]
        touched: list[list[Any]] = []
        for change, value in sorted(zip(self.changes, new, strict=True), key=_list_order):
            _carry_out(item, change, value, values, touched)
        for elements in touched:
            elements[:] = [element for element in elements if element is not REMOVED]


def _list_order(step: tuple[Change, Value | None]) -> int:
    """Elements set past the end of a list are appended in the order of their indexes."""
    last = step[0].steps[-1]
    return last if isinstance(last, int) else -1


@lru_cache(maxsize=2048)
def compile_update(text: str, names: Names, types: Types) -> Update:
    """Raises ExpressionError, with AWS's messages in AWS's order."""
    sections = parse_update(text)
    actions = [action for section in sections for action in section.actions]
    _check_sections(sections)
    scope = Scope(dict(names), dict(types))
    _check_defined(actions, scope)
    check_overlap([scope.resolve(action.path) for action in actions])
    compiler = _Compiler(scope)
    in_order = sorted(sections, key=lambda section: SECTIONS.index(section.keyword))
    changes = tuple(compiler.change(section.keyword, action) for section in in_order for action in section.actions)
    return Update(changes, frozenset(scope.names_used), frozenset(scope.values_used), frozenset(compiler.read))


def _paths_in(action: Action) -> Iterator[Path]:
    yield action.path
    if action.operand is not None:
        yield from paths_in(action.operand)


def _check_functions(actions: tuple[Action, ...]) -> None:
    for action in actions:
        if action.operand is None:
            continue
        for function in functions_in(action.operand):
            if function.name in OPERAND_COUNTS:
                raise ExpressionError(f"The function is not allowed in an update expression; function: {function.name}")
            if function.name not in UPDATE_FUNCTIONS:
                raise ExpressionError(f"Invalid function name; function: {function.name}")
        _check_use(without_parentheses(action.operand))


def _check_use(node: Node) -> None:
    """list_append cannot be an operand of anything else."""
    if not isinstance(node, Function | Operator):
        return
    for operand in map(without_parentheses, node.operands):
        if isinstance(operand, Function) and operand.name == "list_append":
            raise ExpressionError(
                f"The function is not allowed to be used this way in an expression; function: {operand.name}"
            )
        _check_use(operand)


def _check_sections(sections: list[Section]) -> None:
    """Section by section, as AWS does: reserved words and functions in it, then whether there was one like it."""
    seen: set[str] = set()
    for section in sections:
        check_reserved(path for action in section.actions for path in _paths_in(action))
        _check_functions(section.actions)
        if section.keyword in seen:
            raise ExpressionError(f'The "{section.keyword}" section can only be used once in an update expression;')
        seen.add(section.keyword)


def _check_defined(actions: list[Action], scope: Scope) -> None:
    for action in actions:
        for path in _paths_in(action):
            scope.resolve(path)
    for action in actions:
        if action.operand is not None:
            for value in _values_in(action.operand):
                scope.type_of(value)


def _values_in(node: Node) -> Iterator[ValueRef]:
    node = without_parentheses(node)
    if isinstance(node, ValueRef):
        yield node
    elif isinstance(node, Function | Operator):
        for operand in node.operands:
            yield from _values_in(operand)


class _Compiler:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.read: set[Steps] = set()

    def change(self, keyword: str, action: Action) -> Change:
        steps = self.scope.resolve(action.path)
        if action.operand is None:
            return Change(keyword, steps, None, None)
        operand, kind = self._operand(without_parentheses(action.operand))
        if keyword != "SET" and kind not in SETS and not (keyword == "ADD" and kind == "N"):
            raise ExpressionError(
                f"Incorrect operand type for operator or function; operator: {keyword}, "
                f"operand type: {_TYPE_NAMES[kind or 'NULL']}, typeSet: ALLOWED_FOR_{keyword}_OPERAND"
            )
        return Change(keyword, steps, operand, kind)

    def _operand(self, node: Node) -> tuple[Operand, str | None]:
        if isinstance(node, Path):
            return self._path(node), None
        if isinstance(node, ValueRef):
            name = node.name
            return (lambda item, values: values[name]), self.scope.type_of(node)
        if isinstance(node, Operator):
            return self._arithmetic(node), "N"
        assert isinstance(node, Function)
        if len(node.operands) != 2:
            raise ExpressionError(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {node.name}, number of operands: {len(node.operands)}"
            )
        return self._if_not_exists(node) if node.name == "if_not_exists" else self._list_append(node)

    def _path(self, node: Path) -> Operand:
        steps = self.scope.resolve(node)
        self.read.add(steps)

        def read(item: Item, values: Item) -> Value:
            value = find(item, steps)
            if value is None:
                raise validation(_MISSING)
            return _copy(value)

        return read

    def _arithmetic(self, node: Operator) -> Operand:
        calculate = numbers.add if node.name == "+" else numbers.subtract
        left, right = self._operands(node.name, node.operands, "N")

        def result(item: Item, values: Item) -> Value:
            one, two = left(item, values), right(item, values)
            if "N" not in one or "N" not in two:
                raise validation(_WRONG_TYPE)
            return {"N": calculate(one["N"], two["N"])}

        return result

    def _operands(self, name: str, nodes: tuple[Node, ...], wanted: str) -> list[Operand]:
        compiled = [self._operand(without_parentheses(node)) for node in nodes]
        for _, kind in compiled:
            if kind not in (None, wanted):
                raise wrong_type(name, kind)
        return [operand for operand, _ in compiled]

    def _if_not_exists(self, node: Function) -> tuple[Operand, None]:
        path = without_parentheses(node.operands[0])
        if not isinstance(path, Path):
            raise ExpressionError("Operator or function requires a document path; operator or function: if_not_exists")
        steps = self.scope.resolve(path)
        self.read.add(steps)
        otherwise, _ = self._operand(without_parentheses(node.operands[1]))

        def read(item: Item, values: Item) -> Value:
            value = find(item, steps)
            return otherwise(item, values) if value is None else _copy(value)

        return read, None  # which of the two it will be, and so its type, is known only with the item

    def _list_append(self, node: Function) -> tuple[Operand, str]:
        left, right = self._operands("list_append", node.operands, "L")

        def result(item: Item, values: Item) -> Value:
            one, two = left(item, values), right(item, values)
            if "L" not in one or "L" not in two:
                raise validation(_WRONG_TYPE)
            return {"L": one["L"] + two["L"]}

        return result, "L"


def _copy(value: Value) -> Value:
    """What SET copies from elsewhere in the item must not change with it."""
    if "M" in value or "L" in value:
        copied: Value = orjson.loads(orjson.dumps(value))
        return copied
    return value


def _carry_out(item: Item, change: Change, value: Value | None, values: Item, touched: list[list[Any]]) -> None:
    place, last = _place(item, change.steps)
    if change.keyword == "SET":
        assert value is not None
        _put(place, last, value)
        return
    if change.keyword == "REMOVE":
        _remove(place, last, touched)
        return
    assert change.operand is not None
    operand = change.operand(item, values)
    old = _get(place, last)
    new = _added(old, operand) if change.keyword == "ADD" else _subtracted(old, operand)
    if new is not None:
        _put(place, last, new)
    elif old is not None:
        _remove(place, last, touched)


def _place(item: Item, steps: Steps) -> tuple[Any, Any]:
    """The map or list that holds what `steps` name, and its key or index there."""
    if len(steps) == 1:
        return item, steps[0]
    holder = find(item, steps[:-1])
    last = steps[-1]
    place = None if holder is None else holder.get("M" if isinstance(last, str) else "L")
    if place is None:
        raise validation(_WRONG_PATH)
    return place, last


def _get(place: Any, last: Any) -> Value | None:
    if isinstance(last, str):
        found: Value | None = place.get(last)
        return found
    return place[last] if last < len(place) else None


def _put(place: Any, last: Any, value: Value) -> None:
    if isinstance(last, str) or last < len(place):
        place[last] = value
    else:
        place.append(value)


def _remove(place: Any, last: Any, touched: list[list[Any]]) -> None:
    if isinstance(last, str):
        place.pop(last, None)
    elif last < len(place):
        place[last] = REMOVED
        touched.append(place)


def _added(old: Value | None, operand: Value) -> Value:
    kind = type_of(operand)
    if old is None:
        return operand
    if kind not in old:
        raise validation(_WRONG_TYPE)
    if kind == "N":
        return {"N": numbers.add(old["N"], operand["N"])}
    return {kind: _sorted_set(kind, set(old[kind]) | set(operand[kind]))}


def _subtracted(old: Value | None, operand: Value) -> Value | None:
    """The set without the operand's members; nothing where none is left, for sets are never empty."""
    kind = type_of(operand)
    if old is None:
        return None
    if kind not in old:
        raise validation(_WRONG_TYPE)
    left = set(old[kind]) - set(operand[kind])
    return {kind: _sorted_set(kind, left)} if left else None


def _sorted_set(kind: str, members: set[str]) -> list[str]:
    if kind == "NS":
        return sorted(members, key=Decimal)
    return sorted(members, key=str.encode if kind == "SS" else b64decode)
