"""PutObject, GetObject, HeadObject, DeleteObject: what goes in comes out."""

import hashlib
import os

import pytest

from stratus.wire.errors import AwsError

SIZES = [0, 1, 10_240, 64 * 1024, 64 * 1024 + 1, 256 * 1024, 1024 * 1024 + 17]


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_put_is_what_is_got_also_after_a_restart(s3, bucket, size):
    data = os.urandom(size)
    put = await s3("PutObject", Bucket=bucket, Key="k", Body=data, ContentType="text/plain", Metadata={"A": "1"})
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    for _ in range(2):
        got = await s3("GetObject", Bucket=bucket, Key="k")
        assert (got["ContentLength"], got["ContentType"], got["Metadata"]) == (size, "text/plain", {"a": "1"})
        assert await s3.bytes_of(Bucket=bucket, Key="k") == data
        head = await s3("HeadObject", Bucket=bucket, Key="k")
        assert head["ETag"] == put["ETag"]
        assert "Body" not in head
        await s3.restart()


async def test_a_key_is_taken_literally_and_never_reaches_the_file_system(s3, bucket):
    keys = [
        "../../etc/passwd",
        "a/../b",
        "%2e%2e/x",
        "line\nbreak",
        "nul\0",
        "\ufffe",
        "é",
        "e\u0301",
        ".",
        "a//b",
        " ",
    ]
    for number, key in enumerate(keys):
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"%d" % number * 70_000)
    for number, key in enumerate(keys):
        assert await s3.bytes_of(Bucket=bucket, Key=key) == b"%d" % number * 70_000
    assert len(s3.files()) == len(keys)
    assert all(len(path.name) == 32 and int(path.name, 16) >= 0 for path in s3.files())


@pytest.mark.parametrize(
    ("key", "code"), [("x" * 1025, "KeyTooLongError"), ("\udcff", "InvalidURI"), ("é" * 513, "KeyTooLongError")]
)
async def test_keys_that_s3_does_not_take(s3, bucket, key, code):
    with pytest.raises(AwsError) as refused:
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"")
    assert refused.value.code == code


async def test_a_deleted_object_is_gone_with_its_bytes(s3, bucket):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"x" * 100_000)
    assert len(s3.files()) == 1
    assert await s3("DeleteObject", Bucket=bucket, Key="k") == {}
    with pytest.raises(AwsError) as missing:
        await s3("GetObject", Bucket=bucket, Key="k")
    assert (missing.value.code, missing.value.status) == ("NoSuchKey", 404)
    await s3.restart()
    assert s3.files() == []


async def test_a_missing_key_is_access_denied_to_who_may_not_list(s3, bucket):
    s3.denied = lambda access: access.action == "s3:ListBucket"
    with pytest.raises(AwsError) as hidden:
        await s3("GetObject", Bucket=bucket, Key="k")
    assert (hidden.value.code, hidden.value.status) == ("AccessDenied", 403)


async def test_whoever_reads_an_object_that_is_overwritten_reads_it_to_its_end(s3, bucket):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"a" * 2_000_000)
    body = (await s3("GetObject", Bucket=bucket, Key="k"))["Body"]
    first = await anext(body)
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"b" * 2_000_000)
    assert len(s3.files()) == 2
    rest = b"".join([piece async for piece in body])
    assert first + rest == b"a" * 2_000_000
    await s3.restart()
    assert len(s3.files()) == 1


async def test_a_body_that_breaks_off_leaves_nothing(s3, bucket):
    async def broken():
        yield b"x" * 500_000
        raise AwsError("SignatureDoesNotMatch", "", 403)

    await s3("PutObject", Bucket=bucket, Key="k", Body=b"before")
    with pytest.raises(AwsError):
        await s3("PutObject", Bucket=bucket, Key="k", Body=broken())
    assert await s3.bytes_of(Bucket=bucket, Key="k") == b"before"
    await s3.restart()
    assert s3.files() == []


async def test_bytes_on_disk_are_not_the_object_and_changed_ones_are_never_served(s3, bucket):
    secret = b"the quick brown fox" * 5_000
    await s3("PutObject", Bucket=bucket, Key="large", Body=secret)
    await s3("PutObject", Bucket=bucket, Key="small", Body=b"the quick brown fox")
    everything = b"".join(path.read_bytes() for path in s3.directory.rglob("*") if path.is_file())
    assert b"quick brown" not in everything
    (file,) = s3.files()
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(Exception):  # noqa: B017 - cryptography's InvalidTag, wherever the library keeps it
        await s3.bytes_of(Bucket=bucket, Key="large")
