"""Condition and filter expressions, compiled to functions of an item and the request's values.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stratus.services.dynamodb.expressions.comparison import between, compare, contains, same_start, size_of
from stratus.services.dynamodb.expressions.scope import (
    Names,
    Scope,
    Steps,
    Types,
    check_reserved,
    find,
    functions_in,
    path_text,
    paths_in,
)
from stratus.services.dynamodb.expressions.syntax import (
    LOGICAL,
    ExpressionError,
    Function,
    Node,
    Operator,
    Parentheses,
    Path,
    ValueRef,
    parse_condition,
    without_parentheses,
)
from stratus.services.dynamodb.values import TYPES, Item, Value, type_of

Test = Callable[[Item, Item], bool]
Operand = Callable[[Item, Item], Value | None]
ValueCheck = Callable[[Item], None]

MAX_IN_OPERANDS = 100
OPERAND_COUNTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
UPDATE_FUNCTIONS = ("if_not_exists", "list_append")
_ORDERINGS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `test(item, values)` needs values that passed `checks`."""

    test: Test
    checks: tuple[ValueCheck, ...]
    names: frozenset[str]
    values: frozenset[str]
    paths: frozenset[Steps]


@lru_cache(maxsize=2048)
def compile_condition(text: str, names: Names, types: Types) -> Condition:
    """Raises ExpressionError, with AWS's messages in AWS's order."""
    root = parse_condition(text)
    check_functions(root)
    check_reserved(paths_in(root))
    scope = Scope(dict(names), dict(types))
    compiler = _Compiler(scope)
    test = compiler.condition(root)
    return Condition(
        test,
        tuple(compiler.checks),
        frozenset(scope.names_used),
        frozenset(scope.values_used),
        frozenset(compiler.paths),
    )


def check_functions(root: Node) -> None:
    """Unknown functions, and functions where they do not belong."""
    for function in functions_in(root):
        if function.name in UPDATE_FUNCTIONS:
            raise ExpressionError(f"The function is not allowed in a condition expression; function: {function.name}")
        if function.name not in OPERAND_COUNTS:
            raise ExpressionError(f"Invalid function name; function: {function.name}")
    _check_use(root, as_condition=True)


def _check_use(node: Node, *, as_condition: bool) -> None:
    if isinstance(node, Parentheses):
        _check_use(node.inner, as_condition=as_condition)
    elif isinstance(node, Operator):
        for operand in node.operands:
            _check_use(operand, as_condition=node.name in LOGICAL)
    elif isinstance(node, Function):
        if (node.name == "size") == as_condition:
            raise ExpressionError(
                f"The function is not allowed to be used this way in an expression; function: {node.name}"
            )
        for operand in node.operands:
            _check_use(operand, as_condition=False)


class _Compiler:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.checks: list[ValueCheck] = []
        self.paths: set[Steps] = set()

    def condition(self, node: Node) -> Test:
        node = without_parentheses(node)
        if isinstance(node, Function):
            return self._function(node)
        assert isinstance(node, Operator)
        if node.name not in LOGICAL:
            return self._comparison(node)
        parts = [self.condition(operand) for operand in node.operands]
        first = parts[0]
        if node.name == "NOT":
            return lambda item, values: not first(item, values)
        second = parts[1]
        if node.name == "AND":
            return lambda item, values: first(item, values) and second(item, values)
        return lambda item, values: first(item, values) or second(item, values)

    def _operands(self, name: str, nodes: tuple[Node, ...]) -> tuple[list[Operand], list[str | None]]:
        """The operands' functions and, where they are known before an item is seen, their types."""
        plain = [without_parentheses(node) for node in nodes]
        compiled = [self._operand(node) for node in plain]
        if name in OPERAND_COUNTS and len(plain) != OPERAND_COUNTS[name]:
            raise ExpressionError(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {name}, number of operands: {len(plain)}"
            )
        if name == "IN" and len(plain) > MAX_IN_OPERANDS + 1:
            raise ExpressionError(
                f"The IN operator is provided with too many operands; number of operands: {len(plain) - 1}"
            )
        kinds = [kind for _, kind in compiled]
        if name == "BETWEEN" or name in _ORDERINGS:
            for kind in kinds:
                if kind not in (None, "S", "N", "B"):
                    raise wrong_type(name, kind)
        self._check_distinct(name, plain)
        return [made for made, _ in compiled], kinds

    def _check_distinct(self, name: str, nodes: list[Any]) -> None:
        if not isinstance(nodes[0], Path):
            return
        first = self.scope.resolve(nodes[0])
        for node in nodes[1:]:
            if isinstance(node, Path) and self.scope.resolve(node) == first:
                raise ExpressionError(
                    "The first operand must be distinct from the remaining operands for this operator or function; "
                    f"operator: {name}, first operand: {path_text(first)}"
                )

    def _operand(self, node: Node) -> tuple[Operand, str | None]:
        if isinstance(node, Path):
            steps = self.scope.resolve(node)
            self.paths.add(steps)
            if len(steps) == 1:
                name = steps[0]
                return (lambda item, values: item.get(name)), None
            return (lambda item, values: find(item, steps)), None
        if isinstance(node, ValueRef):
            reference = node.name
            return (lambda item, values: values[reference]), self.scope.type_of(node)
        assert isinstance(node, Function)
        return self._size(node), "N"

    def _size(self, node: Function) -> Operand:
        (operand,), (kind,) = self._operands("size", node.operands)
        if kind in ("N", "BOOL", "NULL"):
            raise wrong_type("size", kind)
        return lambda item, values: size_of(operand(item, values))

    def _comparison(self, node: Operator) -> Test:
        operands, _ = self._operands(node.name, node.operands)
        first, second = operands[0], operands[1]
        if node.name == "=":
            return lambda item, values: (left := first(item, values)) is not None and left == second(item, values)
        if node.name == "<>":
            return lambda item, values: (left := first(item, values)) is None or left != second(item, values)
        if node.name == "IN":
            return lambda item, values: (
                (left := first(item, values)) is not None
                and any(left == member(item, values) for member in operands[1:])
            )
        if node.name == "BETWEEN":
            third = operands[2]
            self._check_bounds(node)
            return lambda item, values: between(first(item, values), second(item, values), third(item, values))
        ordering = _ORDERINGS[node.name]
        return lambda item, values: compare(ordering, first(item, values), second(item, values))

    def _check_bounds(self, node: Operator) -> None:
        low, high = (without_parentheses(operand) for operand in node.operands[1:])
        if isinstance(low, ValueRef) and isinstance(high, ValueRef):
            self.checks.append(lambda values: check_bounds(values[low.name], values[high.name]))

    def _function(self, node: Function) -> Test:
        name = node.name
        operands, kinds = self._operands(name, node.operands)
        first = operands[0]
        if name in ("attribute_exists", "attribute_not_exists"):
            if not isinstance(without_parentheses(node.operands[0]), Path):
                raise ExpressionError(f"Operator or function requires a document path; operator or function: {name}")
            if name == "attribute_exists":
                return lambda item, values: first(item, values) is not None
            return lambda item, values: first(item, values) is None
        second = operands[1]
        if name == "begins_with":
            for kind in kinds:
                if kind not in (None, "S", "B"):
                    raise wrong_type(name, kind)
            return lambda item, values: same_start(first(item, values), second(item, values))
        if name == "contains":
            return lambda item, values: contains(first(item, values), second(item, values))
        return self._attribute_type(first, second, kinds[1], node)

    def _attribute_type(self, first: Operand, second: Operand, kind: str | None, node: Function) -> Test:
        if kind != "S":
            raise wrong_type(node.name, kind or f"{{{','.join(TYPES)}}}")
        wanted = without_parentheses(node.operands[1])
        assert isinstance(wanted, ValueRef)

        def check_name(values: Item) -> None:
            name = values[wanted.name]["S"]
            if name not in TYPES:
                raise ExpressionError(
                    f"Invalid attribute type name found; type: {name}, valid types: {{{','.join(TYPES)}}}"
                )

        self.checks.append(check_name)

        def has_type(item: Item, values: Item) -> bool:
            value = first(item, values)
            return value is not None and type_of(value) == second(item, values)["S"]  # type: ignore[index]  # a `:value`

        return has_type


def wrong_type(name: str, kind: str | None) -> ExpressionError:
    return ExpressionError(
        f"Incorrect operand type for operator or function; operator or function: {name}, operand type: {kind}"
    )


def check_bounds(low: Value, high: Value) -> None:
    """BETWEEN's bounds: of one type, the lower not above the upper."""
    bounds = f"lower bound operand: AttributeValue: {_shown(low)}, upper bound operand: AttributeValue: {_shown(high)}"
    if type_of(low) != type_of(high):
        raise ExpressionError(f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}")
    if compare(operator.gt, low, high):
        raise ExpressionError(
            f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {bounds}"
        )


def _shown(value: Value) -> str:
    kind, content = next(iter(value.items()))
    return f"{{{kind}:{content}}}"
