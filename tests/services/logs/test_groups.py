"""Log groups and streams."""

from typing import Any

import pytest

from stratus.wire.errors import AwsError

ARN = "arn:aws:logs:eu-central-1:123456789012:log-group:"


async def test_a_group_is_described(logs: Any) -> None:
    await logs.do("PutRetentionPolicy", logGroupName="g", retentionInDays=14)
    (group,) = (await logs.do("DescribeLogGroups"))["logGroups"]
    assert group["arn"] == f"{ARN}g:*"
    assert group["retentionInDays"] == 14
    await logs.do("DeleteRetentionPolicy", logGroupName="g")
    (group,) = (await logs.do("DescribeLogGroups"))["logGroups"]
    assert "retentionInDays" not in group


async def test_groups_by_prefix_and_page(logs: Any) -> None:
    for name in ("/aws/lambda/a", "/aws/lambda/b", "/aws/lambda/c"):
        await logs.do("CreateLogGroup", logGroupName=name)
    first = await logs.do("DescribeLogGroups", logGroupNamePrefix="/aws/lambda/", limit=2)
    second = await logs.do("DescribeLogGroups", logGroupNamePrefix="/aws/lambda/", nextToken=first["nextToken"])
    assert [g["logGroupName"][-1] for g in first["logGroups"] + second["logGroups"]] == ["a", "b", "c"]


async def test_what_exists_is_not_made_again(logs: Any) -> None:
    for operation, params in (("CreateLogGroup", {}), ("CreateLogStream", {"logStreamName": "s"})):
        with pytest.raises(AwsError) as refused:
            await logs.do(operation, logGroupName="g", **params)
        assert refused.value.code == "ResourceAlreadyExistsException"


async def test_a_deleted_group_takes_its_events_along(logs: Any) -> None:
    await logs.put("secret")
    await logs.do("DeleteLogGroup", logGroupName="g")
    await logs.do("CreateLogGroup", logGroupName="g")
    assert await logs.filter() == []
    assert logs.service.store.database.reader.execute("SELECT count(*) FROM events").fetchone() == (0,)


async def test_streams_by_last_event(logs: Any) -> None:
    await logs.do("CreateLogStream", logGroupName="g", logStreamName="t")
    await logs.put("x", stream="t")
    await logs.put("y", at=logs.now + 10)
    found = await logs.do("DescribeLogStreams", logGroupName="g", orderBy="LastEventTime", descending=True)
    assert [stream["logStreamName"] for stream in found["logStreams"]] == ["s", "t"]


async def test_tags(logs: Any) -> None:
    await logs.do("TagResource", resourceArn=f"{ARN}g", tags={"a": "1", "b": "2"})
    await logs.do("UntagResource", resourceArn=f"{ARN}g", tagKeys=["a"])
    assert (await logs.do("ListTagsForResource", resourceArn=f"{ARN}g"))["tags"] == {"b": "2"}


async def test_a_retention_that_aws_does_not_know(logs: Any) -> None:
    with pytest.raises(AwsError, match="must be one of"):
        await logs.do("PutRetentionPolicy", logGroupName="g", retentionInDays=2)


@pytest.mark.parametrize(
    ("operation", "params", "resource"),
    [
        ("PutLogEvents", {"logGroupName": "g", "logStreamName": "s"}, "g:log-stream:s"),
        ("CreateLogStream", {"logGroupName": "g", "logStreamName": "s"}, "g:log-stream:s"),
        ("CreateLogGroup", {"logGroupName": "g"}, "g:log-stream:"),
        ("FilterLogEvents", {"logGroupIdentifier": f"{ARN}g:*"}, "g:log-stream:"),
        ("TagResource", {"resourceArn": f"{ARN}g"}, "g"),
    ],
)
def test_what_a_caller_must_be_allowed(logs: Any, operation: str, params: dict[str, Any], resource: str) -> None:
    (access,) = logs.access(operation, **params)
    assert (access.action, access.resource) == (f"logs:{operation}", ARN + resource)
