"""The canonical request of Signature Version 4.

Source: "Create a signed AWS API request" (IAM User Guide). Texts are the wire's bytes, each as one character (Latin-1): whatever
has another character in it did not come over the wire, and raises UnicodeEncodeError.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

Fields = Mapping[str, str]
"""Header fields by lower-case name; a repeated field's values stand joined by commas, as they are signed."""

_UNRESERVED = "-_.~"


def fields_of(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Header fields as `Fields`; names are lower case already."""
    fields = dict(headers)
    if len(fields) == len(headers):
        return fields
    fields.clear()
    for name, value in headers:
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    return fields


def s3_path(path: str) -> str:
    """S3 signs the path encoded once and not normalised: `//` and `..` are part of a key."""
    return quote_from_bytes(unquote_to_bytes(path.encode("latin-1")), safe="/" + _UNRESERVED) or "/"


def normalised_path(path: str) -> str:
    """Every other service normalises the path as sent (RFC 3986, section 6) and encodes it once more."""
    if path in ("", "/"):
        return "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return quote("/" + "/".join(kept) + slash, safe="/" + _UNRESERVED, encoding="latin-1", errors="strict")


def canonical_query(query: str, *, without: str | None = None) -> str:
    """Parameters decoded, encoded anew and sorted by name, then value; `without` names the one left out."""
    if not query:
        return ""
    pairs = []
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            if name != without:
                pairs.append((_reencoded(name), _reencoded(value)))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _reencoded(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    raw = unquote_to_bytes(text.replace("+", " ").encode("latin-1"))
    return quote_from_bytes(raw, safe=_UNRESERVED)


def canonical_headers(fields: Fields, names: Iterable[str]) -> str:
    """`name:value` lines of the signed headers. Raises KeyError when one of them was not sent."""
    return "".join([f"{name}:{_trimmed(fields[name])}\n" for name in names])


def _trimmed(value: str) -> str:
    if "  " in value or "\t" in value:
        return " ".join(value.split())
    return value.strip()


def canonical_request(
    method: str, path: str, query: str, headers: str, signed_headers: str, payload_hash: str
) -> bytes:
    return f"{method}\n{path}\n{query}\n{headers}\n{signed_headers}\n{payload_hash}".encode("latin-1")
