"""Lambda triggers: functions of the pool's owner that are asked, or told, when something happens to a user.

Event shapes: Developer Guide, "Pre sign-up Lambda trigger" and "Post confirmation Lambda trigger".
"""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

from stratus.clock import Clock
from stratus.iam.principal import service_principal
from stratus.service import Call, Surroundings
from stratus.services.cognito_idp.pool import Pool
from stratus.wire.errors import AwsError

_DEADLINE = 5.0
_ATTEMPTS = 3
_SELF = service_principal("cognito-idp.amazonaws.com")


async def invoke(
    around: Surroundings,
    call: Call,
    pool: Pool,
    trigger: str,
    source: str,
    username: str,
    client_id: str,
    request: dict[str, Any],
    response: dict[str, Any],
) -> dict[str, Any]:
    """Calls the pool's function for `trigger` and returns the `response` of the event that it gives back.

    Without a function that is `response` unchanged. Raises UserLambdaValidationException when the function fails,
    UnexpectedLambdaException when it cannot be called or does not answer in 5 seconds, InvalidLambdaResponseException when
    the answer is no event.
    """
    arn = pool.trigger(trigger)
    if arn is None:
        return response
    event = {
        "version": "1",
        "region": pool.region,
        "userPoolId": pool.id,
        "userName": username,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id},
        "triggerSource": f"{trigger}_{source}",
        "request": request,
        "response": response,
    }
    for _ in range(_ATTEMPTS):
        answered = await _within(around.clock, _DEADLINE, _run(around, call, pool, arn, trigger, event))
        if answered is not None:
            return answered
    raise AwsError(
        "UnexpectedLambdaException",
        f"{trigger} invocation failed due to error Socket timeout while invoking Lambda function.",
    )


async def _within(clock: Clock, seconds: float, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any] | None:
    """What `work` returns or raises, or None if it took longer than `seconds`."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        waiting.cancel()


async def _run(
    around: Surroundings, call: Call, pool: Pool, arn: str, trigger: str, event: dict[str, Any]
) -> dict[str, Any]:
    pool_arn = f"arn:aws:cognito-idp:{call.region}:{call.account}:userpool/{pool.id}"
    try:
        answer = await around.caller.call(
            _SELF,
            call.region,
            "lambda",
            "Invoke",
            {"FunctionName": arn, "InvocationType": "RequestResponse", "Payload": json.dumps(event).encode()},
            context={"aws:SourceArn": (pool_arn,), "aws:SourceAccount": (call.account,)},
        )
    except AwsError as error:
        raise AwsError(
            "UnexpectedLambdaException", f"{trigger} invocation failed due to error {error.code}."
        ) from error
    payload = await _whole(answer.get("Payload", b""))
    try:
        returned = json.loads(payload)
    except ValueError as error:
        raise _unrecognizable() from error
    if answer.get("FunctionError"):
        reason = returned.get("errorMessage", "") if isinstance(returned, dict) else ""
        raise AwsError("UserLambdaValidationException", f"{trigger} failed with error {reason}.")
    if not isinstance(returned, dict) or not isinstance(returned.get("response"), dict):
        raise _unrecognizable()
    return dict(returned["response"])


def _unrecognizable() -> AwsError:
    return AwsError("InvalidLambdaResponseException", "Unrecognizable lambda output")


async def _whole(payload: Any) -> bytes:
    if isinstance(payload, bytes):
        return payload
    return b"".join([piece async for piece in payload])
