"""Bytes on their way in: counted, digested, sealed and on disk before any record of them is made."""

import errno
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

from stratus.services.s3.checksums import Digests
from stratus.storage.objects import ObjectFiles, Writer
from stratus.storage.sealing import Seal
from stratus.wire.errors import AwsError
from stratus.wire.message import BodyIncomplete, Request, TrailedBody

SMALL = 64 * 1024
"""Up to here bytes lie in the database, where one sync serves many of them; files pay where they are streamed."""
MAX_PUT = 5 * 1024**3


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that wait for their record: sealed in `small`, or already on disk as `file`."""

    size: int
    small: bytes | None = None
    file: str | None = None


def declared_length(request: Request | None) -> int | None:
    """How many bytes the client says it sends, without the framing of `aws-chunked`; None for calls inside the process."""
    if request is None:
        return None
    sent = request.headers.get("x-amz-decoded-content-length") or request.headers.get("content-length")
    if sent is None and "transfer-encoding" in request.headers:
        message = "A header you provided implies functionality that is not implemented"
        raise AwsError("NotImplemented", message, 501, members={"Header": "Transfer-Encoding"})
    if sent is None or not sent.isascii() or not sent.isdigit():
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    length = int(sent)
    if length > MAX_PUT:
        raise too_large(length)
    return length


async def receive(source: Any, length: int | None, digests: Digests, files: ObjectFiles, seal: Seal) -> Stored:
    """Takes in all bytes of `source` (bytes, a Body, any async iterator of bytes, or None).

    Raises IncompleteBody, EntityTooLarge, ServiceUnavailable (a full disk), and whatever reading `source` raises; in
    each case nothing remains.
    """
    if source is None or isinstance(source, bytes | bytearray):
        source = _once(bytes(source or b""))
    try:
        stored = await _take_in(cast(AsyncIterator[bytes], source), digests, files, seal)
    except BodyIncomplete:
        raise incomplete() from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise disk_full() from error
        raise
    if length is not None and stored.size != length:
        if stored.file is not None:
            files.discard([stored.file])
            files.recorded(stored.file)
        raise incomplete()
    return stored


def trailers_of(body: Any) -> dict[str, str]:
    return dict(body.trailers.fields) if isinstance(body, TrailedBody) else {}


async def _take_in(source: AsyncIterator[bytes], digests: Digests, files: ObjectFiles, seal: Seal) -> Stored:
    gathered: list[bytes] = []
    size = 0
    writer: Writer | None = None
    try:
        async for data in source:
            size += len(data)
            if size > MAX_PUT:
                raise too_large(size)
            if writer is not None:
                await writer.write(data)
                continue
            gathered.append(data)
            if size > SMALL:
                writer = files.create(digests.update)
                await writer.write(b"".join(gathered))
        if writer is None:
            small = b"".join(gathered)
            digests.update(small)
            return Stored(size, small=seal.close(small))
        await writer.finish()
    except BaseException:
        if writer is not None:
            files.abandon(writer)
        raise
    return Stored(size, file=writer.file_id)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def incomplete() -> AwsError:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return AwsError("IncompleteBody", message, 400)


def too_large(size: int) -> AwsError:
    members = {"ProposedSize": str(size), "MaxSizeAllowed": str(MAX_PUT)}
    return AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400, members=members)


def disk_full() -> AwsError:
    message = "This machine's disk is full: nothing was stored. Make room, then try again."
    return AwsError("ServiceUnavailable", message, 503)
