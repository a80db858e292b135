"""Patch operations (`op`, `path`, `value`), as the Update calls of API Gateway take them.

Source: API Gateway API Reference, "Patch operations" (which paths each resource has).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stratus.services.apigateway.errors import bad_request


@dataclass(frozen=True, slots=True)
class Patch:
    op: str
    parts: tuple[str, ...]
    value: str | None

    @property
    def path(self) -> str:
        return "/" + "/".join(self.parts)

    def text(self) -> str:
        if self.value is None:
            raise bad_request(f"Invalid patch path {self.path}: it needs a value")
        return self.value

    def refusal(self) -> Exception:
        return bad_request(f"Invalid patch path '{self.path}' specified for op '{self.op}'")


def patches(operations: Iterable[Mapping[str, Any]]) -> list[Patch]:
    """The operations with their paths taken apart (`~1` is a slash inside of a part, `~0` a tilde)."""
    return [_patch(operation) for operation in operations]


def _patch(operation: Mapping[str, Any]) -> Patch:
    op, path = operation.get("op"), operation.get("path")
    if op not in ("add", "remove", "replace") or not path or not path.startswith("/"):
        raise bad_request(f"Invalid patch operation {op} {path}")
    parts = tuple(part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
    return Patch(op, parts, operation.get("value"))


def boolean(patch: Patch) -> bool:
    if patch.text().lower() not in ("true", "false"):
        raise bad_request(f"Invalid value for {patch.path}: must be true or false")
    return patch.text().lower() == "true"


def number(patch: Patch, kind: Callable[[str], Any]) -> Any:
    try:
        return kind(patch.text())
    except ValueError:
        raise bad_request(f"Invalid value for {patch.path}: must be a number") from None
