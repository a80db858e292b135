"""The one door: every AWS request is identified, authenticated, parsed, authorised, handled and serialised here, in this order.

Services reach each other through `Door.call`: the same accesses evaluated, the same handlers, without HTTP in between.
"""

import contextlib
import logging
import os
from dataclasses import replace
from typing import Any

import orjson
from botocore.model import OperationModel

from stratus.clock import Clock
from stratus.door import cors
from stratus.door.identify import Addressed, identify
from stratus.door.regions import Regions
from stratus.iam.gate import Iam
from stratus.iam.principal import ANONYMOUS, ContextValues, Principal
from stratus.service import Access, Call, Operation, Params, Service
from stratus.wire.errors import AwsError, not_implemented
from stratus.wire.message import BodyIncomplete, BodyTooLarge, Request, Response
from stratus.wire.protocol import Protocol, protocol_for

log = logging.getLogger(__name__)

_NO_CONTEXT: ContextValues = {}


class Door:
    """Answers requests to the AWS endpoint, and calls between services."""

    def __init__(self, iam: Iam, regions: Regions, clock: Clock) -> None:
        self._iam = iam
        self._regions = regions
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        """Answers one request to the AWS endpoint. What goes wrong is answered in the words of the service asked for."""
        addressed = identify(request)
        any_origin = addressed.service in cors.ANY_ORIGIN
        if any_origin and cors.is_preflight(request):
            return cors.preflight(request)
        routed = _path_style(request, addressed)
        response = await self._answer(request, routed, addressed)
        if "origin" in request.headers:
            if any_origin:
                cors.open_to_any_page(response)
            with contextlib.suppress(AwsError):  # a service that is not here has answered so, and adds nothing
                response.headers += self._regions.find(addressed.service, addressed.region).answer_headers(routed)
        return response

    async def _answer(self, request: Request, routed: Request, addressed: Addressed) -> Response:
        request_id = _new_request_id()
        protocol: Protocol | None = None
        operation: OperationModel | None = None
        try:
            service = self._regions.find(addressed.service, addressed.region)
            if (plain := await service.http(routed)) is not None:
                return plain
            protocol = protocol_for(service.name, wire_json=service.wire_json)
            operation = await protocol.operation_of(routed)
            return await self._operate(service, protocol, operation, request, routed, addressed, request_id)
        except AwsError as failed:
            error = failed
        except BodyTooLarge:
            error = AwsError("RequestEntityTooLarge", "The request is larger than the service accepts.", 413)
        except BodyIncomplete:
            error = AwsError("RequestTimeout", "The request body did not arrive in time.", 400)
        except Exception:
            log.exception("%s failed", addressed.service)
            error = AwsError("InternalFailure", "The service failed; its log says why.", 500)
        return (protocol or _protocol_of(addressed)).serialise_error(error, operation, request_id, request)

    async def _operate(
        self,
        service: Service,
        protocol: Protocol,
        model: OperationModel,
        request: Request,
        routed: Request,
        addressed: Addressed,
        request_id: str,
    ) -> Response:
        operation = _operation(service, model.name)
        if operation.access is None:
            params = await protocol.parse(model, routed)
            region: str | None = addressed.region or self._regions.knowing(service.name, params)
            service = self._regions.find(service.name, region)
            principal, context = ANONYMOUS, _NO_CONTEXT
        else:
            caller = await self._iam.authenticate(
                request, service.name, region=addressed.region, body_limit=protocol.body_limit
            )
            principal, region, context = caller.principal, caller.region, caller.context
            routed.body = caller.body
            params = await protocol.parse(model, routed)
        call = Call(
            service=service.name,
            operation=model.name,
            params=params,
            principal=principal,
            region=self._regions.region_of(service.name, region),
            account=self._iam.account,
            request_id=request_id,
            now=self._clock.now(),
            request=routed,
            context=context,
        )
        return protocol.serialise(model, await self._run(service, operation, call), request_id)

    async def call(
        self,
        principal: Principal,
        region: str,
        service: str,
        operation: str,
        params: Params,
        *,
        context: ContextValues | None = None,
    ) -> dict[str, Any]:
        """Runs one operation for another service, as `principal` (see `stratus.service.Caller`)."""
        home = self._regions.region_of(service, region)
        target = self._regions.find(service, region)
        call = Call(
            service=service,
            operation=operation,
            params=params,
            principal=principal,
            region=home,
            account=self._iam.account,
            request_id=_new_request_id(),
            now=self._clock.now(),
            context=context or _NO_CONTEXT,
        )
        result = await self._run(target, _operation(target, operation), call)
        if isinstance(result, bytes):
            result = orjson.loads(result)
        return result or {}

    async def _run(self, service: Service, operation: Operation, call: Call) -> Any:
        if operation.access is not None:

            def allows(access: Access) -> bool:
                return self._iam.allows(
                    call.principal,
                    access,
                    service.resource_policy,
                    region=call.region,
                    request=call.request,
                    context=call.context,
                )

            self._iam.authorise(
                service.name,
                call.principal,
                operation.access(service, call),
                service.resource_policy,
                region=call.region,
                request=call.request,
                context=call.context,
            )
            call.allows = allows
        return await operation.handler(service, call)


def _new_request_id() -> str:
    """Random in the form of a UUID (RFC 9562, version 4), at a quarter of what Python's `uuid` takes for one."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _operation(service: Service, name: str) -> Operation:
    operation = service.operations.get(name)
    if operation is None:
        raise not_implemented(service.name, name)
    return operation


def _path_style(request: Request, addressed: Addressed) -> Request:
    """A virtual-hosted S3 request with its bucket in the path, where the parser looks for it. The signature covers the original."""
    if addressed.bucket is None:
        return request
    return replace(request, path=f"/{addressed.bucket}{request.path}")


def _protocol_of(addressed: Addressed) -> Protocol:
    """The protocol in whose words to refuse a request that no service of ours took."""
    try:
        return protocol_for(addressed.service)
    except Exception:  # noqa: BLE001 - a name that botocore does not know either
        return protocol_for("s3")
