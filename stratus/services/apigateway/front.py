"""The front of one API: `/{stage}/...`, as at `{api}.execute-api.{region}.amazonaws.com`."""

import secrets
import uuid
from collections.abc import Mapping
from typing import Protocol

import orjson

from stratus.clock import Clock
from stratus.services.apigateway.exchange import Exchange
from stratus.services.apigateway.live_stage import MAX_HEADERS, LiveStage
from stratus.wire.message import Request, Response


class Stages(Protocol):
    def live(self, api: str) -> Mapping[str, LiveStage]:
        """The stages of an API by name."""
        ...


class Front:
    """Finds the stage of a request and puts on what every answer of API Gateway carries."""

    def __init__(self, stages: Stages, clock: Clock) -> None:
        self._stages = stages
        self._clock = clock

    async def handle(self, api: str, request: Request) -> Response:
        """Answers one request to the API `api`. Never raises for what the client sent."""
        request_id, extended_id = str(uuid.uuid4()), secrets.token_urlsafe(12)
        response = await self._answer(api, request, request_id, extended_id)
        response.headers += [("x-amzn-RequestId", request_id), ("x-amz-apigw-id", extended_id)]
        return response

    async def _answer(self, api: str, request: Request, request_id: str, extended_id: str) -> Response:
        if _header_bytes(request) > MAX_HEADERS:
            return _plain(431, "Request Header Fields Too Large", "RequestHeaderFieldsTooLargeException")
        if not request.path.startswith("/"):
            return _plain(400, "Bad Request", "BadRequestException")
        name, _, rest = request.path[1:].partition("/")
        stage = self._stages.live(api).get(name)
        if stage is None or stage.disabled:
            return _plain(403, "Forbidden", "ForbiddenException")
        started = self._clock.now()
        return await stage.handle(Exchange(request, stage.place, request_id, extended_id, started, f"/{rest}"))


def _header_bytes(request: Request) -> int:
    size = len(request.path) + len(request.query)
    for name, value in request.headers.fields:
        size += len(name) + len(value)
    return size


def _plain(status: int, message: str, error_type: str) -> Response:
    """Errors that stand before any API, which gateway responses do not reword."""
    headers = [("content-type", "application/json"), ("x-amzn-ErrorType", error_type)]
    return Response(status, headers, orjson.dumps({"message": message}))
