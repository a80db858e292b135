"""ListObjectVersions."""

from itertools import islice
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3 import versions
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.errors import invalid_argument
from stratus.services.s3.listing import CommonPrefix, Entry, walk_versions
from stratus.services.s3.operations.get_object import moment
from stratus.services.s3.operations.list_objects import ListObjects, as_bytes, listed, page_size
from stratus.services.s3.permissions import on_listing
from stratus.services.s3.version_ids import checked_version_id
from stratus.services.s3.versions import Version


class ListObjectVersions(ListObjects):
    @operation("ListObjectVersions", on_listing("s3:ListBucketVersions"))
    async def list_object_versions(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        limit = page_size(params)
        prefix, delimiter = params.get("Prefix") or "", params.get("Delimiter") or ""
        found = walk_versions(
            self.database.reader,
            bucket.id,
            as_bytes(prefix, "prefix"),
            as_bytes(delimiter, "delimiter"),
            self._marker(bucket, params),
        )
        entries = list(islice(found, limit + 1)) if limit else []
        truncated, entries = len(entries) > limit, entries[:limit]
        result: dict[str, Any] = {
            "Name": bucket.name,
            "Prefix": self.write_key(call, prefix),
            "KeyMarker": self.write_key(call, params.get("KeyMarker") or ""),
            "VersionIdMarker": params.get("VersionIdMarker") or "",
            "MaxKeys": limit,
            "IsTruncated": truncated,
            "Versions": [self._version(call, one) for one in _versions(entries) if not one.marker],
            "DeleteMarkers": [self._delete_marker(call, one) for one in _versions(entries) if one.marker],
            "CommonPrefixes": self.common_prefixes(call, entries),
        }
        if truncated:
            result |= self._next_markers(call, entries[-1])
        return result | self.asked_for(call)

    def _marker(self, bucket: Bucket, params: dict[str, Any]) -> tuple[bytes, int | None] | None:
        key, version_id = params.get("KeyMarker"), params.get("VersionIdMarker")
        if version_id and not key:
            message = "A version-id marker cannot be specified without a key marker."
            raise invalid_argument(message, "version-id-marker", version_id)
        if not key:
            return None
        encoded = as_bytes(key, "key-marker")
        if not version_id:
            return encoded, None
        found = versions.by_id(self.database.reader, bucket.id, encoded, checked_version_id(version_id))
        # Deleted meanwhile, as by a client that deletes page by page: what is left of the key comes (again).
        return encoded, found.seq if found else versions.NEWEST

    def _next_markers(self, call: Call, last: Entry) -> dict[str, str]:
        if isinstance(last, CommonPrefix):
            return {"NextKeyMarker": self.write_key(call, last.prefix.decode())}
        return {"NextKeyMarker": self.write_key(call, last.name), "NextVersionIdMarker": last.id}

    def _version(self, call: Call, version: Version) -> dict[str, Any]:
        named = {"Key": self.write_key(call, version.name), "VersionId": version.id, "IsLatest": version.latest}
        return {**named, **listed(version), "Owner": self.owner()}

    def _delete_marker(self, call: Call, marker: Version) -> dict[str, Any]:
        return {
            "Key": self.write_key(call, marker.name),
            "VersionId": marker.id,
            "IsLatest": marker.latest,
            "LastModified": moment(marker.modified),
            "Owner": self.owner(),
        }


def _versions(entries: list[Entry]) -> list[Version]:
    return [entry for entry in entries if isinstance(entry, Version)]
