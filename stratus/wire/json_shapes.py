"""JSON values read and written by shape. A shape is compiled once into a function, so that nothing is looked up per request."""

import math
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from stratus.wire.model import wire_name
from stratus.wire.scalars import epoch_of, read_blob, read_epoch, read_timestamp, write_blob, write_timestamp
from stratus.wire.shape_compiler import ShapeCompiler

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

_TYPE_NAMES = {
    "string": "String",
    "character": "String",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "boolean": "Boolean",
    "blob": "Blob",
    "timestamp": "Timestamp",
}


class WrongType(ValueError):  # noqa: N818 - the protocol turns it into its own SerializationException
    """A value of the wrong JSON type, in the words of AWS's own JSON reader."""


def wrong_type(value: Any, kind: str) -> WrongType:
    """The complaint about `value` where `kind` (a shape's type name) was expected."""
    if isinstance(value, dict):
        return WrongType("Start of structure or map found where not expected")
    if isinstance(value, list):
        return WrongType("Start of list found where not expected")
    if kind not in _TYPE_NAMES:
        return WrongType("Unexpected field type")
    return WrongType(f"{_token(value)} cannot be converted to {_TYPE_NAMES[kind]}")


def _token(value: Any) -> str:
    if value is True:
        return "TRUE_VALUE"
    if value is False:
        return "FALSE_VALUE"
    if isinstance(value, int):
        return "NUMBER_VALUE"
    return "DECIMAL_VALUE" if isinstance(value, float) else "STRING_VALUE"


class JsonReaders(ShapeCompiler[Reader]):
    """Compiles shapes to readers: JSON as decoded in, members as botocore names them out. Unknown members and nulls are
    left away, as AWS does. Readers raise WrongType."""

    def compile(self, shape: Shape) -> Reader:
        if isinstance(shape, StructureShape):
            return _as_it_is if shape.is_document_type else self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        return _SCALARS[shape.type_name]

    def _structure(self, shape: StructureShape) -> Reader:
        members = {wire_name(member, name): (name, self.of(member)) for name, member in shape.members.items()}

        def read(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise wrong_type(value, "structure")
            found = {}
            for key, item in value.items():
                member = members.get(key)
                if member is not None and item is not None:
                    found[member[0]] = member[1](item)
            return found

        return read

    def _list(self, shape: ListShape) -> Reader:
        item_reader = self.of(shape.member)

        def read(value: Any) -> list[Any]:
            if type(value) is not list:
                raise wrong_type(value, "list")
            return [item_reader(item) for item in value if item is not None]

        return read

    def _map(self, shape: MapShape) -> Reader:
        value_reader = self.of(shape.value)

        def read(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise wrong_type(value, "map")
            return {key: value_reader(item) for key, item in value.items() if item is not None}

        return read


def _string(value: Any) -> str:
    if type(value) is not str:
        raise wrong_type(value, "string")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise wrong_type(value, "boolean")
    return value


def _integer(bound: int, kind: str) -> Reader:
    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not -bound <= value < bound:
            raise wrong_type(value, kind)
        return value

    return read


def _float(value: Any) -> float:
    if type(value) is int or type(value) is float:
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise wrong_type(value, "double")


def _blob(value: Any) -> bytes:
    if type(value) is not str:
        raise wrong_type(value, "blob")
    try:
        return read_blob(value)
    except ValueError:
        raise wrong_type(value, "blob") from None


def _timestamp(value: Any) -> Any:
    try:
        if type(value) in (int, float):
            return read_epoch(value)
        if type(value) is str:
            return read_timestamp(value)
    except ValueError:
        pass  # said below, in the protocol's own words
    raise wrong_type(value, "timestamp")


_SCALARS: dict[str, Reader] = {
    "string": _string,
    "character": _string,
    "boolean": _boolean,
    "integer": _integer(2**31, "integer"),
    "long": _integer(2**63, "long"),
    "float": _float,
    "double": _float,
    "blob": _blob,
    "timestamp": _timestamp,
}


class JsonWriters(ShapeCompiler[Writer]):
    """Compiles shapes to writers: members as botocore names them in, what orjson can dump out.

    A member that the model does not have is a mistake of the service and raises ValueError. None means absent.
    """

    def compile(self, shape: Shape) -> Writer:
        if isinstance(shape, StructureShape):
            return _as_it_is if shape.is_document_type else self._structure(shape)
        if isinstance(shape, ListShape):
            item_writer = self.of(shape.member)
            return lambda value: [item_writer(item) for item in value]
        if isinstance(shape, MapShape):
            value_writer = self.of(shape.value)
            return lambda value: {key: value_writer(item) for key, item in value.items()}
        if shape.type_name == "timestamp":
            return _timestamp_writer(shape.serialization.get("timestampFormat"))
        return _SCALAR_WRITERS.get(shape.type_name, _as_it_is)

    def _structure(self, shape: StructureShape) -> Writer:
        members = {name: (wire_name(member, name), self.of(member)) for name, member in shape.members.items()}

        def write(value: dict[str, Any]) -> dict[str, Any]:
            written = {}
            for name, item in value.items():
                if item is None:
                    continue
                if name not in members:
                    raise ValueError(f"{shape.name} has no member {name}")
                key, member_writer = members[name]
                written[key] = member_writer(item)
            return written

        return write


def _write_float(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _as_it_is(value: Any) -> Any:
    return value


def _timestamp_writer(style: str | None) -> Writer:
    if style is None or style.lower() == "unixtimestamp":
        return epoch_of
    return lambda value: write_timestamp(value, style)


_SCALAR_WRITERS: dict[str, Writer] = {"blob": write_blob, "float": _write_float, "double": _write_float}
