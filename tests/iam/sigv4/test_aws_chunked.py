"""Bodies in signed and unsigned chunks: decoded, or refused before they end."""

import hashlib
import hmac
import io
from collections.abc import AsyncIterator

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.iam.sigv4.aws_chunked import ChunkedBody, ChunkSigner
from stratus.iam.sigv4.verify import signing_key
from stratus.wire.errors import AwsError
from stratus.wire.message import BodyTooLarge

SIGNED_AT = "20130524T000000Z"
SCOPE = "20130524/us-east-1/s3/aws4_request"
KEY = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3")
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
EMPTY = hashlib.sha256(b"").hexdigest()


class Pieces:
    """A body that arrives in pieces of the given sizes."""

    def __init__(self, data: bytes, size: int = 1000) -> None:
        self.data, self.size = data, size

    async def read(self, limit: int) -> bytes:
        return self.data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.data), self.size):
            yield self.data[at : at + self.size]


def sign(kind: str, previous: str, *rest: str) -> str:
    text = "\n".join([f"AWS4-HMAC-SHA256-{kind}", SIGNED_AT, SCOPE, previous, *rest])
    return hmac.digest(KEY, text.encode(), "sha256").hex()


def encode(chunks: list[bytes], trailers: list[tuple[str, str]] | None = None, seed: str = SEED) -> bytes:
    """The body as an SDK encodes it: signed chunks, an empty last one, trailers when there are any."""
    out, previous = [], seed
    for chunk in [*chunks, b""]:
        previous = sign("PAYLOAD", previous, EMPTY, hashlib.sha256(chunk).hexdigest())
        out.append(f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + (b"\r\n" if chunk else b""))
    if trailers is not None:
        lines = "".join(f"{name}:{value}\n" for name, value in trailers)
        signature = sign("TRAILER", previous, hashlib.sha256(lines.encode()).hexdigest())
        out += [f"{name}:{value}\r\n".encode() for name, value in trailers]
        out.append(f"x-amz-trailer-signature:{signature}\r\n".encode())
    out.append(b"\r\n")
    return b"".join(out)


def signed_body(
    data: bytes, length: int, size: int = 1000, trailers: tuple[str, ...] = (), seed: str = SEED
) -> ChunkedBody:
    return ChunkedBody(Pieces(data, size), length, ChunkSigner(KEY, SIGNED_AT, SCOPE, seed), trailers)


def unsigned_body(data: bytes, length: int, trailers: tuple[str, ...] = (), size: int = 1000) -> ChunkedBody:
    return ChunkedBody(Pieces(data, size), length, None, trailers)


async def drain(body: ChunkedBody) -> bytes:
    return b"".join([piece async for piece in body])


async def test_given_the_example_of_the_s3_reference_when_read_then_its_signatures_are_right():
    signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]
    chunks = [b"a" * 65536, b"a" * 1024, b""]
    encoded = b"".join(
        f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + chunk + b"\r\n"
        for chunk, signature in zip(chunks, signatures, strict=True)
    )
    assert await drain(signed_body(encoded, 66560)) == b"a" * 66560


async def test_given_the_trailer_example_of_the_s3_reference_when_read_then_its_signatures_are_right():
    encoded = (
        b"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
        + b"a" * 65536
        + b"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
        + b"a" * 1024
        + b"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
        + b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
        + b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
    )
    seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    body = signed_body(encoded, 66560, trailers=("x-amz-checksum-crc32c",), seed=seed)
    assert await drain(body) == b"a" * 66560
    assert body.trailers.fields == [("x-amz-checksum-crc32c", "sOO8/Q==")]


@given(data=st.binary(max_size=30_000), size=st.integers(1, 40_000), chunk=st.integers(8192, 20_000))
@settings(max_examples=60, deadline=None)
async def test_given_any_chunks_arriving_in_any_pieces_when_read_then_the_plain_bytes_come_out(data, size, chunk):
    chunks = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    assert await drain(signed_body(encode(chunks), len(data), max(size, 1 + len(data) // 500))) == data


@given(data=st.binary(max_size=20_000), chunk=st.integers(8192, 20_000))
@settings(max_examples=30, deadline=None)
async def test_given_an_upload_of_botocore_with_a_trailer_when_read_then_bytes_and_checksum_come_out(data, chunk):
    wrapper = AwsChunkedWrapper(io.BytesIO(data), Crc32Checksum, "x-amz-checksum-crc32", chunk)
    body = unsigned_body(wrapper.read(), len(data), ("x-amz-checksum-crc32",))
    assert await drain(body) == data
    assert body.trailers.get("x-amz-checksum-crc32") == Crc32Checksum().handle(data)


@given(at=st.integers(0, 100_000), by=st.integers(1, 255))
@settings(max_examples=300, deadline=None)
async def test_given_a_signed_body_when_one_byte_is_changed_then_it_raises_before_its_end(at, by):
    chunks = [b"x" * 8192, b"y" * 100]
    encoded = bytearray(encode(chunks, [("x-amz-checksum-crc32", "AAAAAA==")]))
    at %= len(encoded) - 2
    before = bytes(encoded)
    encoded[at] = (encoded[at] + by) % 256
    if bytes(encoded).lower() == before.lower():
        return  # a hexadecimal size, or a header's name, in the other case
    with pytest.raises(AwsError) as refused:
        await drain(signed_body(bytes(encoded), 8292, trailers=("x-amz-checksum-crc32",)))
    assert refused.value.status in (400, 403)


@given(cut=st.integers(1, 9000))
@settings(max_examples=100, deadline=None)
async def test_given_a_body_when_it_is_cut_off_then_it_raises(cut):
    encoded = encode([b"x" * 8192, b"y" * 100])
    cut = min(cut, len(encoded) - 3)
    with pytest.raises(AwsError):
        await drain(signed_body(encoded[: -2 - cut], 8292))


CRC = ("x-amz-checksum-crc32",)
BAD = {
    "chunks in another order": (encode([b"b" * 8192, b"a" * 8192]).replace(b"b" * 8192, b"a" * 8192, 1), 16384, CRC[:0], "SignatureDoesNotMatch"),
    "a chunk left out": (encode([b"a" * 8192, b"b" * 8192])[8192 + 85 + 4 :], 8192, (), "SignatureDoesNotMatch"),
    "no last chunk": (encode([b"a" * 8192])[:-89], 8192, (), "IncompleteBody"),
    "longer than declared": (encode([b"a" * 8192, b"b"]), 8192, (), "IncompleteBody"),
    "shorter than declared": (encode([b"a" * 8192]), 8193, (), "IncompleteBody"),
    "bytes after the end": (encode([b"a"]) + b"more", 1, (), "IncompleteBody"),
    "a short chunk in the middle": (encode([b"a" * 8191, b"b"]), 8192, (), "InvalidChunkSizeError"),
    "an endless size": (b"f" * 2000, 1, (), "InvalidRequest"),
    "a negative size": (b"-1;chunk-signature=a\r\n\r\n", 1, (), "InvalidRequest"),
    "a size with a sign": (b"+1;chunk-signature=a\r\na\r\n", 1, (), "InvalidRequest"),
    "a size with an underscore": (b"1_0;chunk-signature=a\r\na\r\n", 16, (), "InvalidRequest"),
    "a chunk without signature": (b"1\r\na\r\n0\r\n\r\n", 1, (), "SignatureDoesNotMatch"),
    "an announced trailer that does not come": (encode([b"a"], []), 1, CRC, "MalformedTrailerError"),
    "a trailer that was not announced": (encode([b"a"], [("x-amz-checksum-crc32", "x")]), 1, (), "MalformedTrailerError"),
    "a trailer twice": (encode([b"a"], [("x-amz-checksum-crc32", "x")] * 2), 1, CRC, "MalformedTrailerError"),
    "a trailer after the trailer's signature": (
        encode([b"a"], [("x-amz-checksum-crc32", "x")])[:-2] + b"x-amz-meta-a:b\r\n\r\n",
        1,
        CRC,
        "MalformedTrailerError",
    ),
    "a trailer that is not signed": (encode([b"a"])[:-2] + b"x-amz-checksum-crc32:x\r\n\r\n", 1, CRC, "SignatureDoesNotMatch"),
    "an endless trailer": (encode([b"a"])[:-2] + b"x-amz-checksum-crc32:" + b"x" * 5000, 1, CRC, "InvalidRequest"),
    "too many trailers": (encode([b"a"])[:-2] + b"a:b\r\n" * 100, 1, CRC, "MalformedTrailerError"),
    "nothing at all": (b"", 0, (), "IncompleteBody"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
async def test_given_a_bad_body_when_read_then_it_is_refused_by_name(case):
    data, length, trailers, code = BAD[case]
    with pytest.raises(AwsError) as refused:
        await drain(signed_body(data, length, trailers=trailers))
    assert refused.value.code == code


BAD_UNSIGNED = {
    "a signature where there is none": (b"1;chunk-signature=ab\r\na\r\n0\r\n\r\n", 1, (), "InvalidRequest"),
    "a trailer signature where there is none": (
        b"1\r\na\r\n0\r\nx-amz-trailer-signature:ab\r\n\r\n",
        1,
        (),
        "MalformedTrailerError",
    ),
    "no trailer": (b"1\r\na\r\n0\r\n\r\n", 1, CRC, "MalformedTrailerError"),
    "a chunk that is not ended": (b"1\r\nab\r\n0\r\n\r\n", 1, (), "IncompleteBody"),
    "not chunked at all": (b"a plain body", 12, (), "IncompleteBody"),
}


@pytest.mark.parametrize("case", BAD_UNSIGNED)
async def test_given_bad_unsigned_chunks_when_read_then_they_are_refused_by_name(case):
    data, length, trailers, code = BAD_UNSIGNED[case]
    with pytest.raises(AwsError) as refused:
        await drain(unsigned_body(data, length, trailers))
    assert refused.value.code == code


async def test_given_a_limit_when_more_was_promised_then_nothing_is_read():
    with pytest.raises(BodyTooLarge):
        await signed_body(encode([b"a" * 9000]), 9000).read(8999)


async def test_given_a_chunk_of_many_pieces_when_it_turns_out_wrong_then_the_end_never_comes():
    encoded = encode([b"a" * 100_000]).replace(b"a" * 100_000, b"a" * 99_999 + b"b")
    body = signed_body(encoded, 100_000)
    received: list[bytes] = []
    with pytest.raises(AwsError) as refused:
        await collect(body, received)
    assert (len(b"".join(received)), refused.value.code) == (100_000, "SignatureDoesNotMatch")


async def collect(body: ChunkedBody, into: list[bytes]) -> None:
    async for piece in body:
        into.append(piece)  # noqa: PERF401 - what came before the error is wanted
