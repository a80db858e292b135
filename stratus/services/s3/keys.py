"""Object keys: any UTF-8 of 1 to 1,024 bytes, taken literally (`../` is three characters like any other)."""

from urllib.parse import quote_plus

from stratus.wire.errors import AwsError

MAX_KEY_BYTES = 1024


def key_bytes(key: str) -> bytes:
    """The key as stored and ordered; raises InvalidURI for what is no UTF-8, KeyTooLongError past 1,024 bytes."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError:
        raise AwsError("InvalidURI", "Couldn't parse the specified URI.", 400) from None
    if len(encoded) > MAX_KEY_BYTES:
        members = {"Size": str(len(encoded)), "MaxSizeAllowed": str(MAX_KEY_BYTES)}
        raise AwsError("KeyTooLongError", "Your key is too long", 400, members=members)
    return encoded


def url_encoded(text: str) -> str:
    """As listings write keys for `encoding-type=url`: form encoding that leaves `/` and `*` readable."""
    return quote_plus(text, safe="/*").replace("~", "%7E")


def after_prefix(prefix: bytes) -> bytes | None:
    """The first key behind all keys that begin with `prefix`; None when there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None
