"""awsQuery: a form (`Action=CreateRole&Tags.member.1.Key=a`) in, XML out.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from stratus.wire.base import Protocol
from stratus.wire.constraints import Constraints
from stratus.wire.errors import AwsError
from stratus.wire.message import Params, Request, Response
from stratus.wire.model import wire_name
from stratus.wire.scalars import text_reader
from stratus.wire.shape_compiler import ShapeCompiler
from stratus.wire.xml_errors import error_response
from stratus.wire.xml_shapes import XmlWriters

MAX_FIELDS = 10_000
_CONTENT_TYPE = ("content-type", "text/xml")

FieldReader = Callable[["Field"], Any]


class Field:
    """A form's fields as a tree: `Tags.member.1.Key` is `tree["Tags"]["member"]["1"]["Key"]`."""

    __slots__ = ("children", "value")

    def __init__(self) -> None:
        self.value: str | None = None
        self.children: dict[str, Field] = {}

    def numbered(self) -> list["Field"]:
        """The children `1`, `2`, ... in order; gaps close up. Raises ValueError for a name that is no number."""
        try:
            return [self.children[name] for name in sorted(self.children, key=_index)]
        except ValueError:
            raise ValueError("has an index that is not a number") from None


def _index(name: str) -> int:
    if len(name) > 9 or not name.isascii() or not name.isdigit():
        raise ValueError
    return int(name)


def parse_form(text: str) -> list[tuple[str, str]]:
    """The fields of a form or query string. Raises ValueError past MAX_FIELDS and for what is not UTF-8."""
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)


class QueryProtocol(Protocol):
    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self._namespace = str(model.metadata.get("xmlNamespace", ""))
        self._readers, self._writers = _FieldReaders(), XmlWriters("iso8601")
        self._constraints = Constraints(model.service_name)
        self._parsers: dict[str, Callable[[Field], Params]] = {}

    async def operation_of(self, request: Request) -> OperationModel:
        fields = dict(await self._fields(request))
        name = fields.get("Action")
        if name is None:
            raise AwsError("MissingAction", "The request must contain the parameter Action")
        if name not in self.model.operation_names:
            version = fields.get("Version", self.model.api_version)
            raise AwsError("InvalidAction", f"Could not find operation {name[:128]} for version {version[:32]}")
        return self.model.operation_model(name)

    async def parse(self, operation: OperationModel, request: Request) -> Params:
        root = Field()
        for name, value in await self._fields(request):
            field = root
            for part in name.split("."):
                field = field.children.setdefault(part, Field())
            field.value = value
        parser = self._parsers.get(operation.name)
        if parser is None:
            parser = self._parsers[operation.name] = self._compile(operation)
        try:
            return parser(root)
        except ValueError as error:
            raise AwsError("MalformedInput", f"The parameter {error}") from None

    async def _fields(self, request: Request) -> list[tuple[str, str]]:
        body = await self.whole_body(request)
        try:
            fields = parse_form(request.query)
            return fields + parse_form(body.decode()) if body else fields
        except ValueError:
            raise AwsError("MalformedQueryString", "The query string contains a syntax error.", 404) from None

    def _compile(self, operation: OperationModel) -> Callable[[Field], Params]:
        shape = operation.input_shape
        if shape is None:
            return lambda root: {}
        read, validate = self._readers.of(shape), self._constraints.validator(shape)

        def parsed(root: Field) -> Params:
            params: Params = read(root)
            validate(params)
            return params

        return parsed

    def write(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        out: list[str] = [f'<{operation.name}Response xmlns="{self._namespace}">']
        shape = operation.output_shape
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
            out.append(f"<{wrapper}>")
            self._writers.members(shape)(result, out)
            out.append(f"</{wrapper}>")
        out.append(
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
        )
        return Response(200, [_CONTENT_TYPE], "".join(out).encode())

    def write_bytes(self, operation: OperationModel, body: bytes) -> Response:
        return Response(200, [_CONTENT_TYPE], body)

    def write_error(self, error: AwsError, request_id: str, request: Request) -> Response:
        return error_response(self, error, request_id, self._namespace)


class _FieldReaders(ShapeCompiler[FieldReader]):
    """Compiles shapes to readers of fields. Readers raise ValueError (`MaxItems is not an integer`)."""

    def compile(self, shape: Shape) -> FieldReader:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        read_text = text_reader(shape)

        def read(field: Field) -> Any:
            if field.value is None:
                raise ValueError("has members where a value belongs")
            return read_text(field.value)

        return read

    def _structure(self, shape: StructureShape) -> FieldReader:
        members = {_field_name(member, name): (name, self.of(member)) for name, member in shape.members.items()}

        def read(field: Field) -> dict[str, Any]:
            found = {}
            for key, child in field.children.items():
                member = members.get(key)
                if member is None:
                    continue
                try:
                    found[member[0]] = member[1](child)
                except ValueError as error:
                    raise ValueError(
                        f"{key} {error}" if str(error).startswith(("is", "has")) else f"{key}.{error}"
                    ) from None
            return found

        return read

    def _list(self, shape: ListShape) -> FieldReader:
        read_item = self.of(shape.member)
        item_name = None if shape.serialization.get("flattened") else shape.member.serialization.get("name", "member")

        def read(field: Field) -> list[Any]:
            holder = field if item_name is None else field.children.get(item_name)
            return [] if holder is None else [read_item(item) for item in holder.numbered()]

        return read

    def _map(self, shape: MapShape) -> FieldReader:
        key_name, value_name = wire_name(shape.key, "key"), wire_name(shape.value, "value")
        read_value = self.of(shape.value)
        flattened = shape.serialization.get("flattened")

        def read(field: Field) -> dict[str, Any]:
            holder = field if flattened else field.children.get("entry")
            found = {}
            for entry in [] if holder is None else holder.numbered():
                key, value = entry.children.get(key_name), entry.children.get(value_name)
                if key is None or key.value is None or value is None:
                    raise ValueError("has an entry without its key or value")
                found[key.value] = read_value(value)
            return found

        return read


def _field_name(shape: Shape, member: str) -> str:
    if isinstance(shape, ListShape) and shape.serialization.get("flattened"):
        return str(shape.member.serialization.get("name") or wire_name(shape, member))
    return wire_name(shape, member)
