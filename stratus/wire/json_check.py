"""The structural check for services that work on the JSON as it was sent (DynamoDB's hot path): nothing is copied.

Members that the model does not know and nulls are removed in place, as AWS ignores them; a value of the wrong type raises
WrongType. Scalars are told apart by their exact Python type in the loop of their structure, without a call.
"""

import binascii
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from stratus.wire.json_shapes import WrongType, wrong_type
from stratus.wire.model import wire_name
from stratus.wire.shape_compiler import ShapeCompiler

Check = Callable[[Any], None]
_EXACT: dict[str, type] = {"string": str, "boolean": bool, "integer": int, "long": int, "double": float, "float": float}


class JsonChecks(ShapeCompiler[Check]):
    """Compiles shapes to checks."""

    def compile(self, shape: Shape) -> Check:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        if shape.type_name == "blob":
            return _blob
        if shape.type_name in ("timestamp", "double", "float"):
            return _number(shape.type_name)
        return _exactly(_EXACT[shape.type_name], shape.type_name)

    def _structure(self, shape: StructureShape) -> Check:
        members = {wire_name(member, name): self.of(member) for name, member in shape.members.items()}
        exact = {
            wire_name(member, name): _EXACT[member.type_name]
            for name, member in shape.members.items()
            if member.type_name in _EXACT
        }

        def check(value: Any) -> None:
            if type(value) is not dict:
                raise wrong_type(value, "structure")
            strays: list[str] = []
            for name, item in value.items():
                if type(item) is exact.get(name):
                    continue
                if item is None or name not in members:
                    strays.append(name)
                else:
                    members[name](item)
            for name in strays:
                del value[name]

        return check

    def _list(self, shape: ListShape) -> Check:
        check_item = self.of(shape.member)

        def check(value: Any) -> None:
            if type(value) is not list:
                raise wrong_type(value, "list")
            for item in value:
                if item is not None:
                    check_item(item)

        return check

    def _map(self, shape: MapShape) -> Check:
        check_item = self.of(shape.value)

        def check(value: Any) -> None:
            if type(value) is not dict:
                raise wrong_type(value, "map")
            for item in value.values():
                if item is not None:
                    check_item(item)

        return check


def _exactly(expected: type, kind: str) -> Check:
    def check(value: Any) -> None:
        if type(value) is not expected:
            raise wrong_type(value, kind)

    return check


def _number(kind: str) -> Check:
    def check(value: Any) -> None:
        if type(value) is not int and type(value) is not float:
            raise wrong_type(value, kind)

    return check


def _blob(value: Any) -> None:
    if type(value) is not str:
        raise wrong_type(value, "blob")
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        raise WrongType(_why_not_base64(value)) from None


def _why_not_base64(value: str) -> str:
    if len(value) % 4:
        why = f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(value)}"
    else:
        why = "Invalid Base64 character"
    return f"'{value[:64]}' can not be converted to a Blob: {why}"
