"""A stage that takes requests: a deployment compiled once, with the stage's settings, and the way of a request through it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stratus.clock import Clock
from stratus.iam.principal import Principal
from stratus.service import Caller
from stratus.services.apigateway.access_log import GATEWAY, AccessLog
from stratus.services.apigateway.binary import BinaryTypes
from stratus.services.apigateway.cognito_authorizer import CognitoCheck, TokenVerifier
from stratus.services.apigateway.compression import compressed, decompressed
from stratus.services.apigateway.deadlines import Deadlines
from stratus.services.apigateway.definition import (
    CognitoAuthorizer,
    Definition,
    IamAuthorizer,
    LambdaProxy,
    Method,
    Mock,
)
from stratus.services.apigateway.errors import (
    GatewayError,
    body_incomplete,
    configuration_error,
    missing_token,
    throttled,
    timed_out,
    too_large,
)
from stratus.services.apigateway.exchange import Exchange, Place
from stratus.services.apigateway.gateway_responses import GatewayResponses
from stratus.services.apigateway.invoke_permission import MAX_BODY, Gate, InvokePermission
from stratus.services.apigateway.proxy_event import proxy_event
from stratus.services.apigateway.proxy_response import proxy_response
from stratus.services.apigateway.routes import RouteTree
from stratus.services.apigateway.stage_settings import throttle_of
from stratus.services.apigateway.throttle import TokenBucket
from stratus.services.apigateway.validation import RequestValidator
from stratus.wire.errors import AwsError
from stratus.wire.message import BodyIncomplete, BodyTooLarge, Response

MAX_HEADERS = 10_240
"""Bytes of request line and header values together (API Gateway quotas)."""

_Check = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """What all stages of a region share."""

    clock: Clock
    caller: Caller
    gate: Gate
    verifier: TokenVerifier
    deadlines: Deadlines
    account_bucket: TokenBucket


@dataclass(frozen=True, slots=True)
class _LiveMethod:
    """A method with all that it needs made ready."""

    method: Method
    resource_id: str
    authorize: _Check | None
    validator: RequestValidator
    bucket: TokenBucket


class LiveStage:
    """Answers the requests of one stage."""

    def __init__(
        self,
        gateway: Gateway,
        definition: Definition,
        place: Place,
        settings: Mapping[str, Mapping[str, Any]],
        access_log: AccessLog | None,
    ) -> None:
        self.place = place
        self.disabled = definition.endpoint_disabled
        self._gateway = gateway
        self._definition = definition
        self._permission = InvokePermission(gateway.gate, definition.policy, place)
        self._binary = BinaryTypes(definition.binary_media_types)
        self._responses = GatewayResponses(definition.gateway_responses)
        self._routes = RouteTree((m.path, m.verb, self._live(m, settings)) for m in definition.methods)
        self._access_log = access_log

    async def close(self) -> None:
        if self._access_log is not None:
            await self._access_log.close()

    def _live(self, method: Method, settings: Mapping[str, Mapping[str, Any]]) -> _LiveMethod:
        rate, burst = throttle_of(settings, method.path, method.verb)
        authorize: _Check | None = None
        if isinstance(method.authorizer, CognitoAuthorizer):
            gateway = self._gateway
            authorize = CognitoCheck(method.authorizer, method.scopes, gateway.verifier, gateway.clock)
        elif isinstance(method.authorizer, IamAuthorizer):
            authorize = self._permission.authenticate
        return _LiveMethod(
            method,
            resource_id(self.place.api, method.path),
            authorize,
            RequestValidator(method),
            TokenBucket(self._gateway.clock, rate, burst),
        )

    async def handle(self, exchange: Exchange) -> Response:
        """The answer to a request whose stage is this one."""
        try:
            response = await self._respond(exchange)
        except GatewayError as error:
            response = self._responses.answer(exchange, error)
        minimum = self._definition.minimum_compression_size
        if minimum is not None:
            await compressed(exchange.request, response, minimum)
        exchange.status = response.status
        exchange.response_length = len(response.body) if isinstance(response.body, bytes) else 0
        exchange.finished = self._gateway.clock.now()
        if self._access_log is not None:
            self._access_log.write(exchange)
        return response

    async def _respond(self, exchange: Exchange) -> Response:
        """Route, throttle, authorizer, policy, size, parameters, body, integration, in this order."""
        found = self._routes.find(exchange.raw_path, exchange.request.method)
        if found is None:
            raise missing_token()
        live, exchange.path_parameters = found
        exchange.resource_path, exchange.resource_id = live.method.path, live.resource_id
        if not (self._gateway.account_bucket.take() and live.bucket.take()):
            raise throttled()
        if live.authorize is not None:
            await live.authorize(exchange)
        self._permission.check(exchange)
        exchange.body = await self._body(exchange)
        live.validator.check_parameters(exchange)
        live.validator.check_body(exchange)
        return await self._integrate(exchange, live.method)

    async def _body(self, exchange: Exchange) -> bytes:
        try:
            body = await exchange.request.body.read(MAX_BODY)
        except BodyTooLarge:
            raise too_large() from None
        except BodyIncomplete:
            raise body_incomplete() from None
        except AwsError:
            raise GatewayError("DEFAULT_4XX", "Bad Request", "BadRequestException", 400) from None
        if self._definition.minimum_compression_size is None:
            return body
        return decompressed(exchange.request, body, MAX_BODY)

    async def _integrate(self, exchange: Exchange, method: Method) -> Response:
        """The one place where a method's integration answers; a response cache would stand around this call."""
        integration = method.integration
        if isinstance(integration, Mock):
            fixed = [("content-type", integration.content_type), *integration.headers]
            return Response(integration.status, fixed, integration.body)
        sent = exchange.request.headers
        event = proxy_event(exchange, binary=self._binary.has(sent.get("content-type")))
        payload = await self._invoke(exchange, integration, event)
        return proxy_response(payload, binary=self._binary.has(sent.get("accept")))

    async def _invoke(self, exchange: Exchange, integration: LambdaProxy, event: bytes) -> bytes:
        principal: Principal = GATEWAY
        if integration.uses_caller and exchange.caller is not None:
            principal = exchange.caller
        place, clock = exchange.place, self._gateway.clock
        assert exchange.resource_path is not None
        context = {
            "aws:SourceArn": (place.arn(exchange.request.method, exchange.resource_path),),
            "aws:SourceAccount": (place.account,),
        }
        params = {"FunctionName": integration.function, "InvocationType": "RequestResponse", "Payload": event}
        call = self._gateway.caller.call(principal, place.region, "lambda", "Invoke", params, context=context)
        began = clock.now()
        try:
            answer = await self._gateway.deadlines.within(integration.timeout, call)
        except TimeoutError:
            raise timed_out() from None
        except AwsError as error:
            # No permission, no such function, too many invocations: none of the client's business.
            raise (too_large() if error.status == 413 else configuration_error()) from error
        finally:
            exchange.integration_ms = max(0, round((clock.now() - began) * 1000))
        exchange.integration_status = int(answer.get("StatusCode", 200))
        payload: bytes = answer["Payload"]
        return payload


def resource_id(api: str, path: str) -> str:
    """The six characters that name a resource of an API: the same for the same path."""
    digest = int.from_bytes(hashlib.blake2b(f"{api}{path}".encode(), digest_size=8).digest())
    return "".join("0123456789abcdefghijklmnopqrstuvwxyz"[digest // 36**place % 36] for place in range(6))
