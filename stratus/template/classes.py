"""The three classes of a template's properties: done, recorded without effect on one machine, refused (`resources/classes.yaml`)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from stratus.template.errors import Path, TemplateError
from stratus.template.intrinsics import Unknown
from stratus.template.notice import Notice

TABLE = FilePath(__file__).parent / "resources" / "classes.yaml"


@dataclass(frozen=True)
class Classes:
    """How one resource type's properties are placed; keys are dotted paths, or `path=value`. "*" is every other property."""

    done: frozenset[str]
    recorded: Mapping[str, str]
    refused: Mapping[str, str]
    only: Mapping[str, Collection[str]]
    protects: Collection[str]
    """Which of the recorded ones protect something on AWS."""

    def of(self, name: str) -> str | None:
        """The class of a top-level property: "done", "recorded", "refused", or None where the table forgot it."""
        if name in self.done:
            return "done"
        if name in self.refused:
            return "refused"
        return "recorded" if name in self.recorded or "*" in self.recorded else None


@cache
def table() -> Mapping[str, Classes]:
    """The committed table, by resource type."""
    rows = yaml.load(TABLE.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both loaders are safe ones
    return {
        resource_type: Classes(
            frozenset(row.get("done", ())),
            row.get("recorded", {}),
            row.get("refused", {}),
            row.get("only", {}),
            row.get("protects", ()),
        )
        for resource_type, row in rows.items()
    }


def examine(resource_type: str, properties: Mapping[str, Any], path: Path) -> tuple[list[Notice], list[TemplateError]]:
    """What of `properties` (evaluated) has no effect, and what is refused."""
    classes = table()[resource_type]
    notices: list[Notice] = []
    errors: list[TemplateError] = []
    for dotted, value, place in _walk(properties, "", path):
        refusal = classes.refused.get(dotted) or classes.refused.get(f"{dotted}={_shown(value)}")
        if refusal is not None:
            errors.append(TemplateError(f"Stratus refuses this: {refusal}", place))
        elif dotted in classes.only and not _among(value, classes.only[dotted]):
            errors.append(TemplateError(f"Stratus does only {', '.join(classes.only[dotted])} here", place))
        elif dotted in classes.recorded and value is not False:
            notices.append(Notice(resource_type, dotted, classes.recorded[dotted], dotted in classes.protects))
    if "*" in classes.recorded and any(classes.of(name) == "recorded" for name in properties):
        notices.append(Notice(resource_type, "*", classes.recorded["*"], protects=False))
    return list(dict.fromkeys(notices)), errors


def _walk(value: Any, dotted: str, path: Path) -> Iterator[tuple[str, Any, Path]]:
    """Every property with its dotted name (without list indexes), also each single value in a list."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = f"{dotted}.{key}" if dotted else str(key)
            yield name, item, (*path, key)
            yield from _walk(item, name, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, dict | list):
                yield dotted, item, (*path, index)
            yield from _walk(item, dotted, (*path, index))


def _among(value: Any, done: Collection[str]) -> bool:
    """Whether a value, or each member of a mapping, is one that is done; lists are judged item by item, the unknown not at all."""
    if isinstance(value, dict):
        return value.keys() <= set(done)
    return isinstance(value, list | Unknown) or value in done


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, str | int | float) else ""
