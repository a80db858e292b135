"""PutObject, and how any new version takes its place."""

import sqlite3
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3 import conditionals, versions
from stratus.services.s3.base import S3Base
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.checksums import Digests, Expected, member
from stratus.services.s3.keys import key_bytes
from stratus.services.s3.object_headers import ENCRYPTION, describe
from stratus.services.s3.operations.get_object import expiration_of
from stratus.services.s3.permissions import on_put
from stratus.services.s3.receiving import Stored, declared_length, receive, trailers_of
from stratus.services.s3.versions import NULL_VERSION, Version
from stratus.wire.errors import AwsError


class PutObject(S3Base):
    @operation("PutObject", on_put)
    async def put_object(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        conditionals.check_write_params(params)
        meta = describe(params, bucket)
        expected = expected_of(call)
        stored, digests = await self.take_in(call, expected, {expected.algorithm})
        checksums = digests.checksums()
        meta |= {member(name): value for name, value in checksums.items()}
        meta["ChecksumType"] = "FULL_OBJECT"
        etag = digests.md5.hex()
        version = await self.add_version(call, bucket, stored, etag, meta)
        return {
            "ETag": f'"{etag}"',
            **{member(name): value for name, value in checksums.items()},
            "ChecksumType": "FULL_OBJECT",
            **self.written(bucket, version),
        }

    async def take_in(self, call: Call, expected: Expected, algorithms: set[str]) -> tuple[Stored, Digests]:
        """Receives a request's body, digests it, and verifies what the client said about it."""
        body, digests = call.params.get("Body"), Digests(algorithms)
        stored = await receive(body, declared_length(call.request), digests, self.files, self.seal)
        try:
            expected.verify(digests, trailers_of(body) if expected.trailer else {})
        except AwsError:
            self.forget(stored)
            raise
        return stored, digests

    async def add_version(
        self, call: Call, bucket: Bucket, stored: Stored, etag: str, meta: dict[str, Any], upload: str | None = None
    ) -> Version:
        """Makes stored bytes the newest version of the call's key, if the call's conditions hold at that moment."""
        key = key_bytes(call.params["Key"])

        def add(connection: sqlite3.Connection) -> tuple[Version, list[str]]:
            self.bucket_still_exists(connection, bucket)
            latest = versions.current(connection, bucket.id, key)
            conditionals.check_write(call.params, call.params["Key"], latest)
            version = Version(
                key,
                self.next_seq(),
                new_id(bucket),
                True,
                False,
                int(call.now),
                stored.size,
                etag,
                meta,
                stored.file,
                upload,
            )
            unused = make_room(connection, bucket, version, latest)
            versions.insert(connection, bucket.id, version, stored.small)
            return version, unused

        return await self.record(stored, add)

    def written(self, bucket: Bucket, version: Version) -> dict[str, Any]:
        """What every answer to a write says."""
        result: dict[str, Any] = {"ServerSideEncryption": ENCRYPTION, **expiration_of(bucket, version)}
        if bucket.versioning == "Enabled":
            result["VersionId"] = version.id
        return result


def expected_of(call: Call) -> Expected:
    return Expected(call.params, call.request.headers.get("x-amz-trailer") if call.request else None)


def new_id(bucket: Bucket) -> str:
    return versions.new_version_id() if bucket.versioning == "Enabled" else NULL_VERSION


def add_delete_marker(
    connection: sqlite3.Connection, bucket: Bucket, key: bytes, seq: int, now: int
) -> tuple[Version, list[str]]:
    """Puts a delete marker on top of a key's versions; returns it with the files to discard."""
    marker = Version(key, seq, new_id(bucket), True, True, now, 0, "")
    unused = make_room(connection, bucket, marker, versions.current(connection, bucket.id, key))
    versions.insert(connection, bucket.id, marker, None)
    return marker, unused


def make_room(connection: sqlite3.Connection, bucket: Bucket, version: Version, latest: Version | None) -> list[str]:
    """Retires the current version, or removes the one that a `null` version replaces; returns files to discard."""
    if latest is None:
        return []
    unused = []
    if version.id == NULL_VERSION:
        replaced = (
            latest if latest.id == NULL_VERSION else versions.by_id(connection, bucket.id, version.key, NULL_VERSION)
        )
        if replaced is not None:
            unused = versions.remove(connection, bucket.id, replaced)
        if replaced is latest:
            return unused
    versions.retire(connection, bucket.id, latest)
    return unused
