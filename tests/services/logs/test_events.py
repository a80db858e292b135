"""Putting, getting and filtering log events."""

from typing import Any

import pytest

from stratus.wire.errors import AwsError

HOUR = 3_600_000


async def test_events_come_back_in_order(logs: Any) -> None:
    await logs.put("one", "two")
    await logs.put("three", at=logs.now + 5)
    got = await logs.do("GetLogEvents", logGroupName="g", logStreamName="s", startFromHead=True)
    assert [event["message"] for event in got["events"]] == ["one", "two", "three"]
    assert await logs.filter() == ["one", "two", "three"]


async def test_paging_visits_each_event_once(logs: Any) -> None:
    await logs.put(*[f"m{i}" for i in range(25)])
    assert await logs.filter(limit=4) == [f"m{i}" for i in range(25)]


async def test_get_goes_back_and_forth(logs: Any) -> None:
    await logs.put(*"abcdef")
    where = {"logGroupName": "g", "logStreamName": "s", "limit": 2}
    # GIVEN the end of the stream, which is where GetLogEvents starts
    last = await logs.do("GetLogEvents", **where)
    assert [e["message"] for e in last["events"]] == ["e", "f"]
    # WHEN going back THEN what comes before is there, and going forward again returns
    back = await logs.do("GetLogEvents", **where, nextToken=last["nextBackwardToken"])
    assert [e["message"] for e in back["events"]] == ["c", "d"]
    forth = await logs.do("GetLogEvents", **where, nextToken=back["nextForwardToken"])
    assert [e["message"] for e in forth["events"]] == ["e", "f"]
    # AND at the end the token stays as it was
    end = await logs.do("GetLogEvents", **where, nextToken=forth["nextForwardToken"])
    assert end["events"] == []
    assert end["nextForwardToken"] == forth["nextForwardToken"]


async def test_time_bounds(logs: Any) -> None:
    await logs.put("a", "b", "c")
    assert await logs.filter(startTime=logs.now + 1, endTime=logs.now + 1) == ["b"]
    got = await logs.do("GetLogEvents", logGroupName="g", logStreamName="s", startTime=logs.now, endTime=logs.now + 1)
    assert [e["message"] for e in got["events"]] == ["a"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("ERROR", ["ERROR one", "ERROR two"]),
        ("ERROR two", ["ERROR two"]),
        ('"ERROR two"', ["ERROR two"]),
        ("ERROR -two", ["ERROR one"]),
        ("?one ?INFO", ["ERROR one", "INFO three"]),
        ('"a \\"quote\\""', ['a "quote"']),
        ("error", []),
        ("", ["ERROR one", "ERROR two", "INFO three", 'a "quote"']),
    ],
)
async def test_filter_patterns(logs: Any, pattern: str, found: list[str]) -> None:
    await logs.put("ERROR one", "ERROR two", "INFO three", 'a "quote"')
    assert await logs.filter(pattern) == found


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("{ $.a = 1 }", "NotImplemented"),
        ("[ip, user]", "NotImplemented"),
        ("%a.b%", "NotImplemented"),
        ("?a b", "NotImplemented"),
        ('"open', "InvalidParameterException"),
        ("a:b", "InvalidParameterException"),
    ],
)
async def test_other_patterns_are_refused(logs: Any, pattern: str, code: str) -> None:
    with pytest.raises(AwsError) as refused:
        await logs.filter(pattern)
    assert refused.value.code == code


async def test_a_filter_that_finds_little_still_ends(logs: Any) -> None:
    # GIVEN more events than one page looks at
    for _ in range(3):
        await logs.put(*(["noise"] * 4999), "signal")
    first = await logs.do("FilterLogEvents", logGroupName="g", filterPattern="signal")
    # THEN a page is short and goes on, and all are found
    assert "nextToken" in first
    assert await logs.filter("signal") == ["signal"] * 3


async def test_streams_are_told_apart(logs: Any) -> None:
    await logs.do("CreateLogStream", logGroupName="g", logStreamName="other")
    await logs.put("mine")
    await logs.put("theirs", stream="other")
    assert await logs.filter(logStreamNames=["other"]) == ["theirs"]
    assert await logs.filter(logStreamNamePrefix="s") == ["mine"]


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([{"timestamp": 2, "message": "a"}, {"timestamp": 1, "message": "b"}], "chronological"),
        ([{"timestamp": 1, "message": "x" * 1_048_577}], "too large"),
        ([{"timestamp": 1, "message": "x" * 600_000}, {"timestamp": 1, "message": "x" * 600_000}], "too large"),
        ([{"timestamp": 1, "message": ""}], "empty"),
    ],
)
async def test_bad_batches_are_refused(logs: Any, events: list[Any], says: str) -> None:
    with pytest.raises(AwsError, match=says):
        await logs.do("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=events)


async def test_events_out_of_time_are_named_and_not_kept(logs: Any) -> None:
    times = [logs.now - 15 * 24 * HOUR, logs.now, logs.now + 3 * HOUR]
    answer = await logs.do(
        "PutLogEvents", logGroupName="g", logStreamName="s", logEvents=[{"timestamp": t, "message": "m"} for t in times]
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert await logs.filter() == ["m"]


async def test_retention_follows_the_clock(logs: Any) -> None:
    # GIVEN a group that keeps a day
    await logs.do("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
    await logs.put("old")
    # WHEN a day goes by
    logs.clock.advance(25 * 3600)
    await logs.put("new")
    await logs.service.expire()
    # THEN only what is younger is there
    assert await logs.filter() == ["new"]


async def test_a_group_that_does_not_exist(logs: Any) -> None:
    with pytest.raises(AwsError, match="log group does not exist"):
        await logs.put("x", group="nowhere")
    with pytest.raises(AwsError, match="log stream does not exist"):
        await logs.put("x", stream="nowhere")


async def test_a_forged_token(logs: Any) -> None:
    with pytest.raises(AwsError, match="nextToken is invalid"):
        await logs.filter(nextToken="f/1; DROP TABLE events/2")
