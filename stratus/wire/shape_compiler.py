"""Compiling shapes to functions, once each; shapes may hold themselves (DynamoDB's AttributeValue)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from botocore.model import Shape

F = TypeVar("F", bound=Callable[..., Any])


class ShapeCompiler(ABC, Generic[F]):
    """Makes one function per shape and keeps it. Where a shape holds itself, the inner call finds the function later."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], F] = {}

    def of(self, shape: Shape) -> F:
        key = _identity(shape)
        made = self._made.get(key)
        if made is None:
            self._made[key] = self._later(key)
            made = self._made[key] = self.compile(shape)
        return made

    @abstractmethod
    def compile(self, shape: Shape) -> F:
        """The function of a shape; uses `of` for the shapes inside."""

    def _later(self, key: tuple[str, str]) -> F:
        def call(*arguments: Any) -> Any:
            return self._made[key](*arguments)

        return cast(F, call)


def _identity(shape: Shape) -> tuple[str, str]:
    """Tells shapes apart that a member's own traits (a name, a timestamp format) made different."""
    return shape.name, repr(sorted(shape.serialization.items(), key=lambda trait: str(trait[0])))
