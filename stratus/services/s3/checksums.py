"""The digests of object bytes: MD5 for the ETag, and the checksum algorithms of `x-amz-checksum-*`.

Source: Amazon S3 User Guide, "Checking object integrity". S3 computes CRC-64/NVME when the client names no algorithm.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from awscrt import checksums as crt

from stratus.services.s3.errors import invalid_request
from stratus.wire.errors import AwsError

DEFAULT_ALGORITHM = "CRC64NVME"


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc:
    """A cyclic redundancy check, big-endian as S3 writes it."""

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class XxHash:
    def __init__(self, state: Any) -> None:
        self._state = state

    def update(self, data: bytes) -> None:
        self._state.update(data)

    def digest(self) -> bytes:
        return bytes(self._state.finalize())


DIGESTS: Mapping[str, Callable[[], Digest]] = {
    "CRC32": lambda: Crc(crt.crc32, 4),
    "CRC32C": lambda: Crc(crt.crc32c, 4),
    "CRC64NVME": lambda: Crc(crt.crc64nvme, 8),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
    "MD5": lambda: hashlib.md5(usedforsecurity=False),
    "XXHASH64": lambda: XxHash(crt.XXHash.new_xxhash64()),
    "XXHASH3": lambda: XxHash(crt.XXHash.new_xxhash3_64()),
    "XXHASH128": lambda: XxHash(crt.XXHash.new_xxhash3_128()),
}
COMBINERS: Mapping[str, Callable[[int, int, int], int]] = {
    "CRC32": crt.combine_crc32,
    "CRC32C": crt.combine_crc32c,
    "CRC64NVME": crt.combine_crc64nvme,
}
"""The algorithms whose checksum of a whole follows from those of its parts."""


def member(algorithm: str) -> str:
    """The API's name for a checksum: `ChecksumCRC32C`."""
    return f"Checksum{algorithm}"


MEMBERS = {member(algorithm): algorithm for algorithm in DIGESTS}


def header(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm.lower()}"


def known(algorithm: str) -> str:
    """The algorithm in upper case; raises InvalidRequest for one S3 does not have."""
    if algorithm.upper() not in DIGESTS:
        raise invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        )
    return algorithm.upper()


class Digests:
    """All digests of one stream of bytes."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._others = {algorithm: DIGESTS[algorithm]() for algorithm in algorithms}
        self._done: dict[str, str] = {}

    def update(self, data: bytes) -> None:
        self._md5.update(data)
        for digest in self._others.values():
            digest.update(data)

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    def checksums(self) -> dict[str, str]:
        """Base64 by algorithm; asked for when all bytes were seen."""
        if not self._done:
            self._done = {name: b64encode(digest.digest()).decode() for name, digest in self._others.items()}
        return self._done


class Expected:
    """What the client says the bytes it sends are: checksums in headers or announced as a trailer, and Content-MD5."""

    def __init__(self, params: Mapping[str, Any], trailer: str | None = None) -> None:
        self.md5 = _content_md5(params.get("ContentMD5"))
        self.given = {MEMBERS[name]: params[name] for name in MEMBERS.keys() & params.keys()}
        self.trailer = _trailer_algorithm(trailer)
        named = params.get("ChecksumAlgorithm")
        self._named = known(named) if named else None
        self._check()

    @property
    def algorithm(self) -> str:
        """The one algorithm of this object, S3's own choice if the client made none."""
        return self._chosen or DEFAULT_ALGORITHM

    @property
    def chosen(self) -> str | None:
        """The algorithm that the client chose."""
        return self._chosen

    def verify(self, digests: Digests, trailers: Mapping[str, str]) -> None:
        """Raises BadDigest or MalformedTrailerError unless the bytes are what the client said."""
        if self.md5 is not None and self.md5 != digests.md5:
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400)
        given = dict(self.given)
        if self.trailer is not None:
            value = trailers.get(header(self.trailer))
            if value is None:
                raise malformed_trailer()
            given[self.trailer] = valid_checksum(self.trailer, value)
        for algorithm, value in given.items():
            if digests.checksums()[algorithm] != value:
                raise bad_checksum(algorithm)

    def _check(self) -> None:
        if len(self.given) + (self.trailer is not None) > 1:
            raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        for algorithm, value in self.given.items():
            valid_checksum(algorithm, value)
        sent = next(iter(self.given), self.trailer)
        if sent is not None and self._named is not None and sent != self._named:
            raise invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")
        if sent is None and self._named is not None and self.md5 is None:
            raise invalid_request(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
            )
        self._chosen = sent


def malformed_trailer() -> AwsError:
    message = "The request contained trailing data that was not well-formed or did not conform to our published schema."
    return AwsError("MalformedTrailerError", message, 400)


def bad_checksum(algorithm: str) -> AwsError:
    message = f"The {algorithm} you specified did not match the calculated checksum."
    return AwsError("BadDigest", message, 400)


def valid_checksum(algorithm: str, value: str) -> str:
    """`value` if it is base64 of as many bytes as the algorithm makes; raises InvalidRequest."""
    size = len(DIGESTS[algorithm]().digest())
    if _base64_of(value, size) is None:
        raise invalid_request(f"Value for {header(algorithm)} header is invalid.")
    return value


def of_parts(algorithm: str, checksums: list[str]) -> str:
    """A composite checksum: the checksum of the parts' checksums, and how many there were."""
    digest = DIGESTS[algorithm]()
    for checksum in checksums:
        digest.update(b64decode(checksum))
    return f"{b64encode(digest.digest()).decode()}-{len(checksums)}"


def of_whole(algorithm: str, parts: list[tuple[str, int]]) -> str:
    """The checksum of a whole object from its parts' checksums and sizes, without reading a byte."""
    combine = COMBINERS[algorithm]
    size = len(DIGESTS[algorithm]().digest())
    value = 0
    for checksum, length in parts:
        value = combine(value, int.from_bytes(b64decode(checksum), "big"), length)
    return b64encode(value.to_bytes(size, "big")).decode()


def _content_md5(value: str | None) -> bytes | None:
    if value is None:
        return None
    digest = _base64_of(value, 16)
    if digest is None:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400)
    return digest


def _trailer_algorithm(trailer: str | None) -> str | None:
    if trailer is None:
        return None
    name = trailer.strip().lower()
    for algorithm in DIGESTS:
        if name == header(algorithm):
            return algorithm
    raise invalid_request("The value specified in the x-amz-trailer header is not supported")


def _base64_of(value: str, size: int) -> bytes | None:
    try:
        decoded = b64decode(value, validate=True)
    except (Base64Error, ValueError):
        return None
    return decoded if len(decoded) == size else None
