"""What restJson and restXml share: members in the path, the query string, headers and the status; the body is theirs.

https://smithy.io/2.0/spec/http-bindings.html
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from stratus.wire.base import Protocol, is_raw, raw_body
from stratus.wire.constraints import Constraints
from stratus.wire.errors import AwsError
from stratus.wire.message import Headers, Params, Request, Response
from stratus.wire.model import wire_name
from stratus.wire.routes import Routes, query_fields
from stratus.wire.scalars import TextReader, TextWriter, text_reader, text_writer

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

BodyReader = Callable[[bytes], Any]
BodyWriter = Callable[[dict[str, Any]], bytes]


@dataclass(frozen=True, slots=True)
class _Bound:
    """A member that stands outside of the body: its name in the model, its name on the wire, how its text is read."""

    member: str
    wire: str
    shape: Shape
    read: TextReader


@dataclass(frozen=True, slots=True)
class _Input:
    """How one operation's input is laid out."""

    labels: list[_Bound]
    query: list[_Bound]
    query_names: frozenset[str]
    headers: list[_Bound]
    prefixes: list[_Bound]
    payload: str | None
    streams: bool
    read_body: BodyReader | None
    validate: Callable[[Any], None] | None


@dataclass(frozen=True, slots=True)
class _Output:
    """How one operation's output is laid out."""

    headers: list[tuple[str, str, Shape, TextWriter]]
    prefixes: list[tuple[str, str]]
    status_member: str | None
    payload: str | None
    raw: bool
    write_body: BodyWriter | None
    status: int


class RestProtocol(Protocol):
    validates = True

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self._constraints = Constraints(model.service_name)
        self._routes: Routes | None = None
        self._inputs: dict[str, _Input] = {}
        self._outputs: dict[str, _Output] = {}

    @property
    def routes(self) -> Routes:
        if self._routes is None:
            self._routes = Routes(self.model)
        return self._routes

    async def operation_of(self, request: Request) -> OperationModel:
        try:
            operation = self.routes.find(request)
        except ValueError:
            raise self.malformed_uri() from None
        if operation is None:
            raise self.no_such_route(request)
        return operation

    async def parse(self, operation: OperationModel, request: Request) -> Params:
        layout = self._inputs.get(operation.name)
        if layout is None:
            layout = self._inputs[operation.name] = self._input(operation)
        params: Params = {}
        self._read_uri(operation, layout, request, params)
        self._read_headers(layout, request.headers, params)
        await self._read_payload(layout, request, params)
        if layout.validate is not None:
            layout.validate(params)
        return params

    def _read_uri(self, operation: OperationModel, layout: _Input, request: Request, params: Params) -> None:
        try:
            labels = self.routes.labels(operation, request.path) if layout.labels else {}
            fields = query_fields(request.query) if layout.query else []
        except ValueError:
            raise self.malformed_uri() from None
        for bound in layout.labels:
            params[bound.member] = self._read(bound, labels[bound.wire])
        for bound in layout.query:
            if isinstance(bound.shape, MapShape):
                rest = {name: value for name, value in fields if name not in layout.query_names}
                if rest:
                    params[bound.member] = rest
                continue
            values = [value for name, value in fields if name == bound.wire]
            if values and isinstance(bound.shape, ListShape):
                params[bound.member] = [self._read(bound, value) for value in values]
            elif values:
                params[bound.member] = self._read(bound, values[0])

    def _read_headers(self, layout: _Input, headers: Headers, params: Params) -> None:
        first = dict(reversed(headers.fields)) if layout.headers else {}
        for bound in layout.headers:
            value = first.get(bound.wire)
            if value is None:
                continue
            if isinstance(bound.shape, ListShape):
                sent = ",".join(headers.all(bound.wire))
                params[bound.member] = [self._read(bound, item.strip()) for item in sent.split(",")]
            elif bound.shape.type_name == "timestamp" and bound.wire.startswith("if-"):
                try:
                    params[bound.member] = bound.read(value)
                except ValueError:
                    continue  # RFC 9110, 13.1.3: a condition with an invalid date is ignored
            else:
                params[bound.member] = self._read(bound, value)
        for bound in layout.prefixes:
            found = {name.removeprefix(bound.wire): v for name, v in headers.fields if name.startswith(bound.wire)}
            if found:
                params[bound.member] = found

    def _read(self, bound: _Bound, text: str) -> Any:
        try:
            return bound.read(text)
        except ValueError as error:
            raise self.malformed_value(bound.wire, str(error)) from None

    async def _read_payload(self, layout: _Input, request: Request, params: Params) -> None:
        if layout.streams:
            assert layout.payload is not None
            params[layout.payload] = request.body
        elif layout.payload is None and layout.read_body is None:
            return
        else:
            body = await self.whole_body(request)
            if layout.read_body is None:
                assert layout.payload is not None
                params[layout.payload] = body
            elif layout.payload is None:
                params.update(layout.read_body(body) if body else {})
            elif body:
                params[layout.payload] = layout.read_body(body)

    def _input(self, operation: OperationModel) -> _Input:
        shape = operation.input_shape
        if shape is None:
            return _Input([], [], frozenset(), [], [], None, False, None, None)
        bound: dict[str, list[_Bound]] = {"uri": [], "querystring": [], "header": [], "headers": []}
        in_body = False
        for name, member in shape.members.items():
            location = member.serialization.get("location")
            if location is None:
                in_body = True
                continue
            wire = wire_name(member, name)
            reader = text_reader(member.member if isinstance(member, ListShape) else member)
            bound[location].append(
                _Bound(name, wire.lower() if location.startswith("header") else wire, member, reader)
            )
        literals = frozenset(name for name, _ in query_fields(operation.http["requestUri"].partition("?")[2]))
        payload = shape.serialization.get("payload")
        streams, read_body = False, None
        if payload is None:
            read_body = self.body_reader(shape) if in_body else None
        elif is_raw(shape.members[payload]):
            streams = bool(shape.members[payload].serialization.get("streaming"))
            read_body = self._text_body(payload) if shape.members[payload].type_name == "string" else None
        else:
            read_body = self.body_reader(shape.members[payload])
        return _Input(
            bound["uri"],
            bound["querystring"],
            literals.union(item.wire for item in bound["querystring"]),
            bound["header"],
            bound["headers"],
            payload,
            streams,
            read_body,
            self._constraints.validator(shape) if self.validates else None,
        )

    def _text_body(self, payload: str) -> BodyReader:
        def read(body: bytes) -> str:
            try:
                return body.decode()
            except UnicodeDecodeError:
                raise self.malformed_value(payload, "is not UTF-8") from None

        return read

    def write(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        layout = self._outputs.get(operation.name)
        if layout is None:
            layout = self._outputs[operation.name] = self._output(operation)
        headers = list(_output_headers(layout, result))
        status = layout.status
        if layout.status_member is not None and result.get(layout.status_member) is not None:
            status = int(result[layout.status_member])
        if layout.raw:
            assert layout.payload is not None
            body = result.get(layout.payload)
            return Response(status, headers, b"" if body is None else raw_body(body))
        if layout.write_body is None:
            return Response(status, headers, b"")
        content = layout.write_body(result)
        if content and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("content-type", self.content_type))
        return Response(status, headers, content)

    def write_bytes(self, operation: OperationModel, body: bytes) -> Response:
        return Response(operation.http.get("responseCode", 200), [("content-type", self.content_type)], body)

    def _output(self, operation: OperationModel) -> _Output:
        status = int(operation.http.get("responseCode", 200))
        shape = operation.output_shape
        if shape is None:
            return _Output([], [], None, None, False, None, status)
        headers, prefixes, status_member, in_body = [], [], None, False
        for name, member in shape.members.items():
            location, wire = member.serialization.get("location"), wire_name(member, name)
            if location == "header":
                inner = member.member if isinstance(member, ListShape) else member
                headers.append((name, wire, member, text_writer(inner, "rfc822")))
            elif location == "headers":
                prefixes.append((name, wire))
            elif location == "statusCode":
                status_member = name
            else:
                in_body = True
        payload = shape.serialization.get("payload")
        raw = payload is not None and is_raw(shape.members[payload])
        write_body = None if raw else self.body_writer(operation, shape, payload, in_body)
        return _Output(headers, prefixes, status_member, payload, raw, write_body, status)

    content_type: str

    @abstractmethod
    def body_reader(self, shape: Shape) -> BodyReader:
        """Reads a whole body as a shape; raises AwsError."""

    @abstractmethod
    def body_writer(
        self, operation: OperationModel, shape: StructureShape, payload: str | None, in_body: bool
    ) -> BodyWriter | None:
        """Writes the body of an output shape: its payload member, or else its members that have no other place."""

    @abstractmethod
    def malformed_uri(self) -> AwsError: ...

    @abstractmethod
    def malformed_value(self, name: str, why: str) -> AwsError:
        """A label, parameter or header whose text is not what its shape asks for."""

    @abstractmethod
    def no_such_route(self, request: Request) -> AwsError: ...


def _output_headers(layout: _Output, result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, wire, shape, write in layout.headers:
        value = result.get(name)
        if value is None:
            continue
        text = ",".join(write(item) for item in value) if isinstance(shape, ListShape) else write(value)
        yield wire, one_line(text)
    for name, prefix in layout.prefixes:
        for key, value in (result.get(name) or {}).items():
            yield prefix + one_line(key), one_line(value)


def one_line(text: str) -> str:
    """Header text without control characters, so that a value which a client chose cannot start a header of its own."""
    return text if text.isprintable() else _CONTROL.sub("", text)


def without_located(shape: StructureShape, result: dict[str, Any]) -> dict[str, Any]:
    """The members of a result that belong into the body."""
    members = shape.members
    return {k: v for k, v in result.items() if k not in members or "location" not in members[k].serialization}
