"""Checks a request against botocore's own model of the operation: JSON types first, then every constraint at once.

Messages are Coral's, the framework behind AWS's APIs: `SerializationException` for a wrong JSON type, `ValidationException`
with "n validation errors detected" for constraints. Attribute values are left to `values`, which knows more about them.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from stratus.services.dynamodb.errors import serialization, validation
from stratus.services.dynamodb.values import json_kind
from stratus.wire.errors import not_implemented

Check = Callable[[Any, str, list[str]], None]
"""`check(value, path, problems)` raises on a wrong JSON type and notes violated constraints."""

MAX_PROBLEMS = 10


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def check(service: str, operation: str, params: Any, refused: tuple[str, ...] = ()) -> None:
    """Raises SerializationException or ValidationException where `params` breaks the model of `operation`.

    Members named in `refused` are known to AWS but not done here: using one raises NotImplemented with its name.
    """
    problems: list[str] = []
    _operation_check(service, operation)(params, "", problems)
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise validation(f"{len(problems)} validation error{plural} detected: {'; '.join(problems[:MAX_PROBLEMS])}")
    for name in refused:
        if params.get(name) is not None:
            raise not_implemented(service, f"{operation} with {name}")


@cache
def _operation_check(service: str, operation: str) -> Check:
    shape = service_model(service).operation_model(operation).input_shape
    assert shape is not None
    return _compile(shape, {})


def _compile(shape: Shape, known: dict[str, Check]) -> Check:
    if shape.name in known:
        return known[shape.name]
    if shape.name == "AttributeValue":
        return _ignore

    def recursive(value: Any, path: str, problems: list[str]) -> None:
        known[shape.name](value, path, problems)

    known[shape.name] = recursive
    if isinstance(shape, StructureShape):
        made = _structure(shape, known)
    elif isinstance(shape, ListShape):
        made = _list(shape, known)
    elif isinstance(shape, MapShape):
        made = _map(shape, known)
    else:
        made = _scalar(shape)
    known[shape.name] = made
    return made


def _ignore(value: Any, path: str, problems: list[str]) -> None:
    pass


def _structure(shape: StructureShape, known: dict[str, Check]) -> Check:
    members = {name: (_lower_first(name), _compile(member, known)) for name, member in shape.members.items()}
    required = tuple(shape.required_members)
    name_of_shape = shape.name

    def check_structure(value: Any, path: str, problems: list[str]) -> None:
        if type(value) is not dict:
            raise _unexpected(value, f"class com.amazonaws.dynamodb.v20120810.{name_of_shape}")
        problems.extend(
            f"Value null at '{path}{_lower_first(name)}' failed to satisfy constraint: Member must not be null"
            for name in required
            if value.get(name) is None
        )
        for name, content in value.items():
            member = members.get(name)
            if member is not None and content is not None:
                member[1](content, path + member[0], problems)

    def nested(value: Any, path: str, problems: list[str]) -> None:
        check_structure(value, f"{path}." if path else "", problems)

    return nested


def _list(shape: ListShape, known: dict[str, Check]) -> Check:
    member = _compile(shape.member, known)
    bounds = _length(shape)

    def check_list(value: Any, path: str, problems: list[str]) -> None:
        if type(value) is not list:
            if type(value) is dict:
                raise serialization("Start of structure or map found where not expected")
            raise serialization("Unexpected field type")
        bounds(value, path, problems)
        if member is not _ignore:
            for position, content in enumerate(value, 1):
                if content is not None:
                    member(content, f"{path}.{position}.member", problems)

    return check_list


def _map(shape: MapShape, known: dict[str, Check]) -> Check:
    member = _compile(shape.value, known)
    bounds = _length(shape)
    low, high = shape.value.metadata.get("min"), shape.value.metadata.get("max")
    lists_of = f"[Member must have length less than or equal to {high}, Member must have length greater than or equal to {low}]"

    def check_map(value: Any, path: str, problems: list[str]) -> None:
        if type(value) is not dict:
            raise _unexpected(value, "java.util.Map<java.lang.String, ?>")
        bounds(value, path, problems)
        if member is not _ignore:
            for key, content in value.items():
                if content is None:
                    continue
                if type(content) is list and low is not None and high is not None and not low <= len(content) <= high:
                    problems.append(_problem(value, path, f"Map value must satisfy constraint: {lists_of}"))
                else:
                    member(content, f"{path}.{key}.member", problems)

    return check_map


def _length(shape: Shape) -> Check:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is None and high is None:
        return _ignore

    def check_length(value: Any, path: str, problems: list[str]) -> None:
        if low is not None and len(value) < low:
            problems.append(_problem(value, path, f"Member must have length greater than or equal to {low}"))
        if high is not None and len(value) > high:
            problems.append(_problem(value, path, f"Member must have length less than or equal to {high}"))

    return check_length


def _scalar(shape: Shape) -> Check:
    kind = shape.type_name
    if kind == "string":
        return _string(shape)
    if kind in ("integer", "long"):
        return _integer(shape)
    if kind == "boolean":
        return _boolean
    return _ignore


def _string(shape: Shape) -> Check:
    bounds = _length(shape)
    pattern = shape.metadata.get("pattern")
    matches = re.compile(pattern).fullmatch if pattern else None
    allowed = tuple(shape.metadata.get("enum", ()))

    def check_string(value: Any, path: str, problems: list[str]) -> None:
        if type(value) is not str:
            raise _not_scalar(value, "String")
        if bounds is not _ignore:
            bounds(value, path, problems)
        if matches is not None and not matches(value):
            problems.append(_problem(value, path, f"Member must satisfy regular expression pattern: {pattern}"))
        if allowed and value not in allowed:
            problems.append(_problem(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]"))

    return check_string


def _integer(shape: Shape) -> Check:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    java = shape.type_name.capitalize()

    def check_integer(value: Any, path: str, problems: list[str]) -> None:
        if type(value) is not int:
            raise _not_scalar(value, java)
        if low is not None and value < low:
            problems.append(_problem(value, path, f"Member must have value greater than or equal to {low}"))
        if high is not None and value > high:
            problems.append(_problem(value, path, f"Member must have value less than or equal to {high}"))

    return check_integer


def _boolean(value: Any, path: str, problems: list[str]) -> None:
    if type(value) is not bool:
        raise _not_scalar(value, "Boolean")


def _problem(value: Any, path: str, constraint: str) -> str:
    return f"Value '{_java(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _java(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_java, value))}]"
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value)


def _unexpected(value: Any, expected: str) -> Exception:
    if isinstance(value, list):
        return serialization(f"Unrecognized collection type {expected}")
    return serialization("Unexpected field type")


def _not_scalar(value: Any, kind: str) -> Exception:
    if isinstance(value, list):
        return serialization(f"Unrecognized collection type class java.lang.{kind}")
    if isinstance(value, dict):
        return serialization("Start of structure or map found where not expected")
    if kind == "Boolean" and isinstance(value, str):
        return serialization("Unexpected token received from parser")
    return serialization(f"{json_kind(value)} cannot be converted to {kind}")


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]
