"""Where the results of asynchronous invocations go.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html. Destinations are Lambda functions; queues, topics,
buses and buckets are refused by name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from stratus.service import Caller
from stratus.services.lambda_.credentials import RoleCredentials
from stratus.services.lambda_.functions import Function
from stratus.services.lambda_.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Ended:
    """How an event ended: `Success`, `RetriesExhausted` or `EventAgeExceeded`, after so many attempts."""

    condition: str
    attempts: int
    outcome: Outcome | None


class Destinations:
    """Tells destinations, in the name of the function's role."""

    def __init__(self, caller: Caller, credentials: RoleCredentials, region: str) -> None:
        self._caller = caller
        self._credentials = credentials
        self._region = region

    def of(self, function: Function, ended: Ended) -> str | None:
        """The ARN of who is to be told, if anybody."""
        side = "OnSuccess" if ended.condition == "Success" else "OnFailure"
        destination: str | None = function.event_invoke.get("DestinationConfig", {}).get(side, {}).get("Destination")
        return destination

    def record(self, function: Function, request_id: str, payload: bytes, ended: Ended, now: float) -> bytes:
        """The invocation record, as AWS writes it."""
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": request_id,
                "functionArn": f"{function.arn}:$LATEST",
                "condition": ended.condition,
                "approximateInvokeCount": ended.attempts,
            },
            "requestPayload": _embedded(payload),
        }
        if ended.outcome is not None:
            context: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
            if ended.outcome.error is not None:
                context["functionError"] = ended.outcome.error
            record["responseContext"] = context
            record["responsePayload"] = _embedded(ended.outcome.payload)
        return orjson.dumps(record)

    async def tell(self, function: Function, destination: str, record: bytes) -> None:
        """Raises AwsError when the destination refuses."""
        credentials = await self._credentials.get(function.role, function.name)
        await self._caller.call(
            credentials.principal,
            self._region,
            "lambda",
            "Invoke",
            {"FunctionName": destination, "InvocationType": "Event", "Payload": record},
        )


def _embedded(payload: bytes) -> Any:
    """A payload inside a record: as the JSON it is, or as text."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload.decode("utf-8", "replace")
