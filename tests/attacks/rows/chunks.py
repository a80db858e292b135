"""Uploads in signed chunks (`aws-chunked`)"""

import base64
import hashlib
import zlib
from typing import Any

import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.attacks.answers import seen
from tests.attacks.table import attack
from tests.attacks.world import World

CHUNK = 8192
FIRST, SECOND = b"a" * CHUNK, b"b" * 100
EMPTY = hashlib.sha256(b"").hexdigest()


class Upload(S3SigV4Auth):
    """Signs an upload and, one after the other, its chunks."""

    def __init__(self, world: World, mode: str, **headers: str) -> None:
        super().__init__(world.keys_of(world.stranger), "s3", world.region)
        self.mode = mode
        self.key = f"{world.stranger.folder}{world.name('upload')}"
        self.world = world
        headers = {"x-amz-decoded-content-length": str(len(FIRST + SECOND)), **headers}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.request = AWSRequest("PUT", world.url_of(self.key), headers=headers)
        self.add_auth(self.request)
        self.previous = self.request.headers["Authorization"].rpartition("=")[2]

    def payload(self, request: AWSRequest) -> str:
        return self.mode

    def chunk(self, data: bytes, sent: bytes | None = None) -> bytes:
        """A chunk as sent; with `sent`, the bytes that go out under the signature of others."""
        digest = hashlib.sha256(data).hexdigest()
        scope = self.credential_scope(self.request)
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{self.request.context['timestamp']}\n{scope}\n{self.previous}\n{EMPTY}\n{digest}"
        self.previous = self.signature(text, self.request)
        body = data if sent is None else sent
        return b"%x;chunk-signature=%s\r\n%s\r\n" % (len(body), self.previous.encode(), body)

    def send(self, *chunks: bytes) -> str:
        """The answer to the upload. One that was refused must have left nothing behind."""
        answer = httpx.put(str(self.request.url), headers=dict(self.request.headers.items()), content=b"".join(chunks))
        if answer.status_code != 200:
            try:
                self.world.stranger.s3.head_object(Bucket=self.world.bucket, Key=self.key)
            except ClientError:
                pass
            else:
                return f"{seen(answer)}, and yet it is stored"
        return seen(answer)


def _signed(world: World, **headers: str) -> Upload:
    return Upload(world, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", **headers)


def _trailed(world: World, checksum: bytes, **headers: str) -> tuple[Upload, bytes]:
    """An upload with unsigned chunks, and its body with this CRC-32 at its end."""
    upload = Upload(world, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", **{"x-amz-trailer": "x-amz-checksum-crc32", **headers})
    data = FIRST + SECOND
    return upload, b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % (len(data), data, base64.b64encode(checksum))


@attack("200")
def control_signed_chunks(world: World) -> Any:
    """Nothing wrong, for comparison: every chunk signed in turn."""
    upload = _signed(world)
    return upload.send(upload.chunk(FIRST), upload.chunk(SECOND), upload.chunk(b""))


@attack("403 SignatureDoesNotMatch")
def bytes_changed(world: World) -> Any:
    """Changes one byte of the second chunk on the way."""
    upload = _signed(world)
    return upload.send(upload.chunk(FIRST), upload.chunk(SECOND, sent=b"c" + SECOND[1:]), upload.chunk(b""))


@attack("403 SignatureDoesNotMatch")
def chunks_swapped(world: World) -> Any:
    """Swaps two chunks of equal length."""
    upload = _signed(world, x_amz_decoded_content_length=str(2 * CHUNK))
    first, second = upload.chunk(FIRST), upload.chunk(b"b" * CHUNK)
    return upload.send(second, first, upload.chunk(b""))


@attack("403 SignatureDoesNotMatch")
def chunk_left_out(world: World) -> Any:
    """Leaves the first chunk out."""
    upload = _signed(world, x_amz_decoded_content_length=str(len(SECOND)))
    upload.chunk(FIRST)
    return upload.send(upload.chunk(SECOND), upload.chunk(b""))


@attack("400 IncompleteBody")
def end_left_out(world: World) -> Any:
    """Ends the body before the last, empty chunk, which is signed too."""
    upload = _signed(world)
    return upload.send(upload.chunk(FIRST), upload.chunk(SECOND))


@attack("403 SignatureDoesNotMatch")
def end_unsigned(world: World) -> Any:
    """Sends a last chunk without a signature."""
    upload = _signed(world)
    return upload.send(upload.chunk(FIRST), upload.chunk(SECOND), b"0\r\n\r\n")


@attack("400 IncompleteBody")
def more_than_announced(world: World) -> Any:
    """Sends more bytes than x-amz-decoded-content-length says."""
    upload = _signed(world, x_amz_decoded_content_length=str(len(FIRST)))
    return upload.send(upload.chunk(FIRST), upload.chunk(SECOND), upload.chunk(b""))


@attack("411 MissingContentLength")
def no_length_announced(world: World) -> Any:
    """Sends chunks without x-amz-decoded-content-length."""
    upload = _signed(world)
    del upload.request.headers["x-amz-decoded-content-length"]
    upload.add_auth(upload.request)
    return upload.send(upload.chunk(FIRST), upload.chunk(b""))


@attack({"ffffffffffffffffffff": "400 InvalidRequest", "-1": "400 InvalidRequest", "1e3": "400 IncompleteBody"})
def wrong_chunk_size(world: World, size: str) -> Any:
    """Gives a chunk the size {}."""
    upload, _ = _trailed(world, b"1234")
    return upload.send(b"%s\r\n%s\r\n0\r\n\r\n" % (size.encode(), SECOND))


@attack("400 BadDigest")
def wrong_trailing_checksum(world: World) -> Any:
    """Sends a checksum after the body that is not the body's."""
    upload, body = _trailed(world, b"\0\0\0\0")
    return upload.send(body)


@attack("200")
def control_right_trailing_checksum(world: World) -> Any:
    """Nothing wrong, for comparison: unsigned chunks and the right checksum after them."""
    upload, body = _trailed(world, zlib.crc32(FIRST + SECOND).to_bytes(4, "big"))
    return upload.send(body)


@attack("400 MalformedTrailerError")
def other_trailer_than_announced(world: World) -> Any:
    """Announces one checksum and sends another."""
    upload, body = _trailed(world, zlib.crc32(FIRST + SECOND).to_bytes(4, "big"), x_amz_trailer="x-amz-checksum-sha256")
    return upload.send(body)


@attack("400 XAmzContentSHA256Mismatch")
def other_body_than_hashed(world: World) -> Any:
    """Sends another body than the one whose hash is signed."""
    upload = Upload(world, hashlib.sha256(b"right").hexdigest())
    return upload.send(b"wrong")


@attack("403 AccessDenied")
def anonymous_signed_chunks(world: World) -> Any:
    """Says that chunks are signed, in a request that is not."""
    headers = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": "1",
        "content-encoding": "aws-chunked",
    }
    return httpx.put(f"{world.endpoint}/{world.bucket}/anonymous", headers=headers, content=b"1\r\na\r\n0\r\n\r\n")
