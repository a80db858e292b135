"""GetObjectTagging, PutObjectTagging, DeleteObjectTagging."""

import sqlite3
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3 import versions
from stratus.services.s3.documents import document
from stratus.services.s3.errors import no_such_key
from stratus.services.s3.operations.get_object import GetObject
from stratus.services.s3.permissions import on_object, on_put_tagging
from stratus.services.s3.tagging import MAX_OBJECT_TAGS, Tags, as_set, parse_set
from stratus.services.s3.versions import Version


class ObjectTagging(GetObject):
    @operation("GetObjectTagging", on_object("s3:GetObjectTagging", versioned="s3:GetObjectVersionTagging"))
    async def get_object_tagging(self, call: Call) -> Result:
        version = self._named(call)
        return {"TagSet": as_set(version.tags), **self._version_id(call, version)}

    @operation("PutObjectTagging", on_put_tagging)
    async def put_object_tagging(self, call: Call) -> Result:
        return await self._replace(call, parse_set(document(call, "Tagging"), MAX_OBJECT_TAGS, "Object"))

    @operation("DeleteObjectTagging", on_object("s3:DeleteObjectTagging", versioned="s3:DeleteObjectVersionTagging"))
    async def delete_object_tagging(self, call: Call) -> Result:
        return await self._replace(call, {})

    async def _replace(self, call: Call, tags: Tags) -> dict[str, Any]:
        """Tags are no part of the object: neither its version nor its date changes."""
        bucket, version = self.bucket(call), self._named(call)

        def store(connection: sqlite3.Connection) -> None:
            stored = versions.by_id(connection, bucket.id, version.key, version.id)
            if stored is None:
                raise no_such_key(version.name)
            stored.meta["Tags"] = tags
            versions.update_meta(connection, bucket.id, stored)

        await self.database.write(store, savepoint=False)
        return self._version_id(call, version)

    def _named(self, call: Call) -> Version:
        return self.find(call, self.bucket(call), call.params["Key"], call.params.get("VersionId"))

    def _version_id(self, call: Call, version: Version) -> dict[str, Any]:
        return {"VersionId": version.id} if self.bucket(call).versioning is not None else {}
