"""Keys as bytes that sort as DynamoDB sorts: strings by UTF-8, binaries by unsigned bytes, numbers by value."""

import zlib
from typing import Any

from stratus.services.dynamodb.numbers import significand
from stratus.services.dynamodb.values import decode_binary

_ZERO = b"\x80"


def encode(kind: str, content: Any) -> bytes:
    """The sortable bytes of a key attribute of type S, N or B, whose content is in canonical form."""
    if kind == "S":
        encoded: bytes = content.encode()
        return encoded
    if kind == "N":
        return encode_number(content)
    return decode_binary(content)


def encode_number(text: str) -> bytes:
    """A canonical number: sign, exponent, then two digits a byte; everything turned round where it is negative."""
    if text == "0":
        return _ZERO
    negative, digits, magnitude = significand(text)
    if len(digits) % 2:
        digits += "0"
    pairs = bytes(1 + int(digits[i : i + 2]) for i in range(0, len(digits), 2))
    if not negative:
        return bytes((0xC0, magnitude + 130)) + pairs
    return bytes((0x40, 125 - magnitude)) + bytes(255 - pair for pair in pairs) + b"\xff"


def partition(encoded: bytes) -> bytes:
    """The partition key as stored: led by a checksum, so that partitions spread and a scan divides into even segments."""
    return zlib.crc32(encoded).to_bytes(4, "big") + encoded


def after_prefix(prefix: bytes) -> bytes | None:
    """The least bytes that sort after everything that begins with `prefix`; None where nothing does."""
    stripped = prefix.rstrip(b"\xff")
    if not stripped:
        return None
    return stripped[:-1] + bytes((stripped[-1] + 1,))
