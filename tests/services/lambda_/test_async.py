"""Asynchronous invocation: accepted means on disk; retries, ages and destinations follow the clock."""

from typing import Any

import orjson
import pytest

from stratus.clock import ManualClock
from stratus.wire.errors import AwsError

COUNT = "def handler(e, c):\n    print('got', e, c.aws_request_id)\n    if e == 'fail': raise ValueError('no')\n    return {'well': e}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def send(cloud: Any, name: str, event: Any) -> None:
    answer = await cloud.do("Invoke", FunctionName=name, InvocationType="Event", Payload=orjson.dumps(event))
    assert answer == {"StatusCode": 202}


async def got(cloud: Any) -> list[str]:
    await cloud.settled()
    return [line for line in await cloud.log() if line.startswith("got")]


async def test_an_event_is_delivered_once_when_all_goes_well(cloud: Any) -> None:
    await cloud.create("f", COUNT)
    await send(cloud, "f", "hello")
    assert len(await got(cloud)) == 1
    assert cloud.service.queue._size == 0


async def test_a_failure_is_retried_after_one_minute_and_after_two_more(cloud: Any, clock: ManualClock) -> None:
    await cloud.create("f", COUNT)
    await send(cloud, "f", "fail")
    tries = [len(await got(cloud))]
    for seconds in (59, 1, 119, 1, 3600):
        clock.advance(seconds)
        tries.append(len(await got(cloud)))
    assert tries == [1, 1, 2, 2, 3, 3]
    # AND each attempt has the event's own request id
    assert len(set(await got(cloud))) == 1


async def test_a_destination_is_told_of_the_failure(cloud: Any, clock: ManualClock) -> None:
    await cloud.create("f", COUNT)
    await cloud.create("told", "import json\ndef handler(e, c): print('told', json.dumps(e))")
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:told"
    await cloud.do(
        "PutFunctionEventInvokeConfig",
        FunctionName="f",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    await send(cloud, "f", "fail")
    await cloud.settled()
    (line,) = [line for line in await cloud.log() if line.startswith("told")]
    record = orjson.loads(line.removeprefix("told "))
    assert record["version"] == "1.0"
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["functionArn"] == "arn:aws:lambda:eu-central-1:123456789012:function:f:$LATEST"
    assert record["requestPayload"] == "fail"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorType"] == "ValueError"
    # AND it is the function's role that told it
    teller = next(
        p for p, service, _, params in cloud.caller.calls if service == "lambda" and params["FunctionName"] == arn
    )
    assert teller.arn.endswith(":assumed-role/worker/f")


async def test_a_destination_that_refuses_is_told_again(cloud: Any, clock: ManualClock) -> None:
    await cloud.create("f", COUNT)
    await cloud.create("told", "def handler(e, c): print('told')")
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:told"
    await cloud.do(
        "PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    # GIVEN a destination that is away
    await cloud.do("DeleteFunction", FunctionName="told")
    await send(cloud, "f", "hello")
    assert len(await got(cloud)) == 1
    # WHEN it comes back THEN it is told, and the function is not run again
    await cloud.create("told", "def handler(e, c): print('told')")
    clock.advance(1)
    await cloud.settled()
    assert "told" in await cloud.log()
    assert len(await got(cloud)) == 1


async def test_an_event_grows_too_old(cloud: Any, clock: ManualClock) -> None:
    await cloud.create("f", COUNT)
    await cloud.do("PutFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60)
    await cloud.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    await send(cloud, "f", "hello")
    await cloud.settled()
    clock.advance(61)
    await cloud.settled()
    await cloud.do("DeleteFunctionConcurrency", FunctionName="f")
    clock.advance(600)
    assert await got(cloud) == []
    assert cloud.service.queue._size == 0


async def test_throttled_events_wait_for_room(cloud: Any, clock: ManualClock) -> None:
    await cloud.create("f", COUNT)
    await cloud.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    await send(cloud, "f", "hello")
    assert await got(cloud) == []
    await cloud.do("DeleteFunctionConcurrency", FunctionName="f")
    clock.advance(1)
    assert len(await got(cloud)) == 1


async def test_a_restart_brings_events_back(make_cloud: Any, clock: ManualClock) -> None:
    first = await make_cloud()
    await first.create("f", COUNT)
    await first.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    await send(first, "f", "hello")
    await first.service.stop()
    second = await make_cloud()
    await second.do("DeleteFunctionConcurrency", FunctionName="f")
    clock.advance(1)
    assert len(await got(second)) == 1


async def test_too_many_events_are_refused(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await cloud.create("f", COUNT)
    monkeypatch.setattr("stratus.services.lambda_.async_queue.MAX_EVENTS", 0)
    with pytest.raises(AwsError) as refused:
        await send(cloud, "f", "hello")
    assert (refused.value.code, refused.value.status) == ("TooManyRequestsException", 429)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"MaximumRetryAttempts": 3}, "InvalidParameterValueException"),
        ({"MaximumEventAgeInSeconds": 59}, "InvalidParameterValueException"),
        ({}, "InvalidParameterValueException"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:eu-central-1:123456789012:q"}}},
            "NotImplemented",
        ),
        (
            {
                "DestinationConfig": {
                    "OnFailure": {"Destination": "arn:aws:lambda:eu-central-1:123456789012:function:no"}
                }
            },
            "InvalidParameterValueException",
        ),
    ],
)
async def test_bad_settings_are_refused(cloud: Any, params: dict[str, Any], code: str) -> None:
    await cloud.create("f", COUNT)
    with pytest.raises(AwsError) as refused:
        await cloud.do("PutFunctionEventInvokeConfig", FunctionName="f", **params)
    assert refused.value.code == code


async def test_settings_are_kept_changed_and_deleted(cloud: Any) -> None:
    await cloud.create("f", COUNT)
    await cloud.do("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1)
    await cloud.do("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=100)
    settings = await cloud.do("GetFunctionEventInvokeConfig", FunctionName="f")
    assert (settings["MaximumRetryAttempts"], settings["MaximumEventAgeInSeconds"]) == (1, 100)
    await cloud.do("DeleteFunctionEventInvokeConfig", FunctionName="f")
    with pytest.raises(AwsError, match="doesn't have an EventInvokeConfig"):
        await cloud.do("GetFunctionEventInvokeConfig", FunctionName="f")
