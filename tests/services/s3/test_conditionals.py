"""Conditional requests: the tables of RFC 9110 section 13 and of the S3 API Reference."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from stratus.wire.errors import AwsError
from stratus.wire.message import Response

from .conftest import code_of, error_of

ETAG = f'"{hashlib.md5(b"data").hexdigest()}"'
OTHER = '"00000000000000000000000000000000"'


@pytest.fixture
async def made(s3, bucket):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"data", CacheControl="no-cache")
    return datetime.fromtimestamp(s3.clock.now(), UTC)


def earlier(moment):
    return moment - timedelta(seconds=1)


READS = [
    ({}, 200),
    ({"IfMatch": ETAG}, 200),
    ({"IfMatch": ETAG.strip('"')}, 200),
    ({"IfMatch": f"{OTHER}, {ETAG}"}, 200),
    ({"IfMatch": "*"}, 200),
    ({"IfMatch": OTHER}, 412),
    ({"IfNoneMatch": OTHER}, 200),
    ({"IfNoneMatch": ETAG}, 304),
    ({"IfNoneMatch": "W/" + ETAG}, 304),
    ({"IfNoneMatch": "*"}, 304),
    ({"IfModifiedSince": "made"}, 304),
    ({"IfModifiedSince": "earlier"}, 200),
    ({"IfUnmodifiedSince": "made"}, 200),
    ({"IfUnmodifiedSince": "earlier"}, 412),
    # S3: "If-Match true and If-Unmodified-Since false: 200", "If-None-Match false and If-Modified-Since true: 304"
    ({"IfMatch": ETAG, "IfUnmodifiedSince": "earlier"}, 200),
    ({"IfNoneMatch": ETAG, "IfModifiedSince": "earlier"}, 304),
    ({"IfNoneMatch": OTHER, "IfModifiedSince": "made"}, 200),
    ({"IfMatch": OTHER, "IfNoneMatch": ETAG}, 412),
]


def with_moments(conditions, made):
    moments = {"made": made, "earlier": earlier(made)}
    return {name: moments.get(value, value) for name, value in conditions.items()}


@pytest.mark.parametrize(("conditions", "status"), READS)
@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
async def test_reads(s3, bucket, made, operation, conditions, status):
    if status == 412:
        refused = await error_of(s3(operation, Bucket=bucket, Key="k", **with_moments(conditions, made)))
        assert (refused.code, refused.status) == ("PreconditionFailed", 412)
        return
    result = await s3(operation, Bucket=bucket, Key="k", **with_moments(conditions, made))
    assert isinstance(result, Response) is (status == 304)
    if isinstance(result, Response):
        assert result.status == 304
        assert dict(result.headers)["etag"] == ETAG
        assert dict(result.headers)["cache-control"] == "no-cache"


@pytest.mark.parametrize(("conditions", "status"), READS)
async def test_copies_ask_the_same_of_their_source_and_fail_with_412(s3, bucket, made, conditions, status):
    conditions = {"CopySource" + name: value for name, value in with_moments(conditions, made).items()}
    refused = await error_of(s3("CopyObject", Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", **conditions))
    if status == 200:
        assert refused is None
    else:
        assert (refused.code, refused.status) == ("PreconditionFailed", 412)
        assert refused.members["Condition"].startswith("x-amz-copy-source-If-")


@pytest.mark.parametrize(
    ("existing", "conditions", "code"),
    [
        (None, {"IfNoneMatch": "*"}, None),
        ("object", {"IfNoneMatch": "*"}, "PreconditionFailed"),
        ("marker", {"IfNoneMatch": "*"}, None),
        ("object", {"IfMatch": ETAG}, None),
        ("object", {"IfMatch": OTHER}, "PreconditionFailed"),
        (None, {"IfMatch": ETAG}, "NoSuchKey"),
        ("marker", {"IfMatch": ETAG}, "NoSuchKey"),
        ("object", {"IfNoneMatch": ETAG}, "NotImplemented"),
        ("object", {"IfMatch": "*"}, "NotImplemented"),
        ("object", {"IfMatch": ETAG, "IfNoneMatch": "*"}, "NotImplemented"),
    ],
)
async def test_writes(s3, bucket, existing, conditions, code):
    if existing:
        await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        await s3("PutObject", Bucket=bucket, Key="k", Body=b"data")
    if existing == "marker":
        await s3("DeleteObject", Bucket=bucket, Key="k")
    upload = (await s3("CreateMultipartUpload", Bucket=bucket, Key="k"))["UploadId"]
    etag = (await s3("UploadPart", Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"data"))["ETag"]
    await s3("PutObject", Bucket=bucket, Key="source", Body=b"x")
    complete = {"UploadId": upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}
    writes = [
        ("CompleteMultipartUpload", complete),
        ("PutObject", {"Body": b"new"}),
        ("CopyObject", {"CopySource": "shelf/source"}),
    ]
    for operation, params in writes if code else writes[:1]:
        assert await code_of(s3(operation, Bucket=bucket, Key="k", **params, **conditions)) == code


async def test_of_two_writers_who_both_see_no_object_one_wins(s3, bucket):
    import asyncio

    async def attempt(data):
        try:
            await s3("PutObject", Bucket=bucket, Key="k", Body=data, IfNoneMatch="*")
        except AwsError as error:
            return error.code
        return data

    outcomes = await asyncio.gather(*(attempt(b"%d" % n * 70_000) for n in range(8)))
    winners = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert len(winners) == 1
    assert outcomes.count("PreconditionFailed") == 7
    assert await s3.bytes_of(Bucket=bucket, Key="k") == winners[0]
    await s3.restart()
    assert len(s3.files()) == 1


@pytest.mark.parametrize(("tag", "code"), [(ETAG, None), ("*", None), (OTHER, "PreconditionFailed")])
async def test_deletes(s3, bucket, made, tag, code):
    assert await code_of(s3("DeleteObject", Bucket=bucket, Key="k", IfMatch=tag)) == code
