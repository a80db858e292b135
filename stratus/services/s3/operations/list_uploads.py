"""ListMultipartUploads."""

from itertools import islice
from typing import Any

import orjson

from stratus.service import Call, Result, operation
from stratus.services.s3.errors import invalid_argument
from stratus.services.s3.keys import after_prefix
from stratus.services.s3.listing import CommonPrefix, UploadPosition, UploadRow, roll_up, walk_uploads
from stratus.services.s3.operations.get_object import moment
from stratus.services.s3.operations.list_objects import MOST_KEYS, ListObjects, as_bytes
from stratus.services.s3.permissions import on_listing


class ListMultipartUploads(ListObjects):
    @operation("ListMultipartUploads", on_listing("s3:ListBucketMultipartUploads"))
    async def list_multipart_uploads(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        limit = min(params.get("MaxUploads", MOST_KEYS), MOST_KEYS)
        if limit < 1:
            message = "Argument max-uploads must be an integer between 1 and 2147483647"
            raise invalid_argument(message, "max-uploads", limit)
        prefix, delimiter = (
            as_bytes(params.get("Prefix") or "", "prefix"),
            as_bytes(params.get("Delimiter") or "", "delimiter"),
        )
        after = self._upload_position(bucket.id, params, delimiter, prefix)
        found = list(islice(walk_uploads(self.database.reader, bucket.id, prefix, delimiter, after), limit + 1))
        truncated, found = len(found) > limit, found[:limit]
        result: dict[str, Any] = {
            "Bucket": bucket.name,
            "KeyMarker": self.write_key(call, params.get("KeyMarker") or ""),
            "UploadIdMarker": params.get("UploadIdMarker") or "",
            "Prefix": self.write_key(call, params.get("Prefix") or ""),
            "MaxUploads": limit,
            "IsTruncated": truncated,
            "Uploads": [self._listed(call, row) for row in found if not isinstance(row, CommonPrefix)],
            "CommonPrefixes": self.common_prefixes(call, found),
        }
        if truncated:
            last = found[-1]
            key = last.prefix if isinstance(last, CommonPrefix) else last[0]
            result["NextKeyMarker"] = self.write_key(call, key.decode())
            result["NextUploadIdMarker"] = "" if isinstance(last, CommonPrefix) else last[2]
        return result | self.asked_for(call)

    def _upload_position(self, bucket: int, params: dict[str, Any], delimiter: bytes, prefix: bytes) -> UploadPosition:
        """Where to begin: uploads of the key marker itself count only behind the upload id marker."""
        key, upload_id = as_bytes(params.get("KeyMarker") or "", "key-marker"), params.get("UploadIdMarker")
        if key < prefix:
            return prefix, -1, ""
        if delimiter and roll_up(key, prefix, delimiter) == key:
            return after_prefix(key) or key, -1, ""
        if key and not upload_id:
            return key + b"\0", -1, ""
        row = self.database.reader.execute(
            "SELECT started FROM uploads WHERE id = ? AND bucket = ?", (upload_id, bucket)
        ).fetchone()
        return (key, row[0], upload_id or "") if row else (key, -1, "")

    def _listed(self, call: Call, row: UploadRow) -> dict[str, Any]:
        key, started, upload_id, stored = row
        meta = orjson.loads(stored)
        return {
            "Key": self.write_key(call, key.decode()),
            "UploadId": upload_id,
            "Initiated": moment(started),
            "StorageClass": meta["Object"].get("StorageClass", "STANDARD"),
            "Owner": self.owner(),
            "Initiator": {"ID": meta["Initiator"]},
            "ChecksumAlgorithm": meta["Algorithm"],
            "ChecksumType": meta["ChecksumType"],
        }
