"""Lifecycle: what is deleted at which midnight."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.services.s3.lifecycle import DAY, midnight_after
from stratus.services.s3.lifecycle_runner import LifecycleRunner

from .conftest import code_of


def utc(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_the_documented_example():
    """ "If an object was created at 1/15/2014 10:30 AM UTC and you specify 3 days, the expiration date is 1/19/2014 00:00 UTC."""
    assert midnight_after(utc("2014-01-15T10:30:00"), 3) == utc("2014-01-19T00:00:00")


@given(st.integers(0, 2**33), st.integers(0, 5000))
def test_a_due_time_is_a_midnight_at_least_the_days_and_at_most_one_more_away(made, days):
    due = midnight_after(made, days)
    assert due % DAY == 0
    assert days * DAY < due - made <= (days + 1) * DAY


@pytest.fixture
async def run(s3):
    """Moves to a time and applies the rules."""
    await asyncio.sleep(0)

    async def run_at(days):
        s3.clock.advance(midnight_after(int(s3.clock.now()), days) - s3.clock.now())
        await LifecycleRunner(s3.service).run_once()
        return [one["Key"] for one in (await s3("ListObjectsV2", Bucket="shelf"))["Contents"]]

    return run_at


async def rules(s3, *given_rules):
    configuration = {"Rules": [{"Status": "Enabled", "Filter": {}, **rule} for rule in given_rules]}
    await s3("PutBucketLifecycleConfiguration", Bucket="shelf", LifecycleConfiguration=configuration)


async def test_objects_expire_by_prefix_tag_and_size(s3, bucket, run):
    for key, size, tags in (("a/1", 1, ""), ("b/1", 1, ""), ("b/large", 100_000, ""), ("c", 1, "t=1"), ("d", 1, "t=2")):
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"x" * size, Tagging=tags)
    await rules(
        s3,
        {"ID": "prefix", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 1}},
        {"ID": "size", "Filter": {"And": {"Prefix": "b/", "ObjectSizeGreaterThan": 1000}}, "Expiration": {"Days": 2}},
        {"ID": "tag", "Filter": {"Tag": {"Key": "t", "Value": "1"}}, "Expiration": {"Days": 3}},
        {"ID": "off", "Status": "Disabled", "Expiration": {"Days": 1}},
    )
    head = await s3("HeadObject", Bucket=bucket, Key="a/1")
    due = datetime.fromtimestamp(midnight_after(int(s3.clock.now()), 1), UTC)
    assert head["Expiration"] == f'expiry-date="{due:%a, %d %b %Y} 00:00:00 GMT", rule-id="prefix"'
    assert await run(0) == ["a/1", "b/1", "b/large", "c", "d"]
    assert await run(0) == ["b/1", "b/large", "c", "d"]
    assert await run(0) == ["b/1", "c", "d"]
    assert await run(0) == ["b/1", "d"]
    await s3.restart()
    assert s3.files() == []


async def test_a_date_expires_what_is_there_from_then_on(s3, bucket, run):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    date = datetime.fromtimestamp(midnight_after(int(s3.clock.now()), 2), UTC)
    await rules(s3, {"Expiration": {"Date": date}})
    assert (await s3("GetBucketLifecycleConfiguration", Bucket=bucket))["Rules"][0]["Expiration"] == {"Date": date}
    assert await run(1) == ["k"]
    assert await run(0) == []
    await s3("PutObject", Bucket=bucket, Key="later", Body=b"")
    assert await run(0) == []


async def test_versions_expire_behind_a_delete_marker_which_goes_last(s3, bucket, run):
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(3):
        await s3("PutObject", Bucket=bucket, Key="k", Body=b"x" * 70_000)
    await rules(
        s3,
        {"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 1}},
    )

    async def count():
        page = await s3("ListObjectVersions", Bucket=bucket)
        return len(page["Versions"]), len(page["DeleteMarkers"])

    assert await run(1) == []
    assert await count() == (3, 1)
    await run(2)
    assert await count() == (3, 1)
    await run(3)
    assert await count() == (1, 1)  # one noncurrent version is kept whatever its age
    await run(50)
    assert await count() == (1, 1)
    await rules(
        s3,
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"ID": "m", "Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    await run(0)
    assert await count() == (0, 1)
    await run(0)
    assert await count() == (0, 0)


async def test_of_more_versions_than_a_page_the_newest_are_kept(s3, bucket, run):
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = [(await s3("PutObject", Bucket=bucket, Key="k", Body=b""))["VersionId"] for _ in range(450)]
    await rules(s3, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 100}})
    await run(3)
    page = await s3("ListObjectVersions", Bucket=bucket)
    assert [one["VersionId"] for one in page["Versions"]] == list(reversed(ids))[:101]


async def test_uploads_that_are_never_completed_are_aborted(s3, bucket, run):
    await rules(s3, {"Filter": {"Prefix": "a"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}})
    for key in ("a", "b"):
        upload = await s3("CreateMultipartUpload", Bucket=bucket, Key=key)
        await s3("UploadPart", Bucket=bucket, Key=key, UploadId=upload["UploadId"], PartNumber=1, Body=b"x" * 100_000)
    await run(0)
    assert len((await s3("ListMultipartUploads", Bucket=bucket))["Uploads"]) == 2
    await run(1)
    assert [one["Key"] for one in (await s3("ListMultipartUploads", Bucket=bucket))["Uploads"]] == ["b"]
    await s3.restart()
    assert len(s3.files()) == 1


async def test_the_service_runs_the_rules_by_itself_at_midnight(s3, bucket):
    await rules(s3, {"Expiration": {"Days": 1}})
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    for _ in range(2):
        s3.clock.advance(midnight_after(int(s3.clock.now()), 0) - s3.clock.now())
        for _ in range(20):
            await s3(
                "PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
            )  # turns of the loop
    assert (await s3("ListObjectsV2", Bucket=bucket))["Contents"] == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"Status": "On", "Expiration": {"Days": 1}}, "MalformedXML"),
        ({"Filter": None, "Expiration": {"Days": 1}, "Prefix": ""}, "MalformedXML"),
        ({}, "InvalidRequest"),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1, "Date": datetime(2030, 1, 1, tzinfo=UTC)}}, "MalformedXML"),
        ({"Expiration": {"Date": datetime(2030, 1, 1, 1, tzinfo=UTC)}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1}, "Filter": {"Prefix": "a", "ObjectSizeLessThan": 9}}, "MalformedXML"),
        ({"Expiration": {"Days": 1}, "Filter": {"And": {"Tags": [{"Key": "a"}]}}}, "MalformedXML"),
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "NotImplemented"),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 0}}, "InvalidArgument"),
        ({"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 3}}, "MalformedXML"),
        (
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Filter": {"ObjectSizeLessThan": 9}},
            "InvalidRequest",
        ),
        (
            {"Expiration": {"ExpiredObjectDeleteMarker": True}, "Filter": {"Tag": {"Key": "a", "Value": "b"}}},
            "InvalidRequest",
        ),
        ({"Expiration": {"Days": 1}, "ID": "x" * 256}, "InvalidArgument"),
    ],
)
async def test_rules_that_are_refused(s3, bucket, rule, code):
    assert await code_of(rules(s3, rule)) == code


async def test_rule_ids_are_unique(s3, bucket):
    rule = {"ID": "same", "Expiration": {"Days": 1}}
    assert await code_of(rules(s3, rule, rule)) == "InvalidArgument"
