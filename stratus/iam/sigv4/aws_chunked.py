"""The `aws-chunked` content encoding: a body in chunks that are signed one by one, with checksums after the last.

Sources: "Signature calculations for the authorization header: transferring payload in multiple chunks" and "... including
trailing headers" (Amazon S3 API Reference). Bytes are handed on as they arrive; a chunk that turns out wrong raises AwsError,
and so does an end that came too early.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable

from stratus.iam.failures import Failure, Family, failure
from stratus.wire.errors import AwsError
from stratus.wire.message import Body, BodyTooLarge, Headers

MAX_LINE = 1024
MAX_TRAILERS = 16
MIN_CHUNK = 8192
"""Only the last chunk may be shorter, as S3 has it."""

_EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class ChunkSigner:
    """The chain of signatures: each covers its chunk and the signature before it, the first is the request's own."""

    def __init__(self, key: bytes, signed_at: str, scope: str, seed: str) -> None:
        self._key = key
        self._context = f"{signed_at}\n{scope}"
        self._previous = seed

    def check_chunk(self, digest: str, signature: str) -> None:
        self._check(f"AWS4-HMAC-SHA256-PAYLOAD\n{self._context}\n{self._previous}\n{_EMPTY_HASH}\n{digest}", signature)

    def check_trailer(self, trailers: Iterable[tuple[str, str]], signature: str) -> None:
        lines = "".join(f"{name}:{value}\n" for name, value in sorted(trailers))
        digest = hashlib.sha256(lines.encode("latin-1")).hexdigest()
        self._check(f"AWS4-HMAC-SHA256-TRAILER\n{self._context}\n{self._previous}\n{digest}", signature)

    def _check(self, text: str, signature: str) -> None:
        expected = hmac.digest(self._key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), signature.encode("latin-1", "replace")):
            raise failure(Family.S3, Failure.MISMATCH)
        self._previous = expected


class ChunkedBody:
    """A `TrailedBody` of plain bytes. `length` is what x-amz-decoded-content-length promised; `signer` None where chunks are unsigned."""

    def __init__(self, body: Body, length: int, signer: ChunkSigner | None, expected_trailers: tuple[str, ...]) -> None:
        self.length = length
        self._source = _Source(body)
        self._signer = signer
        self._expected_trailers = expected_trailers
        self._trailers = Headers()

    @property
    def trailers(self) -> Headers:
        """The fields after the last chunk, without the signature; complete once the body was read to its end."""
        return self._trailers

    async def read(self, limit: int) -> bytes:
        if self.length > limit:
            raise BodyTooLarge
        return b"".join([piece async for piece in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        previous = MIN_CHUNK
        while True:
            size, signature = self._chunk_header(await self._source.line())
            received += size
            if received > self.length:
                raise _incomplete()
            if size and previous < MIN_CHUNK:
                raise AwsError(
                    "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes", 403
                )
            previous = size
            digest = hashlib.sha256() if self._signer else None
            async for piece in self._source.exactly(size):
                if digest:
                    digest.update(piece)
                yield piece
            if digest and self._signer:
                self._signer.check_chunk(digest.hexdigest(), signature)
            if size == 0:
                break
            if await self._source.line() != b"":
                raise _incomplete()
        if received != self.length:
            raise _incomplete()
        await self._read_trailers()

    def _chunk_header(self, line: bytes) -> tuple[int, str]:
        """`10000;chunk-signature=<hex>`, or the size alone where chunks are unsigned."""
        size, _, extension = line.partition(b";")
        if not 0 < len(size) <= 16 or not _HEX_DIGITS.issuperset(size):
            raise _malformed()
        name, _, signature = extension.partition(b"=")
        if self._signer is None:
            if extension:
                raise _malformed()
        elif name != b"chunk-signature":
            raise failure(Family.S3, Failure.MISMATCH)
        return int(size, 16), signature.decode("latin-1")

    async def _read_trailers(self) -> None:
        fields: list[tuple[str, str]] = []
        signature: str | None = None
        while line := await self._source.line(last=True):
            name, found, value = line.decode("latin-1").partition(":")
            name, value = name.strip().lower(), value.strip()
            if not found or not name or len(fields) >= MAX_TRAILERS or signature is not None:
                raise _malformed_trailer()
            if name == "x-amz-trailer-signature":
                signature = value
            else:
                fields.append((name, value))
        if await self._source.more():
            raise _incomplete()
        if sorted(name for name, _ in fields) != sorted(self._expected_trailers):
            raise _malformed_trailer()
        if self._signer is None:
            if signature is not None:
                raise _malformed_trailer()
        elif fields or signature is not None:
            self._signer.check_trailer(fields, signature or "")
        self._trailers = Headers(fields)


class _Source:
    """Lines and counted bytes out of a body that arrives in pieces; holds one piece and at most one line."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._pieces: AsyncIterator[bytes] | None = None
        self._buffer = b""
        self._at = 0

    async def line(self, *, last: bool = False) -> bytes:
        """Up to CRLF, without it. Where the end may come instead (`last`), the end reads as an empty line."""
        while True:
            end = self._buffer.find(b"\r\n", self._at)
            if end - self._at > MAX_LINE or (end < 0 and len(self._buffer) - self._at > MAX_LINE + 1):
                raise _malformed()
            if end >= 0:
                line = self._buffer[self._at : end]
                self._at = end + 2
                return line
            if not await self._fill():
                if last and self._at == len(self._buffer):
                    return b""
                raise _incomplete()

    async def exactly(self, size: int) -> AsyncIterator[bytes]:
        while size:
            if self._at == len(self._buffer) and not await self._fill():
                raise _incomplete()
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            if piece:
                yield piece

    async def more(self) -> bool:
        """Whether bytes follow after what was read."""
        while self._at == len(self._buffer):
            if not await self._fill():
                return False
        return True

    async def _fill(self) -> bool:
        if self._pieces is None:
            self._pieces = aiter(self._body)
        piece = await anext(self._pieces, None)
        if piece is None:
            return False
        self._buffer = self._buffer[self._at :] + piece if self._at < len(self._buffer) else piece
        self._at = 0
        return True


def _incomplete() -> AwsError:
    return AwsError("IncompleteBody", "The request body terminated unexpectedly", 400)


def _malformed() -> AwsError:
    return AwsError("InvalidRequest", "The aws-chunked encoding of the request body is malformed.", 400)


def _malformed_trailer() -> AwsError:
    return AwsError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        400,
    )
