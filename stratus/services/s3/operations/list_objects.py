"""ListObjectsV2 and ListObjects."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from itertools import islice
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3.base import S3Base
from stratus.services.s3.errors import invalid_argument
from stratus.services.s3.keys import url_encoded
from stratus.services.s3.listing import CommonPrefix, Entry, walk
from stratus.services.s3.operations.get_object import moment
from stratus.services.s3.permissions import on_listing
from stratus.services.s3.versions import Version

MOST_KEYS = 1000


class ListObjects(S3Base):
    @operation("ListObjectsV2", on_listing("s3:ListBucket"))
    async def list_objects_v2(self, call: Call) -> Result:
        params = call.params
        token, start_after = params.get("ContinuationToken"), params.get("StartAfter")
        after = _read_token(token) if token is not None else _optional_bytes(start_after)
        result, entries = self._page(call, after)
        result["KeyCount"] = len(entries)
        if token is not None:
            result["ContinuationToken"] = token
        if start_after is not None:
            result["StartAfter"] = self.write_key(call, start_after)
        if result["IsTruncated"]:
            result["NextContinuationToken"] = _write_token(_last_key(entries))
        if params.get("FetchOwner"):
            for content in result["Contents"]:
                content["Owner"] = self.owner()
        return result

    @operation("ListObjects", on_listing("s3:ListBucket"))
    async def list_objects(self, call: Call) -> Result:
        marker = call.params.get("Marker")
        result, entries = self._page(call, _optional_bytes(marker))
        result["Marker"] = self.write_key(call, marker or "")
        if result["IsTruncated"] and call.params.get("Delimiter"):
            result["NextMarker"] = self.write_key(call, _last_key(entries).decode())
        for content in result["Contents"]:
            content["Owner"] = self.owner()
        return result

    def owner(self) -> dict[str, str]:
        return {"ID": self.canonical_id}

    def _page(self, call: Call, after: bytes | None) -> tuple[dict[str, Any], list[Entry]]:
        bucket, params = self.bucket(call), call.params
        limit = page_size(params)
        prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
        found = walk(
            self.database.reader, bucket.id, as_bytes(prefix, "prefix"), as_bytes(delimiter, "delimiter"), after
        )
        entries = list(islice(found, limit + 1)) if limit else []
        truncated, entries = len(entries) > limit, entries[:limit]
        result: dict[str, Any] = {
            "Name": bucket.name,
            "Prefix": self.write_key(call, prefix),
            "MaxKeys": limit,
            "IsTruncated": truncated,
            "Contents": [self._content(call, entry) for entry in entries if isinstance(entry, Version)],
            "CommonPrefixes": self.common_prefixes(call, entries),
        }
        return result | self.asked_for(call), entries

    def common_prefixes(self, call: Call, entries: Iterable[object]) -> list[dict[str, str]]:
        found = (entry.prefix.decode() for entry in entries if isinstance(entry, CommonPrefix))
        return [{"Prefix": self.write_key(call, prefix)} for prefix in found]

    def asked_for(self, call: Call) -> dict[str, Any]:
        """What a listing repeats of its request."""
        params, result = call.params, {}
        if params.get("Delimiter"):
            result["Delimiter"] = self.write_key(call, params["Delimiter"])
        if params.get("EncodingType"):
            result["EncodingType"] = params["EncodingType"]
        return result

    def _content(self, call: Call, version: Version) -> dict[str, Any]:
        return {"Key": self.write_key(call, version.name), **listed(version)}

    def write_key(self, call: Call, text: str) -> str:
        return url_encoded(text) if call.params.get("EncodingType") == "url" else text


def listed(version: Version) -> dict[str, Any]:
    """What listings say of one version."""
    algorithms = [
        name.removeprefix("Checksum") for name in version.meta if name.startswith("Checksum") and name != "ChecksumType"
    ]
    return {
        "LastModified": moment(version.modified),
        "ETag": f'"{version.etag}"',
        "Size": version.size,
        "StorageClass": version.meta.get("StorageClass", "STANDARD"),
        "ChecksumAlgorithm": algorithms,
        "ChecksumType": version.meta.get("ChecksumType", "FULL_OBJECT"),
    }


def page_size(params: dict[str, Any]) -> int:
    """`max-keys`, at most 1,000; raises InvalidArgument for what is no such number."""
    if params.get("EncodingType") not in (None, "url"):
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", params["EncodingType"])
    wanted: int = params.get("MaxKeys", MOST_KEYS)
    if not 0 <= wanted <= 2**31 - 1:
        message = "Argument maxKeys must be an integer between 0 and 2147483647"
        raise invalid_argument(message, "maxKeys", wanted)
    return min(wanted, MOST_KEYS)


def as_bytes(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise invalid_argument("Invalid UTF-8", name, ascii(text)) from None


def _optional_bytes(text: str | None) -> bytes | None:
    return as_bytes(text, "marker") if text else None


def _last_key(entries: list[Entry]) -> bytes:
    last = entries[-1]
    return last.prefix if isinstance(last, CommonPrefix) else last.key


def _write_token(key: bytes) -> str:
    return urlsafe_b64encode(b"\x01" + key).decode()


def _read_token(token: str) -> bytes:
    try:
        decoded = urlsafe_b64decode(token.encode())
    except (Base64Error, ValueError):
        decoded = b""
    if decoded[:1] != b"\x01":
        raise invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    return decoded[1:]
