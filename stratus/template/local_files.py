"""What a template names by a path on this machine: code directories, API descriptions, included fragments.

`sam build` and `sam package` upload these to a bucket before CloudFormation sees the template; here they are used where they lie.
"""

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from stratus.template.errors import Path, TemplateError, UnusableTemplate
from stratus.template.source import load

CODE_DIRECTORY = "STRATUS_DIRECTORY"
"""Stands as S3Bucket of a function's code whose S3Key is an absolute directory. No bucket can have a name in capitals."""

INCLUDE = "AWS::Include"


@dataclass
class LocalFiles:
    """A template with its local paths resolved. `read` gives the digest of each file that went into it."""

    content: dict[str, Any]
    read: dict[str, str] = field(default_factory=dict)
    errors: list[TemplateError] = field(default_factory=list)


def resolve(content: Mapping[str, Any], directory: FilePath) -> LocalFiles:
    """Puts in what `content` names by paths relative to `directory`."""
    return _Resolver(directory).resolve(content)


def digest(file: FilePath) -> str:
    """The SHA-256 of a file in hex; empty where it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


class _Resolver:
    def __init__(self, directory: FilePath) -> None:
        self._directory = directory
        self._files = LocalFiles({})

    def resolve(self, content: Mapping[str, Any]) -> LocalFiles:
        found = self._included(copy.deepcopy(dict(content)), ())
        self._files.content = found if isinstance(found, dict) else {}
        functions = _section(_section(self._files.content, "Globals"), "Function")
        self._code(functions, "CodeUri", "Bucket", "Key", ("Globals", "Function"))
        for logical_id, resource in _section(self._files.content, "Resources").items():
            if isinstance(resource, dict):
                self._resource(
                    resource.get("Type"), _section(resource, "Properties"), ("Resources", logical_id, "Properties")
                )
        return self._files

    def _resource(self, resource_type: Any, properties: dict[str, Any], path: Path) -> None:
        if resource_type == "AWS::Serverless::Function":
            self._code(properties, "CodeUri", "Bucket", "Key", path)
        elif resource_type == "AWS::Lambda::Function":
            self._code(properties, "Code", "S3Bucket", "S3Key", path)
        elif resource_type == "AWS::Serverless::Api":
            self._description(properties, "DefinitionUri", "DefinitionBody", path)
        elif resource_type == "AWS::ApiGateway::RestApi":
            self._description(properties, "BodyS3Location", "Body", path)

    def _code(self, properties: dict[str, Any], name: str, bucket: str, key: str, path: Path) -> None:
        where = properties.get(name)
        if not isinstance(where, str) or where.startswith("s3://"):
            return
        place = (self._directory / where).resolve()
        if not place.is_dir():
            reason = f"{place} is not a directory; functions run from the directory that holds their code"
            self._files.errors.append(TemplateError(reason, (*path, name)))
        properties[name] = {bucket: CODE_DIRECTORY, key: str(place)}

    def _description(self, properties: dict[str, Any], name: str, body: str, path: Path) -> None:
        where = properties.get(name)
        if isinstance(where, str) and not where.startswith("s3://"):
            properties[body] = self._fragment(where, (*path, name))
            del properties[name]

    def _included(self, value: Any, path: Path) -> Any:
        if isinstance(value, list):
            return [self._included(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        transform = value.get("Fn::Transform")
        if not isinstance(transform, dict) or transform.get("Name") != INCLUDE:
            return {key: self._included(item, (*path, key)) for key, item in value.items()}
        here = (*path, "Fn::Transform")
        location = _section(transform, "Parameters").get("Location")
        if not isinstance(location, str) or location.startswith("s3://"):
            self._files.errors.append(TemplateError("Stratus includes local files only: Location is a path", here))
            return {}
        rest = {key: self._included(item, (*path, key)) for key, item in value.items() if key != "Fn::Transform"}
        return {**self._fragment(location, here), **rest}

    def _fragment(self, location: str, path: Path) -> dict[str, Any]:
        file = (self._directory / location).resolve()
        self._files.read[str(file)] = digest(file)
        try:
            return load(file).content
        except UnusableTemplate as error:
            self._files.errors += [TemplateError(line, path) for line in error.lines]
            return {}


def _section(container: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = container.get(name)
    return section if isinstance(section, dict) else {}
