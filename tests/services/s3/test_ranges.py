"""Byte ranges: RFC 9110 section 14 as S3 does it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.services.s3.ranges import requested
from stratus.wire.errors import AwsError
from stratus.wire.message import Headers, Request

DATA = bytes(range(256)) * 800  # 204,800 bytes: several chunks and pieces
SIZE = len(DATA)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, SIZE)),
        ("bytes=-1", (SIZE - 1, SIZE)),
        (f"bytes=-{SIZE * 2}", (0, SIZE)),
        (f"bytes=5-{SIZE * 2}", (5, SIZE)),
        ("bytes=65535-65536", (65_535, 65_537)),
        (f"bytes={SIZE - 1}-", (SIZE - 1, SIZE)),
        ("bytes=0-99999999999999999999999999", (0, SIZE)),
        # no single byte range: ignored, the whole object is answered
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=\u0661-\u0662", None),
        # no byte in it
        (f"bytes={SIZE}-", 416),
        ("bytes=-0", 416),
    ],
)
async def test_one_range(s3, bucket, header, expected):
    for key, body in (("file", DATA),):
        await s3("PutObject", Bucket=bucket, Key=key, Body=body)
        if expected == 416:
            with pytest.raises(AwsError) as refused:
                await s3("GetObject", Bucket=bucket, Key=key, Range=header)
            assert (refused.value.code, refused.value.status) == ("InvalidRange", 416)
            assert refused.value.headers == [("content-range", f"bytes */{SIZE}")]
            continue
        got = await s3("GetObject", Bucket=bucket, Key=key, Range=header)
        start, stop = expected or (0, SIZE)
        assert b"".join([piece async for piece in got["Body"]]) == body[start:stop]
        assert got["ContentLength"] == stop - start
        assert got.get("ContentRange") == (f"bytes {start}-{stop - 1}/{SIZE}" if expected else None)
        assert got.get("ResponseMetadata") == ({"HTTPStatusCode": 206} if expected else None)


@given(st.integers(0, 300_000), st.text(alphabet="bytes=-,0123456789 ", max_size=24))
def test_any_header_is_a_range_inside_the_object_or_none_or_refused(size, header):
    with suppress(AwsError):
        found = requested(header, size)
        assert found is None or 0 <= found[0] < found[1] <= size


async def test_no_range_of_an_empty_object_can_be_satisfied(s3, bucket):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    for header in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        with pytest.raises(AwsError) as refused:
            await s3("GetObject", Bucket=bucket, Key="k", Range=header)
        assert refused.value.code == "InvalidRange"


async def test_if_range_of_another_representation_answers_the_whole(s3, bucket):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"0123456789")
    etag = (await s3("HeadObject", Bucket=bucket, Key="k"))["ETag"]
    for condition, length in ((etag, 2), ('"other"', 10), ("Thu, 01 Jan 1970 00:00:00 GMT", 10)):
        request = Request("GET", "/shelf/k", "", Headers([("if-range", condition)]))
        got = await s3("GetObject", request, Bucket=bucket, Key="k", Range="bytes=0-1")
        assert got["ContentLength"] == length
