"""restJson1: Lambda, API Gateway, SES v2. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html"""

from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from stratus.wire.errors import AwsError
from stratus.wire.json_shapes import JsonReaders, JsonWriters, WrongType
from stratus.wire.message import Request, Response
from stratus.wire.rest_protocol import BodyReader, BodyWriter, RestProtocol, without_located


class RestJsonProtocol(RestProtocol):
    content_type = "application/json"

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self._readers, self._writers = JsonReaders(), JsonWriters()

    def body_reader(self, shape: Shape) -> BodyReader:
        read = self._readers.of(shape)

        def read_body(body: bytes) -> Any:
            try:
                return read(orjson.loads(body))
            except orjson.JSONDecodeError:
                raise AwsError("SerializationException", "Could not parse request body into json") from None
            except WrongType as error:
                raise AwsError("SerializationException", str(error)) from None
            except RecursionError:
                raise AwsError("SerializationException", "The request is nested too deeply") from None

        return read_body

    def body_writer(
        self, operation: OperationModel, shape: StructureShape, payload: str | None, in_body: bool
    ) -> BodyWriter | None:
        if payload is not None:
            write_payload = self._writers.of(shape.members[payload])
            return lambda result: orjson.dumps(write_payload(result.get(payload) or {}))
        if not in_body:
            return None
        write = self._writers.of(shape)
        return lambda result: orjson.dumps(write(without_located(shape, result)))

    def write_error(self, error: AwsError, request_id: str, request: Request) -> Response:
        shape = self.error_shape(error.code)
        members, message_key, headers = dict(error.members), "message", []
        if shape is not None:
            message_key = next((name for name in shape.members if name.lower() == "message"), "message")
            if "Type" in shape.members:
                members.setdefault("Type", "User" if error.status < 500 else "Service")
            for name, member in shape.members.items():
                if member.serialization.get("location") == "header" and name in members:
                    headers.append((member.serialization.get("name", name), str(members.pop(name))))
            members = self._writers.of(shape)(members)
        if error.message:
            members[message_key] = error.message
        status = 403 if error.code in _FORBIDDEN and error.status == 400 else self.error_status(error)
        headers += [("content-type", self.content_type), ("x-amzn-ErrorType", error.code)]
        return Response(status, headers, orjson.dumps(members))

    def malformed_uri(self) -> AwsError:
        return AwsError("SerializationException", "The request URI could not be decoded")

    def malformed_value(self, name: str, why: str) -> AwsError:
        return AwsError("SerializationException", f"{name} {why}")

    def no_such_route(self, request: Request) -> AwsError:
        return AwsError("UnknownOperationException", "", 404)


_FORBIDDEN = frozenset({"AccessDeniedException", "InvalidSignatureException", "MissingAuthenticationTokenException"})
