"""`x-amz-copy-source`: which object, and which version of it, to copy."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from stratus.services.s3.errors import invalid_argument, refused


@dataclass(frozen=True, slots=True)
class CopySource:
    bucket: str
    key: str
    version_id: str | None = None

    @classmethod
    def parse(cls, header: Any) -> "CopySource":
        """From the header (`bucket/key?versionId=...`, percent-encoded, decoded once) or the SDK's dict.

        Raises InvalidArgument for what names no object, NotImplemented for access point ARNs.
        """
        if isinstance(header, dict):
            return cls(header["Bucket"], header["Key"], header.get("VersionId"))
        path, _, query = header.removeprefix("/").partition("?")
        if path.startswith("arn:"):
            raise refused("copies from access points (x-amz-copy-source with an ARN)")
        try:
            bucket, _, key = unquote_to_bytes(path).decode().partition("/")
        except UnicodeError:
            bucket, key = "", ""
        if not bucket or not key:
            raise _invalid(header)
        if not query:
            return cls(bucket, key)
        name, _, version_id = query.partition("=")
        if name != "versionId" or not version_id:
            raise _invalid(header)
        return cls(bucket, key, version_id)


def _invalid(header: str) -> Exception:
    return invalid_argument(
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", header
    )
