"""Invoke: run a function now, queue an event for it, or only ask whether it could be run."""

import base64
import os
import re
import uuid

import orjson

from stratus.service import Call, Result, operation
from stratus.services.lambda_.base import LambdaBase, on_function
from stratus.services.lambda_.code import invalid
from stratus.services.lambda_.outcome import Invocation
from stratus.wire.errors import AwsError, not_implemented

MAX_SYNCHRONOUS = 6 * 1024 * 1024
MAX_ASYNCHRONOUS = 1024 * 1024
MAX_CLIENT_CONTEXT = 3583
_TRACE = re.compile(r"[A-Za-z0-9=;:_-]{1,256}")


class InvokeOperations(LambdaBase):
    @operation("Invoke", on_function("lambda:InvokeFunction"))
    async def invoke(self, call: Call) -> Result:
        params = call.params
        function = self.require(call)
        kind = params.get("InvocationType") or "RequestResponse"
        payload: bytes = params.get("Payload") or b""
        _check_size(payload, MAX_ASYNCHRONOUS if kind == "Event" else MAX_SYNCHRONOUS, kind)
        if params.get("TenantId"):
            raise not_implemented("lambda", "tenant isolation (TenantId)")
        if kind == "DryRun":
            return {"StatusCode": 204}
        if call.request is not None:
            _check_json(payload)
        invocation = Invocation(
            request_id=call.request_id or str(uuid.uuid4()),
            payload=payload or b"{}",
            arn=self.arn(function.name, params.get("Qualifier")),
            client_context=_client_context(params.get("ClientContext")),
            trace_id=_trace_id(call),
        )
        if kind == "Event":
            await self.queue.put(function, invocation)
            return {"StatusCode": 202}
        outcome = await self.invoker.invoke(function, invocation)
        answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": outcome.payload}
        if outcome.error is not None:
            answer["FunctionError"] = outcome.error
        if params.get("LogType") == "Tail":
            answer["LogResult"] = base64.b64encode(outcome.log_tail).decode()
        return answer


def _check_size(payload: bytes, limit: int, kind: str) -> None:
    if len(payload) > limit:
        operation_name = "InvokeFunction" if kind != "Event" else "InvokeAsync"
        raise AwsError(
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the {operation_name} operation",
            413,
            members={"Type": "User"},
        )


def _check_json(payload: bytes) -> None:
    if not payload:
        return
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise AwsError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
            members={"Type": "User"},
        ) from error


def _trace_id(call: Call) -> str:
    """The caller's X-Ray trace, or a new one that is not sampled: there is no X-Ray here."""
    given = call.request.headers.get("x-amzn-trace-id") if call.request is not None else None
    if given and _TRACE.fullmatch(given):
        return given
    random = os.urandom(20).hex()
    return f"Root=1-{int(call.now):08x}-{random[:24]};Parent={random[24:]};Sampled=0"


def _client_context(encoded: str | None) -> str | None:
    """The base64 JSON that the caller sends, as the JSON on one line that the runtime expects in a header."""
    if not encoded:
        return None
    if len(encoded) > MAX_CLIENT_CONTEXT:
        raise invalid(f"Client context must be no more than {MAX_CLIENT_CONTEXT} bytes when base64-encoded.")
    try:
        return orjson.dumps(orjson.loads(base64.b64decode(encoded, validate=True))).decode()
    except ValueError as error:
        raise AwsError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
            members={"Type": "User"},
        ) from error
