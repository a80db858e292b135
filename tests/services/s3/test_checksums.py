"""Checksums and lengths: each algorithm, in a header and in a trailer, right and wrong."""

import hashlib
import zlib
from base64 import b64encode

import pytest

from stratus.services.s3.checksums import COMBINERS, DIGESTS, Digests, of_whole
from stratus.wire.errors import AwsError
from stratus.wire.message import BodyIncomplete, Headers, Request

from .conftest import code_of

SIZES = [0, 10_000, 100_000]


def checksum(algorithm: str, data: bytes) -> str:
    digests = Digests([algorithm])
    digests.update(data)
    return digests.checksums()[algorithm]


class Trailed:
    """A decoded aws-chunked body with its trailer."""

    def __init__(self, data: bytes, trailers: dict[str, str]) -> None:
        self.data, self.trailers = data, Headers(trailers.items())

    async def __aiter__(self):
        for start in range(0, len(self.data), 30_000):
            yield self.data[start : start + 30_000]


def put_request(**headers: str) -> Request:
    return Request("PUT", "/shelf/k", "", Headers((name.replace("_", "-"), value) for name, value in headers.items()))


def test_known_answers():
    assert checksum("CRC32", b"123456789") == b64encode(zlib.crc32(b"123456789").to_bytes(4, "big")).decode()
    assert checksum("CRC32C", b"123456789") == b64encode(bytes.fromhex("e3069283")).decode()
    assert checksum("CRC64NVME", b"123456789") == b64encode(bytes.fromhex("ae8b14860a799888")).decode()
    assert checksum("SHA1", b"abc") == b64encode(hashlib.sha1(b"abc").digest()).decode()
    assert checksum("SHA256", b"abc") == b64encode(hashlib.sha256(b"abc").digest()).decode()


@pytest.mark.parametrize("algorithm", COMBINERS)
def test_the_checksum_of_a_whole_follows_from_its_parts(algorithm):
    parts = [b"a" * 1000, b"", b"bc" * 777, b"d"]
    combined = of_whole(algorithm, [(checksum(algorithm, part), len(part)) for part in parts])
    assert combined == checksum(algorithm, b"".join(parts))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("algorithm", DIGESTS)
@pytest.mark.parametrize("place", ["header", "trailer"])
async def test_a_right_checksum_is_kept_and_a_wrong_one_refused(s3, bucket, algorithm, place, size):
    data = b"x" * size
    right, wrong = checksum(algorithm, data), checksum(algorithm, data + b"!")
    name = f"x-amz-checksum-{algorithm.lower()}"
    for value in (right, wrong):
        if place == "header":
            arguments = {"Body": data, f"Checksum{algorithm}": value, "ChecksumAlgorithm": algorithm}
            request = put_request(content_length=str(size))
        else:
            arguments = {"Body": Trailed(data, {name: value}), "ChecksumAlgorithm": algorithm}
            request = put_request(x_amz_decoded_content_length=str(size), content_length="999", x_amz_trailer=name)
        if value == wrong:
            with pytest.raises(AwsError) as refused:
                await s3("PutObject", request, Bucket=bucket, Key="k", **arguments)
            assert refused.value.code == "BadDigest"
            continue
        put = await s3("PutObject", request, Bucket=bucket, Key="k", **arguments)
        assert put[f"Checksum{algorithm}"] == right
    head = await s3("HeadObject", Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{algorithm}"], head["ChecksumType"]) == (right, "FULL_OBJECT")
    assert f"Checksum{algorithm}" not in await s3("HeadObject", Bucket=bucket, Key="k")


async def test_without_a_checksum_s3_makes_a_crc64nvme(s3, bucket):
    put = await s3("PutObject", Bucket=bucket, Key="k", Body=b"data")
    assert put["ChecksumCRC64NVME"] == checksum("CRC64NVME", b"data")


MD5 = b64encode(hashlib.md5(b"data").digest()).decode()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ContentMD5": MD5}, None),
        ({"ContentMD5": b64encode(bytes(16)).decode()}, "BadDigest"),
        ({"ContentMD5": "short"}, "InvalidDigest"),
        ({"ContentMD5": "not base64 at all!!!!!!!"}, "InvalidDigest"),
        ({"ChecksumCRC32": "AAAA"}, "InvalidRequest"),
        ({"ChecksumCRC32": "é"}, "InvalidRequest"),
        ({"ChecksumSHA1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "ChecksumCRC32": "AAAAAA=="}, "InvalidRequest"),
        ({"ChecksumCRC32": "AAAAAA==", "ChecksumAlgorithm": "SHA1"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "SHA1"}, "InvalidRequest"),
        ({"ChecksumAlgorithm": "CRC7"}, "InvalidRequest"),
    ],
)
async def test_what_the_client_says_must_make_sense_and_be_true(s3, bucket, params, code):
    assert await code_of(s3("PutObject", Bucket=bucket, Key="k", Body=b"data", **params)) == code


@pytest.mark.parametrize(
    ("trailer", "sent", "code"),
    [
        ("x-amz-checksum-crc32", {}, "MalformedTrailerError"),
        ("x-amz-checksum-crc32", {"x-amz-checksum-crc32": "AA"}, "InvalidRequest"),
        ("x-amz-checksum-crc7", {}, "InvalidRequest"),
        ("etag", {}, "InvalidRequest"),
    ],
)
async def test_trailers_that_are_refused(s3, bucket, trailer, sent, code):
    request = put_request(x_amz_decoded_content_length="4", x_amz_trailer=trailer)
    with pytest.raises(AwsError) as refused:
        await s3("PutObject", request, Bucket=bucket, Key="k", Body=Trailed(b"data", sent))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("headers", "code", "status"),
    [
        ({}, "MissingContentLength", 411),
        ({"content_length": "-1"}, "MissingContentLength", 411),
        ({"content_length": "\u0661"}, "MissingContentLength", 411),
        ({"transfer_encoding": "chunked"}, "NotImplemented", 501),
        ({"content_length": "3"}, "IncompleteBody", 400),
        ({"content_length": "5"}, "IncompleteBody", 400),
        ({"content_length": str(5 * 1024**3 + 1)}, "EntityTooLarge", 400),
        ({"content_length": "9", "x_amz_decoded_content_length": "5"}, "IncompleteBody", 400),
    ],
)
async def test_lengths(s3, bucket, headers, code, status):
    with pytest.raises(AwsError) as refused:
        await s3("PutObject", put_request(**headers), Bucket=bucket, Key="k", Body=b"data")
    assert (refused.value.code, refused.value.status) == (code, status)


async def test_a_client_that_goes_away_leaves_nothing(s3, bucket):
    async def broken():
        yield b"x" * 300_000
        raise BodyIncomplete

    with pytest.raises(AwsError) as refused:
        await s3("PutObject", put_request(content_length="400000"), Bucket=bucket, Key="k", Body=broken())
    assert refused.value.code == "IncompleteBody"
    await s3.restart()
    assert s3.files() == []
