"""Response compression for APIs with a minimum compression size, and requests that come compressed.

Source: API Gateway Developer Guide, "Payload compression for REST APIs".
"""

import asyncio
import gzip
import zlib

from stratus.services.apigateway.errors import GatewayError, too_large
from stratus.wire.message import Request, Response

IN_THREAD = 64 * 1024
"""Bytes from which on compressing would hold the event loop up."""
_WINDOW = {"gzip": 31, "deflate": 15}


async def compressed(request: Request, response: Response, minimum: int) -> None:
    """Compresses the response in place where it is large enough and the client takes gzip."""
    body = response.body
    if not isinstance(body, bytes) or len(body) < max(1, minimum) or not _accepts_gzip(request):
        return
    if any(name.lower() == "content-encoding" for name, _ in response.headers):
        return
    if len(body) >= IN_THREAD:
        response.body = await asyncio.to_thread(gzip.compress, body, 6)
    else:
        response.body = gzip.compress(body, 6)
    response.headers.append(("content-encoding", "gzip"))


def decompressed(request: Request, body: bytes, limit: int) -> bytes:
    """The request's body without its content coding; never more than `limit` bytes."""
    coding = (request.headers.get("content-encoding") or "identity").strip().lower()
    if coding == "identity" or not body:
        return body
    if coding not in _WINDOW:
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE", "Unsupported Content-Encoding", "UnsupportedMediaTypeException")
    reader = zlib.decompressobj(_WINDOW[coding])
    try:
        data = reader.decompress(body, limit + 1)
    except zlib.error:
        raise GatewayError("DEFAULT_4XX", "Bad Request", "BadRequestException", 400) from None
    if len(data) > limit:
        raise too_large()
    return data


def _accepts_gzip(request: Request) -> bool:
    for item in (request.headers.get("accept-encoding") or "").lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
