"""DeleteObject and DeleteObjects."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stratus.service import Access, Call, Result, operation
from stratus.services.s3 import conditionals, versions
from stratus.services.s3.base import S3Base
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.documents import document
from stratus.services.s3.errors import access_denied, malformed_xml, need
from stratus.services.s3.keys import key_bytes
from stratus.services.s3.object_headers import refuse_unsupported
from stratus.services.s3.operations.put_object import add_delete_marker
from stratus.services.s3.permissions import common, object_arn, on_object, tags_of
from stratus.services.s3.version_ids import checked_version_id
from stratus.wire.errors import AwsError

MAX_KEYS = 1000
BATCH = 50


@dataclass(slots=True)
class Outcome:
    """What became of the keys of one DeleteObjects."""

    deleted: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


def on_each_key(service: S3Base, call: Call) -> Iterable[Access]:
    """DeleteObjects is decided key by key, and says AccessDenied in its answer."""
    service.bucket(call)
    return ()


class DeleteObject(S3Base):
    @operation("DeleteObject", on_object("s3:DeleteObject", versioned="s3:DeleteObjectVersion"))
    async def delete_object(self, call: Call) -> Result:
        refuse_unsupported(call.params)
        bucket = self.bucket(call)
        return await self.delete(call, bucket, call.params)

    @operation("DeleteObjects", on_each_key)
    async def delete_objects(self, call: Call) -> Result:
        """Deletes up to 1,000 keys; each has its own result, and a failure of one is no failure of the others."""
        refuse_unsupported(call.params)
        bucket, wanted = self.bucket(call), need(document(call, "Delete"), "Objects")
        targets = [need(target, "Key") for target in wanted["Objects"]]
        if not 1 <= len(targets) <= MAX_KEYS or not all(target["Key"] for target in targets):
            raise malformed_xml()
        outcome = Outcome()
        for start in range(0, len(targets), BATCH):
            await self._delete_batch(call, bucket, targets[start : start + BATCH], outcome)
        return {"Deleted": [] if wanted.get("Quiet") else outcome.deleted, "Errors": outcome.errors}

    async def _delete_batch(self, call: Call, bucket: Bucket, targets: list[dict[str, Any]], outcome: Outcome) -> None:
        def delete_all(connection: sqlite3.Connection) -> tuple[None, list[str]]:
            unused: list[str] = []
            for target in targets:
                named = {name: target[name] for name in ("Key", "VersionId") if target.get(name)}
                try:
                    self._check_allowed(call, bucket, target)
                    result, files = self._delete_one(connection, call, bucket, _conditions(target))
                except AwsError as error:
                    outcome.errors.append({**named, "Code": error.code, "Message": error.message})
                else:
                    unused += files
                    outcome.deleted.append({**named, **_told(result)})
            return None, unused

        await self.change(delete_all)

    async def delete(self, call: Call, bucket: Bucket, target: dict[str, Any]) -> dict[str, Any]:
        return await self.change(lambda connection: self._delete_one(connection, call, bucket, target))

    def _delete_one(
        self, connection: sqlite3.Connection, call: Call, bucket: Bucket, target: dict[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """Deletes one version for good, or, without a version id, puts a delete marker where versions are kept."""
        refuse_unsupported(target)
        self.bucket_still_exists(connection, bucket)
        key, version_id = key_bytes(target["Key"]), target.get("VersionId")
        if version_id is not None:
            return _delete_version(connection, bucket, key, checked_version_id(version_id), target)
        latest = versions.current(connection, bucket.id, key)
        conditionals.check_delete(target, latest)
        if bucket.versioning is None:
            return {}, versions.remove(connection, bucket.id, latest) if latest else []
        marker, unused = add_delete_marker(connection, bucket, key, self.next_seq(), int(call.now))
        return {"DeleteMarker": True, "VersionId": marker.id}, unused

    def _check_allowed(self, call: Call, bucket: Bucket, target: dict[str, Any]) -> None:
        key, version_id = target["Key"], target.get("VersionId")
        context = {**common(self, call), **tags_of(self, bucket, key, version_id)}
        if version_id:
            context["s3:VersionId"] = (version_id,)
        action = "s3:DeleteObjectVersion" if version_id else "s3:DeleteObject"
        if not call.allows(Access(action, object_arn(bucket, key), context)):
            raise access_denied()


def _delete_version(
    connection: sqlite3.Connection, bucket: Bucket, key: bytes, version_id: str, target: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    found = versions.by_id(connection, bucket.id, key, version_id)
    conditionals.check_delete(target, found)
    if found is None:
        return {"VersionId": version_id}, []
    unused = versions.remove(connection, bucket.id, found)
    if found.latest:
        versions.promote(connection, bucket.id, key)
    result: dict[str, Any] = {"VersionId": version_id}
    if found.marker:
        result["DeleteMarker"] = True
    return result, unused


def _conditions(target: dict[str, Any]) -> dict[str, Any]:
    conditions = {"Key": target["Key"], "VersionId": target.get("VersionId"), "IfMatch": target.get("ETag")}
    return conditions | {"IfMatchSize": target.get("Size"), "IfMatchLastModifiedTime": target.get("LastModifiedTime")}


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """A DeletedObject: the version of a marker, made or removed, is its DeleteMarkerVersionId."""
    if not result.get("DeleteMarker"):
        return {}
    return {"DeleteMarker": True, "DeleteMarkerVersionId": result["VersionId"]}
