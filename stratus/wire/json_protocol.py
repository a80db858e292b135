"""awsJson 1.0 and 1.1: X-Amz-Target names the operation, one JSON object in, one out.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

import zlib
from collections.abc import Callable
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel

from stratus.wire.base import Protocol, unknown_operation
from stratus.wire.constraints import Constraints
from stratus.wire.errors import AwsError
from stratus.wire.json_check import JsonChecks
from stratus.wire.json_shapes import JsonReaders, JsonWriters, WrongType
from stratus.wire.message import Params, Request, Response

# What comes before `#` in an error's `__type`. Most services send the bare name.
_NAMESPACES = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810",
    "sqs": "com.amazonaws.sqs",
}
_CORAL_NAMESPACES = {
    "ValidationException": "com.amazon.coral.validate",
    "ThrottlingException": "com.amazon.coral.availability",
}
_CAPITAL_MESSAGE = frozenset({"SerializationException", "AccessDeniedException"})
_CHECKSUMMED = frozenset({"dynamodb", "dynamodbstreams"})


class JsonProtocol(Protocol):
    def __init__(self, model: ServiceModel, *, wire_json: bool = False) -> None:
        super().__init__(model)
        self._wire_json = wire_json
        self._prefix = f"{model.metadata['targetPrefix']}."
        self._content_type = f"application/x-amz-json-{model.metadata['jsonVersion']}"
        self._checksummed = model.service_name in _CHECKSUMMED
        self._namespace = _NAMESPACES.get(model.service_name)
        self._constraints = Constraints(model.service_name)
        self._operations: dict[str, OperationModel] = {}
        self._parsers: dict[str, Callable[[Any], Params]] = {}
        self._readers, self._checks, self._writers = JsonReaders(), JsonChecks(), JsonWriters()

    async def operation_of(self, request: Request) -> OperationModel:
        target = request.headers.get("x-amz-target") or ""
        operation = self._operations.get(target)
        if operation is None:
            name = target.removeprefix(self._prefix)
            if name == target or name not in self.model.operation_names:
                raise unknown_operation()
            operation = self._operations[target] = self.model.operation_model(name)
        return operation

    async def parse(self, operation: OperationModel, request: Request) -> Params:
        body = await self.whole_body(request)
        try:
            sent = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise AwsError("SerializationException") from None
        parser = self._parsers.get(operation.name)
        if parser is None:
            parser = self._parsers[operation.name] = self._compile(operation)
        try:
            return parser(sent)
        except WrongType as error:
            raise AwsError("SerializationException", str(error)) from None
        except RecursionError:
            raise AwsError("SerializationException", "The request is nested too deeply") from None

    def _compile(self, operation: OperationModel) -> Callable[[Any], Params]:
        shape = operation.input_shape
        if shape is None:
            return _no_members
        if self._wire_json:
            check = self._checks.of(shape)

            def checked(sent: Any) -> Params:
                check(sent)
                params: Params = sent
                return params

            return checked
        read, validate = self._readers.of(shape), self._constraints.validator(shape)

        def parsed(sent: Any) -> Params:
            params: Params = read(sent)
            validate(params)
            return params

        return parsed

    def write(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        shape = operation.output_shape
        if shape is None:
            return self.write_bytes(operation, b"")
        written = result if self._wire_json else self._writers.of(shape)(result)
        return self.write_bytes(operation, orjson.dumps(written))

    def write_bytes(self, operation: OperationModel, body: bytes) -> Response:
        return self._response(200, body)

    def _response(self, status: int, body: bytes) -> Response:
        headers = [("content-type", self._content_type)]
        if self._checksummed:
            headers.append(("x-amz-crc32", str(zlib.crc32(body))))
        return Response(status, headers, body)

    def write_error(self, error: AwsError, request_id: str, request: Request) -> Response:
        shape = self.error_shape(error.code)
        message_key = "Message" if error.code in _CAPITAL_MESSAGE else "message"
        members = error.members
        if shape is not None:
            message_key = next((name for name in shape.members if name.lower() == "message"), message_key)
            if not self._wire_json:
                members = self._writers.of(shape)(members)
        body = {"__type": self._qualified(error.code), **members}
        if error.message:
            body[message_key] = error.message
        response = self._response(self.error_status(error), orjson.dumps(body))
        response.headers.append(("x-amzn-ErrorType", f"{error.code}:"))
        if self.model.metadata.get("awsQueryCompatible") is not None:
            response.headers.append(("x-amzn-query-error", f"{self._query_code(error)};{fault(error)}"))
        return response

    def _qualified(self, code: str) -> str:
        if self._namespace is None:
            return code
        if self.error_shape(code) is not None:
            return f"{self._namespace}#{code}"
        return f"{_CORAL_NAMESPACES.get(code, 'com.amazon.coral.service')}#{code}"

    def _query_code(self, error: AwsError) -> str:
        shape = self.error_shape(error.code)
        return error.code if shape is None else str(shape.error_code)


def fault(error: AwsError) -> str:
    """Whose mistake it was, in the words of the query protocol."""
    return "Sender" if error.status < 500 else "Receiver"


def _no_members(sent: Any) -> Params:
    if type(sent) is not dict:
        raise WrongType("Unexpected field type")
    return {}
