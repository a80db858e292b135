"""The body under a signature: what `x-amz-content-sha256` says about it, and bodies that check it while they are read.

A body that fails its check raises AwsError before it ends, so whoever stores it must not show it before the iteration is over.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from stratus.iam.failures import Failure, Family, failure
from stratus.iam.sigv4.aws_chunked import ChunkedBody, ChunkSigner
from stratus.iam.sigv4.canonical import Fields
from stratus.iam.sigv4.claim import Claim
from stratus.iam.sigv4.verify import same
from stratus.wire.errors import AwsError
from stratus.wire.message import Body, Request

UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_CHUNKS_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING = (SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, UNSIGNED_CHUNKS_TRAILER)

MAX_DECODED_LENGTH = 5 * 1024**4
LARGE_BODY = 1024 * 1024
_HEX = frozenset("0123456789abcdef")


def s3_payload_hash(claim: Claim | None, fields: Fields) -> str:
    """What stands in the canonical request for the body: a SHA-256, or the name of the way it is signed."""
    given = fields.get("x-amz-content-sha256")
    if given is None:
        if claim is None or claim.presigned:
            return UNSIGNED
        raise AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400)
    if given == UNSIGNED or given in STREAMING or (len(given) == 64 and _HEX.issuperset(given)):
        return given
    if given.startswith("STREAMING-AWS4-ECDSA-P256-SHA256"):
        raise AwsError("NotImplemented", f"Stratus does not implement Signature Version 4A ({given[:64]}).", 501)
    raise AwsError(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        400,
        members={"ArgumentName": "x-amz-content-sha256", "ArgumentValue": given[:256]},
    )


def s3_body(request: Request, fields: Fields, payload_hash: str, claim: Claim | None, key: bytes | None) -> Body:
    """The body as S3 stores it, checked while it is read. `claim` and `key` are None for an anonymous request."""
    if payload_hash == UNSIGNED:
        return request.body
    if payload_hash not in STREAMING:
        return HashedBody(request.body, payload_hash)
    signer = None
    if payload_hash != UNSIGNED_CHUNKS_TRAILER:
        if claim is None or key is None:
            raise failure(Family.S3, Failure.MISSING)
        signer = ChunkSigner(key, claim.signed_at, claim.scope, claim.signature)
    return ChunkedBody(
        request.body,
        length=_decoded_length(fields),
        signer=signer,
        expected_trailers=_announced_trailers(fields) if payload_hash != SIGNED_CHUNKS else (),
    )


def _decoded_length(fields: Fields) -> int:
    text = fields.get("x-amz-decoded-content-length")
    if text is None:
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    if not (text.isdigit() and text.isascii() and len(text) < 16) or int(text) > MAX_DECODED_LENGTH:
        raise AwsError("InvalidArgument", "x-amz-decoded-content-length must be a number of bytes.", 400)
    return int(text)


def _announced_trailers(fields: Fields) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in fields.get("x-amz-trailer", "").split(",") if name.strip())


class HashedBody:
    """A body whose SHA-256 was signed; reading it to the end raises XAmzContentSHA256Mismatch when it is another."""

    __slots__ = ("_body", "_expected")

    def __init__(self, body: Body, expected: str) -> None:
        self._body = body
        self._expected = expected

    async def read(self, limit: int) -> bytes:
        data = await self._body.read(limit)
        self._check(await sha256_of(data))
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        digest = hashlib.sha256()
        async for piece in self._body:
            digest.update(piece)
            yield piece
        self._check(digest.hexdigest())

    def _check(self, computed: str) -> None:
        if not same(self._expected, computed):
            raise failure(
                Family.S3,
                Failure.BODY_MISMATCH,
                ClientComputedContentSHA256=self._expected,
                S3ComputedContentSHA256=computed,
            )


async def sha256_of(data: bytes) -> str:
    """The digest of a whole body, in hexadecimal; a large one is hashed in a thread, where it holds up nobody else."""
    if len(data) > LARGE_BODY:
        return await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
    return hashlib.sha256(data).hexdigest()
