"""A template as it was written: its values, its short forms spelled out, and the line and column of everything in it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html (YAML 1.1 without aliases, binary,
sets and timestamps; JSON is a subset).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from stratus.template.errors import Path, TemplateError, UnusableTemplate, dotted
from stratus.template.sam_places import written

MAX_TEMPLATE_BYTES = 1_048_576
"""CloudFormation's own limit of a template body in S3."""

MAX_DEPTH = 100

Position = tuple[int, int]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_FULL_NAMES = {"Ref": "Ref", "Condition": "Condition"} | {
    name: f"Fn::{name}"
    for name in [
        "And",
        "Base64",
        "Cidr",
        "Contains",
        "Equals",
        "FindInMap",
        "ForEach",
        "GetAtt",
        "GetAZs",
        "GetStackOutput",
        "If",
        "ImportValue",
        "Join",
        "Length",
        "Not",
        "Or",
        "Select",
        "Split",
        "Sub",
        "ToJsonString",
        "Transform",
    ]
}


@dataclass(frozen=True)
class Source:
    """A template file. `positions` gives the line and column (from 1) of each path in `content`."""

    file: FilePath
    content: dict[str, Any]
    positions: dict[Path, Position] = field(repr=False)

    def describe(self, error: TemplateError) -> str:
        """One line: `template.yaml:12:7: Resources.Table.Properties.X: message`."""
        line, column = self._position(error)
        place = f"{_shown(self.file)}:{line}:{column}: "
        return place + (f"{dotted(error.path)}: " if error.path else "") + error.message

    def describe_all(self, errors: Iterable[TemplateError]) -> list[str]:
        """One line for each error, in the order of the file."""
        return list(dict.fromkeys(self.describe(error) for error in sorted(errors, key=self._position)))

    def _position(self, error: TemplateError) -> Position:
        known = self._written(error.path)
        while known and known not in self.positions:
            known = known[:-1]
        return self.positions.get(known, (1, 1))

    def _written(self, path: Path) -> Path:
        """The place in the file of a resource that SAM made: that of the one it was made from, whose name its own starts with."""
        resources = self.content.get("Resources")
        if len(path) < 2 or path[0] != "Resources" or not isinstance(resources, dict):
            return path
        if path[1] in resources:
            origin = resources[path[1]]
            sam_type = origin.get("Type") if isinstance(origin, dict) else None
            places = [(*path[:3], *place) for place in written(sam_type, path[3:])] if isinstance(sam_type, str) else []
            return next((place for place in places if place in self.positions), path)
        origins = [name for name in resources if str(path[1]).startswith(name)]
        return ("Resources", max(origins, key=len)) if origins else ("Resources",)


def load(file: FilePath) -> Source:
    """Reads a template. Raises UnusableTemplate with the place of what is wrong in it."""
    name = _shown(file)
    try:
        if file.stat().st_size > MAX_TEMPLATE_BYTES:
            raise UnusableTemplate(
                [f"{name}:1:1: the template is larger than {MAX_TEMPLATE_BYTES:,} bytes, CloudFormation's limit"]
            )
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableTemplate([f"{name}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise UnusableTemplate([f"{name}: is not UTF-8 (byte {error.start})"]) from error
    return parse(text, file)


def parse(text: str, file: FilePath) -> Source:
    """Parses a template's text; see `load`."""
    name = _shown(file)
    reader = _Reader()
    try:
        node = yaml.compose(text, Loader=_LOADER)
        content = reader.value(node, ()) if node is not None else None
        if not isinstance(content, dict):
            raise TemplateError("the template must be a mapping with a Resources section")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise UnusableTemplate([f"{name}:{line}:{column}: {error.problem or error.context}"]) from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise UnusableTemplate([f"{name}:1:1: {reason}"]) from error
    except TemplateError as error:
        raise UnusableTemplate([Source(file, {}, reader.positions).describe(error)]) from error
    return Source(file, content, reader.positions)


def _shown(file: FilePath) -> str:
    """The file as a person would name it: relative where it lies below the working directory."""
    here = FilePath.cwd()
    return str(file.relative_to(here)) if file.is_absolute() and file.is_relative_to(here) else str(file)


class _Reader:
    """Turns YAML nodes into values and notes where each of them stands."""

    def __init__(self) -> None:
        self.positions: dict[Path, Position] = {}
        self._seen: set[int] = set()
        self._scalars: Any = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, path: Path) -> Any:
        position = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.positions.setdefault(path, position)
        if len(path) > MAX_DEPTH:
            raise TemplateError(f"nested more than {MAX_DEPTH} levels deep", path[:4])
        if id(node) in self._seen:
            raise TemplateError("CloudFormation does not support YAML aliases: write the value out", path)
        self._seen.add(id(node))
        if node.tag.startswith("!"):
            return self._short_form(node, path)
        return self._plain(node, path)

    def _plain(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise TemplateError("a key must be a plain string", path)
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise TemplateError("CloudFormation does not support YAML merge keys (<<): write the values out", path)
            key = key_node.value
            here = (*path, key)
            self.positions[here if here not in self.positions else (*here, "(again)")] = (
                key_node.start_mark.line + 1,
                key_node.start_mark.column + 1,
            )
            if key in found:
                raise TemplateError("this key stands twice", (*here, "(again)"))
            found[key] = self.value(value_node, here)
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        try:
            if kind == "int":
                return self._scalars.construct_yaml_int(node)
            if kind == "float":
                return self._scalars.construct_yaml_float(node)
            if kind == "bool":
                return self._scalars.construct_yaml_bool(node)
        except ValueError:
            return node.value
        if kind == "null":
            return None
        if kind in ("str", "timestamp"):
            return node.value
        raise TemplateError(f"CloudFormation does not support the YAML tag !!{kind}", path)

    def _short_form(self, node: yaml.Node, path: Path) -> Any:
        name = _FULL_NAMES.get(node.tag[1:])
        if name is None:
            raise TemplateError(f"{node.tag} is not an intrinsic function of CloudFormation", path)
        inner = (*path, name)
        self.positions[inner] = self.positions[path]
        if isinstance(node, yaml.ScalarNode):
            argument: Any = node.value
            if name == "Fn::GetAtt":
                argument = argument.split(".", 1)
        else:
            argument = self._plain(node, inner)
        return {name: argument}
