"""The route tree of an API: fixed segments win over `{parameter}`, which wins over `{proxy+}`."""

from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

M = TypeVar("M")

MAX_SEGMENTS = 128
VERBS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""What `ANY` stands for."""


class _Node(Generic[M]):
    __slots__ = ("children", "greedy", "methods", "parameter")

    def __init__(self) -> None:
        self.methods: dict[str, M] = {}
        self.children: dict[str, _Node[M]] = {}
        self.parameter: tuple[str, _Node[M]] | None = None
        self.greedy: tuple[str, _Node[M]] | None = None

    def child(self, part: str) -> "_Node[M]":
        if part.endswith("+}"):
            self.greedy = self.greedy or (part[1:-2], _Node())
            return self.greedy[1]
        if part.startswith("{"):
            self.parameter = self.parameter or (part[1:-1], _Node())
            return self.parameter[1]
        return self.children.setdefault(part, _Node())

    def find(self, segments: list[str], at: int, found: dict[str, str]) -> "_Node[M] | None":
        """The node of a path, with its parameters in `found`. A branch that leads nowhere is left for the next best."""
        if at == len(segments):
            return self if self.methods else None
        fixed = self.children.get(segments[at])
        if fixed is not None and (node := fixed.find(segments, at + 1, found)) is not None:
            return node
        if self.parameter is not None and segments[at]:
            name, child = self.parameter
            if (node := child.find(segments, at + 1, found)) is not None:
                found[name] = segments[at]
                return node
        if self.greedy is not None:
            name, child = self.greedy
            found[name] = "/".join(segments[at:])
            return child
        return None


class RouteTree(Generic[M]):
    """Finds what stands at (path, verb)."""

    def __init__(self, methods: Iterable[tuple[str, str, M]]) -> None:
        """`methods` are templates (`/todos/{id}`), verbs (`ANY` for all) and what stands there."""
        self._root: _Node[M] = _Node()
        for path, verb, method in methods:
            node = self._root
            for part in path.strip("/").split("/") if path != "/" else []:
                node = node.child(part)
            node.methods[verb] = method

    def find(self, path: str, verb: str) -> tuple[M, dict[str, str]] | None:
        """The method and its path parameters, decoded; None for an unknown route.

        `path` is as sent, so that `%2F` does not part segments. One slash at its end does not matter.
        """
        segments = path.removesuffix("/")[1:].split("/") if path not in ("", "/") else []
        if len(segments) > MAX_SEGMENTS or verb not in VERBS:
            return None
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        parameters: dict[str, str] = {}
        node = self._root.find(segments, 0, parameters)
        if node is None:
            return None
        method = node.methods.get(verb) or node.methods.get("ANY")
        return None if method is None else (method, parameters)
