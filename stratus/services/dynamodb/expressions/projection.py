"""Projection expressions: the parts of an item that a request asks for.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from stratus.services.dynamodb.expressions.scope import Names, Scope, Steps, check_overlap, check_reserved, find
from stratus.services.dynamodb.expressions.syntax import parse_projection
from stratus.services.dynamodb.values import Item


@dataclass(frozen=True, slots=True)
class Projection:
    paths: tuple[Steps, ...]
    names: frozenset[str]

    @property
    def attributes(self) -> frozenset[str]:
        """The top-level attributes it reaches."""
        return frozenset(str(steps[0]) for steps in self.paths)


@lru_cache(maxsize=2048)
def compile_projection(text: str, names: Names) -> Projection:
    """Raises ExpressionError."""
    parsed = parse_projection(text)
    check_reserved(iter(parsed))
    scope = Scope(dict(names), {})
    paths = [scope.resolve(path) for path in parsed]
    check_overlap(paths)
    return Projection(tuple(paths), frozenset(scope.names_used))


class _Elements(dict[int, Any]):
    """List elements picked so far, by their place in the list."""


def project(item: Item, paths: Iterable[Steps]) -> Item:
    """The values at `paths`, each in its place; list elements close up in their order."""
    picked: dict[str, Any] = {}
    for steps in paths:
        value = find(item, steps)
        if value is None:
            continue
        if len(steps) == 1:
            picked[str(steps[0])] = value
        else:
            _place(picked, steps, value)
    return {name: _closed(value) for name, value in picked.items()}


def _place(picked: dict[str, Any], steps: Steps, value: Any) -> None:
    inside: Any = picked
    for step, following in pairwise(steps):
        kind = "L" if isinstance(following, int) else "M"
        inside = inside.setdefault(step, {kind: _Elements() if kind == "L" else {}})[kind]
    inside[steps[-1]] = value


def _closed(value: Any) -> Any:
    elements = value.get("L")
    if isinstance(elements, _Elements):
        return {"L": [_closed(elements[place]) for place in sorted(elements)]}
    members = value.get("M")
    if members is not None:
        return {"M": {name: _closed(member) for name, member in members.items()}}
    return value
