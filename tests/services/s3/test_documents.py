"""The checksums of XML documents in requests."""

import hashlib
import zlib
from base64 import b64encode

import pytest

from stratus.wire.message import BytesBody, Headers, Request

from .conftest import code_of

BODY = b"<Delete><Object><Key>k</Key></Object></Delete>"
MD5 = b64encode(hashlib.md5(BODY).digest()).decode()
CRC32 = b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], None),
        ([("content-md5", MD5)], None),
        ([("x-amz-checksum-crc32", CRC32)], None),
        ([("content-md5", MD5[::-1])], "InvalidDigest"),
        ([("content-md5", b64encode(bytes(16)).decode())], "BadDigest"),
        ([("x-amz-checksum-crc32", "AAAAAA==")], "BadDigest"),
        ([("x-amz-checksum-crc32", "?")], "InvalidRequest"),
    ],
)
async def test_a_document_must_be_what_its_checksum_says(s3, bucket, headers, code):
    request = Request("POST", "/shelf", "delete", Headers(headers), BytesBody(BODY))
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    assert await code_of(s3("DeleteObjects", request, Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})) == code
    there = await code_of(s3("HeadObject", Bucket=bucket, Key="k")) is None
    assert there is (code is not None)
