"""What carries lifecycle rules out: once at each midnight UTC, and once when the service starts, for the midnights it missed."""

import asyncio
import logging
import sqlite3
from dataclasses import dataclass
from functools import partial
from itertools import islice

import orjson

from stratus.services.s3 import lifecycle, versions
from stratus.services.s3.base import S3Base
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.lifecycle import Rule, midnight_after
from stratus.services.s3.listing import FIRST_UPLOAD, CommonPrefix, walk_uploads, walk_versions
from stratus.services.s3.operations.multipart import remove_upload
from stratus.services.s3.operations.put_object import add_delete_marker
from stratus.services.s3.versions import Version

log = logging.getLogger(__name__)
BATCH = 200


@dataclass(frozen=True, slots=True)
class Due:
    """A version whose time has come. `expire` treats it as a plain delete does; otherwise it goes for good."""

    version: Version
    expire: bool


class LifecycleRunner:
    """Applies the lifecycle rules of all buckets of one region."""

    def __init__(self, service: S3Base) -> None:
        self._service = service

    async def run_forever(self) -> None:
        clock = self._service.clock
        while True:
            try:
                await self.run_once()
            except Exception:
                log.exception("lifecycle rules were not applied; they are again at the next midnight UTC")
            await clock.sleep(midnight_after(int(clock.now()), 0) - clock.now())

    async def run_once(self) -> None:
        """Deletes all that is due now."""
        now = int(self._service.clock.now())
        for bucket in self._service.directory.all():
            rules = [rule for rule in bucket.lifecycle if rule.enabled]
            if bucket.region == self._service.region and rules:
                await self._apply_to_versions(bucket, rules, now)
                await self._abort_uploads(bucket, rules, now)

    async def _apply_to_versions(self, bucket: Bucket, rules: list[Rule], now: int) -> None:
        """Goes through the bucket page by page, in the order of keys, newest version first."""
        position: tuple[bytes, int | None] | None = None
        successor: Version | None = None
        newer = 0
        while True:
            found = walk_versions(self._service.database.reader, bucket.id, b"", b"", position)
            page = [entry for entry in islice(found, BATCH + 1) if isinstance(entry, Version)]
            due = []
            for version, older in zip(page[:BATCH], [*page[1:], None], strict=False):
                if successor is not None and successor.key != version.key:
                    successor = None
                newer = 0 if successor is None else newer + 1
                alone = successor is None and (older is None or older.key != version.key)
                if (decision := _decide(rules, version, successor, newer, alone, now)) is not None:
                    due.append(decision)
                successor = version
            if due:
                await self._delete(bucket, due, now)
            if len(page) <= BATCH:
                return
            position = page[BATCH - 1].key, page[BATCH - 1].seq
            await asyncio.sleep(0)

    async def _delete(self, bucket: Bucket, due: list[Due], now: int) -> None:
        def work(connection: sqlite3.Connection) -> tuple[None, list[str]]:
            unused: list[str] = []
            for one in due:
                unused += self._delete_one(connection, bucket, one, now)
            return None, unused

        await self._service.change(work)

    def _delete_one(self, connection: sqlite3.Connection, bucket: Bucket, due: Due, now: int) -> list[str]:
        version = due.version
        stored = versions.by_id(connection, bucket.id, version.key, version.id)
        if stored is None or (stored.seq, stored.latest) != (version.seq, version.latest):
            return []  # overwritten or deleted since it was looked at
        if due.expire and bucket.versioning is not None:
            _, unused = add_delete_marker(connection, bucket, version.key, self._service.next_seq(), now)
            return unused
        unused = versions.remove(connection, bucket.id, stored)
        if stored.latest:
            versions.promote(connection, bucket.id, version.key)
        return unused

    async def _abort_uploads(self, bucket: Bucket, rules: list[Rule], now: int) -> None:
        position = FIRST_UPLOAD
        while True:
            found = walk_uploads(self._service.database.reader, bucket.id, b"", b"", position)
            page = [row for row in islice(found, BATCH) if not isinstance(row, CommonPrefix)]
            due = [
                upload_id
                for key, started, upload_id, _ in page
                if (abortion := lifecycle.abortion(rules, key.decode(), started)) is not None and abortion[0] <= now
            ]
            if due:
                await self._service.change(partial(_abort, due))
            if len(page) < BATCH:
                return
            position = page[-1][:3]
            await asyncio.sleep(0)


def _abort(uploads: list[str], connection: sqlite3.Connection) -> tuple[None, list[str]]:
    """Aborts those that were not completed or aborted meanwhile; returns the files to discard."""
    sql = "SELECT id FROM uploads WHERE id IN (SELECT value FROM json_each(?))"
    still_there = connection.execute(sql, (orjson.dumps(uploads).decode(),)).fetchall()
    return None, [file for (upload_id,) in still_there for file in remove_upload(connection, upload_id)]


def _decide(
    rules: list[Rule], version: Version, successor: Version | None, newer: int, alone: bool, now: int
) -> Due | None:
    """Whether a version is due. `successor` is the next newer version of its key, `newer` how many noncurrent ones there are up to
    and with this one, `alone` that its key has no other."""
    if successor is not None:
        return Due(version, expire=False) if _is_noncurrent_due(rules, version, successor, newer, now) else None
    if version.marker:
        return Due(version, expire=False) if alone and _is_marker_due(rules, version, now) else None
    due = lifecycle.expiration(rules, version.name, version.tags, version.size, version.modified)
    return Due(version, expire=True) if due is not None and due[0] <= now else None


def _is_noncurrent_due(rules: list[Rule], version: Version, successor: Version, newer: int, now: int) -> bool:
    return any(
        rule.noncurrent_days is not None
        and (
            rule.covers_marker(version.name)
            if version.marker
            else rule.covers(version.name, version.tags, version.size)
        )
        and newer > rule.newer_noncurrent
        and midnight_after(successor.modified, rule.noncurrent_days) <= now
        for rule in rules
    )


def _is_marker_due(rules: list[Rule], marker: Version, now: int) -> bool:
    """A delete marker with nothing behind it goes with ExpiredObjectDeleteMarker, or when it is as old as objects may get."""
    for rule in rules:
        if not rule.covers_marker(marker.name):
            continue
        expires = rule.expires(marker.modified)
        if rule.expired_markers or (expires is not None and expires <= now):
            return True
    return False
