"""What AWS's protocols have in common: requests into operations and parameters, results and errors into responses."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from stratus.wire.errors import AwsError
from stratus.wire.message import (
    BodyIncomplete,
    BodyTooLarge,
    BytesBody,
    FileRange,
    HeaderList,
    Params,
    Request,
    Response,
    Result,
)

MEBIBYTE = 1024 * 1024
_BODY_LIMITS = {
    "dynamodb": 17 * MEBIBYTE,  # BatchWriteItem takes 16 MB of items
    "lambda": 70 * MEBIBYTE,  # a ZipFile of 50 MB in Base64
    "apigateway": 10 * MEBIBYTE,
}
_DEFAULT_BODY_LIMIT = 4 * MEBIBYTE


class Protocol(ABC):
    """One service's protocol. Errors that it raises itself are AwsError in the service's own words."""

    request_id_header: ClassVar[str] = "x-amzn-RequestId"

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self.body_limit = _BODY_LIMITS.get(model.service_name, _DEFAULT_BODY_LIMIT)
        self._errors: dict[str, StructureShape] | None = None

    @abstractmethod
    async def operation_of(self, request: Request) -> OperationModel:
        """The operation that a request calls; raises AwsError when there is none."""

    @abstractmethod
    async def parse(self, operation: OperationModel, request: Request) -> Params:
        """The operation's input, members named as in botocore. A streaming blob is the request's body, unread."""

    def serialise(self, operation: OperationModel, result: Result, request_id: str) -> Response:
        """The response of a result (see `stratus.service.Result`)."""
        if isinstance(result, Response):
            response = result
        elif isinstance(result, bytes):
            response = self.write_bytes(operation, result)
        else:
            response = self._write_result(operation, result or {}, request_id)
        response.headers.append((self.request_id_header, request_id))
        return response

    def _write_result(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        metadata = result.get("ResponseMetadata")
        if metadata is None:
            return self.write(operation, result, request_id)
        response = self.write(operation, {k: v for k, v in result.items() if k != "ResponseMetadata"}, request_id)
        response.status = metadata.get("HTTPStatusCode", response.status)
        response.headers = merge_headers(response.headers, dict(metadata.get("HTTPHeaders", {})))
        return response

    @abstractmethod
    def write(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        """The response of a dict as the output shape describes it."""

    @abstractmethod
    def write_bytes(self, operation: OperationModel, body: bytes) -> Response:
        """The response of a body that is serialised already."""

    def serialise_error(
        self, error: AwsError, operation: OperationModel | None, request_id: str, request: Request
    ) -> Response:
        """The response of an error, as the service's API documents it. A HEAD request gets no body."""
        response = self.write_error(error, request_id, request)
        response.headers.append((self.request_id_header, request_id))
        response.headers.extend(error.headers)
        if request.method == "HEAD":
            response.body = b""
        return response

    @abstractmethod
    def write_error(self, error: AwsError, request_id: str, request: Request) -> Response: ...

    def error_shape(self, code: str) -> StructureShape | None:
        """The modelled shape of an error, found by the shape's name or by its code on the wire."""
        if self._errors is None:
            self._errors = {}
            for shape in self.model.error_shapes:
                assert isinstance(shape, StructureShape)
                self._errors[shape.name] = shape
                self._errors.setdefault(shape.error_code or shape.name, shape)
        return self._errors.get(code)

    def error_status(self, error: AwsError) -> int:
        """The status that the model gives an error, unless the error itself says other than 400."""
        shape = self.error_shape(error.code)
        if error.status != 400 or shape is None:
            return error.status
        return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))

    async def whole_body(self, request: Request) -> bytes:
        """Reads the body, which stays readable for whoever comes next."""
        if type(request.body) is BytesBody and len(request.body.data) <= self.body_limit:
            return request.body.data
        try:
            data = await request.body.read(self.body_limit)
        except BodyTooLarge:
            raise self.too_large() from None
        except BodyIncomplete:
            raise AwsError("RequestTimeout", "The request body did not arrive in time.", 400) from None
        request.body = BytesBody(data)
        return data

    def too_large(self) -> AwsError:
        return AwsError(
            "RequestEntityTooLargeException", f"The request must be smaller than {self.body_limit} bytes.", 413
        )


def unknown_operation(message: str = "") -> AwsError:
    return AwsError("UnknownOperationException", message, 400)


def merge_headers(headers: HeaderList, overrides: dict[str, str]) -> HeaderList:
    """`headers` with those of `overrides` in place of fields of the same name."""
    replaced = {name.lower() for name in overrides}
    return [field for field in headers if field[0].lower() not in replaced] + list(overrides.items())


def raw_body(value: Any) -> bytes | FileRange | AsyncIterator[bytes]:
    """A blob or string payload as a response body."""
    return value.encode() if isinstance(value, str) else value


def is_raw(shape: Shape) -> bool:
    return shape.type_name in ("blob", "string")
