"""Key condition expressions: one partition, and a range of its sort keys.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stratus.services.dynamodb.expressions.condition import ValueCheck, check_bounds, check_functions, wrong_type
from stratus.services.dynamodb.expressions.scope import Names, Scope, Types, check_reserved, paths_in
from stratus.services.dynamodb.expressions.syntax import (
    ExpressionError,
    Function,
    Node,
    Operator,
    Path,
    ValueRef,
    parse_condition,
    without_parentheses,
)

_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class KeyTest:
    """`attribute operator values`; `operator` is a comparator, `BETWEEN` or `begins_with`."""

    attribute: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    tests: tuple[KeyTest, ...]
    checks: tuple[ValueCheck, ...]
    names: frozenset[str]
    values: frozenset[str]


@lru_cache(maxsize=2048)
def compile_key_condition(text: str, names: Names, types: Types) -> KeyCondition:
    """Raises ExpressionError; those in `Invalid KeyConditionExpression: ` words carry that prefix elsewhere."""
    root = parse_condition(text)
    _check_operators(root)
    check_functions(root)
    check_reserved(paths_in(root))
    scope = Scope(dict(names), dict(types))
    checks: list[ValueCheck] = []
    tests: list[KeyTest] = []
    for node in _conjunction(root):
        test = _test(node, scope, checks)
        if any(other.attribute == test.attribute for other in tests):
            raise KeyConditionError("KeyConditionExpressions must only contain one condition per key")
        tests.append(test)
    return KeyCondition(tuple(tests), tuple(checks), frozenset(scope.names_used), frozenset(scope.values_used))


class KeyConditionError(ExpressionError):
    """A well-formed condition that cannot select by key; AWS's message stands alone."""


def _check_operators(node: Any) -> None:
    node = without_parentheses(node)
    if isinstance(node, Operator):
        if node.name in ("OR", "NOT", "IN", "<>"):
            raise KeyConditionError(f"Invalid operator used in KeyConditionExpression: {node.name}")
        for operand in node.operands:
            _check_operators(operand)
    elif isinstance(node, Function):
        if node.name in ("attribute_exists", "attribute_not_exists", "attribute_type", "contains"):
            raise KeyConditionError(f"Invalid operator used in KeyConditionExpression: {node.name}")
        if node.name == "size":
            raise KeyConditionError("KeyConditionExpressions cannot contain nested operations")


def _conjunction(node: Any) -> list[Node]:
    node = without_parentheses(node)
    if isinstance(node, Operator) and node.name == "AND":
        return _conjunction(node.operands[0]) + _conjunction(node.operands[1])
    return [node]


def _test(node: Any, scope: Scope, checks: list[ValueCheck]) -> KeyTest:
    operands = [without_parentheses(operand) for operand in node.operands]
    name = node.name
    if name == "begins_with" and len(operands) != 2:
        raise ExpressionError(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(operands)}"
        )
    paths = [operand for operand in operands if isinstance(operand, Path)]
    attributes = [scope.resolve(path) for path in paths]
    kinds = [scope.type_of(operand) for operand in operands if isinstance(operand, ValueRef)]
    if name in ("BETWEEN", "begins_with") and not isinstance(operands[0], Path):
        raise KeyConditionError(
            f"Invalid condition in KeyConditionExpression: {name} operator must have the key attribute as its first operand"
        )
    if len(paths) > 1:
        raise KeyConditionError(
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
        )
    if not paths:
        raise KeyConditionError("Invalid condition in KeyConditionExpression: No key attribute specified")
    if len(attributes[0]) > 1:
        raise KeyConditionError("KeyConditionExpressions cannot have conditions on nested attributes")
    _check_types(name, kinds)
    references = tuple(operand.name for operand in operands if isinstance(operand, ValueRef))
    if name == "BETWEEN":
        low, high = references
        checks.append(lambda values: check_bounds(values[low], values[high]))
    if not isinstance(operands[0], Path):
        name = _TURNED[name]
    return KeyTest(str(attributes[0][0]), name, references)


def _check_types(name: str, kinds: list[str]) -> None:
    for kind in kinds:
        if name == "begins_with" and kind not in ("S", "B"):
            raise wrong_type(name, kind)
        if name not in ("=", "begins_with") and kind not in ("S", "N", "B"):
            raise wrong_type(name, kind)
