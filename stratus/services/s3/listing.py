"""Walking a bucket's keys in the order of their UTF-8 bytes, with common prefixes rolled up."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from stratus.services.s3.keys import after_prefix
from stratus.services.s3.versions import COLUMNS, Version, row_to_version

PAGE = 256


@dataclass(frozen=True, slots=True)
class CommonPrefix:
    """All keys that share their beginning up to the delimiter, as one entry."""

    prefix: bytes


Entry = Version | CommonPrefix
UploadRow = tuple[bytes, int, str, bytes]
"""Key, start, id, meta."""
UploadPosition = tuple[bytes, int, str]
FIRST_UPLOAD: UploadPosition = (b"", -1, "")


def walk(
    connection: sqlite3.Connection, bucket: int, prefix: bytes, delimiter: bytes, after: bytes | None
) -> Iterator[Entry]:
    """Current objects (no delete markers) and common prefixes behind `after`, a key or a common prefix.

    A common prefix costs one seek, however many keys it stands for.
    """
    end = after_prefix(prefix)
    position, inclusive = _begin(prefix, delimiter, after)
    while position is not None:
        skipped_to: bytes | None = None
        last: bytes | None = None
        for row in _current(connection, bucket, position, inclusive, end):
            last = row[0]
            rolled = roll_up(last, prefix, delimiter)
            if rolled is None:
                yield row_to_version(row)
                continue
            yield CommonPrefix(rolled)
            skipped_to = after_prefix(rolled)
            if skipped_to is None:
                return
            break
        if last is None:
            return
        position, inclusive = (skipped_to, True) if skipped_to is not None else (last, False)


def walk_versions(
    connection: sqlite3.Connection,
    bucket: int,
    prefix: bytes,
    delimiter: bytes,
    after: tuple[bytes, int | None] | None,
) -> Iterator[Entry]:
    """All versions and delete markers, newest first within a key, behind `after`: a key and the `seq` of one of its versions
    (None: all of them), or a common prefix."""
    end = after_prefix(prefix)
    position: bytes | None
    seq = None
    if after is not None and after[1] is not None and after[0] >= prefix:
        position, inclusive, seq = after[0], True, after[1]
    else:
        position, inclusive = _begin(prefix, delimiter, after[0] if after else None)
    while position is not None:
        skipped_to: bytes | None = None
        last: Version | None = None
        for version in _versions(connection, bucket, position, seq, inclusive, end):
            last = version
            rolled = roll_up(version.key, prefix, delimiter)
            if rolled is None:
                yield version
                continue
            yield CommonPrefix(rolled)
            skipped_to = after_prefix(rolled)
            if skipped_to is None:
                return
            break
        if skipped_to is not None:
            position, inclusive, seq = skipped_to, True, None
        elif last is not None:
            position, inclusive, seq = last.key, True, last.seq
        elif seq is not None:
            inclusive, seq = False, None  # no older version of that key: go on behind it
        else:
            return


def walk_uploads(
    connection: sqlite3.Connection, bucket: int, prefix: bytes, delimiter: bytes, position: UploadPosition
) -> Iterator[UploadRow | CommonPrefix]:
    """Uploads under way, by key and then by age, behind `position`."""
    sql = (
        "SELECT key, started, id, meta FROM uploads WHERE bucket = ? AND (key, started, id) > (?, ?, ?)"
        " ORDER BY key, started, id LIMIT 256"
    )
    while rows := connection.execute(sql, (bucket, *position)).fetchall():
        for row in rows:
            key: bytes = row[0]
            if not key.startswith(prefix):
                return
            position = row[:3]
            rolled = roll_up(key, prefix, delimiter)
            if rolled is None:
                yield row
                continue
            yield CommonPrefix(rolled)
            behind = after_prefix(rolled)
            if behind is None:
                return
            position = behind, -1, ""
            break


def roll_up(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """The common prefix that stands for `key`, or None if the key is listed itself."""
    if not delimiter:
        return None
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]


def _begin(prefix: bytes, delimiter: bytes, after: bytes | None) -> tuple[bytes | None, bool]:
    if after is None or after < prefix:
        return prefix, True
    if delimiter and after.startswith(prefix) and roll_up(after, prefix, delimiter) == after:
        return after_prefix(after), True  # a common prefix was the last entry: go behind all of it
    return after, False


def _current(
    connection: sqlite3.Connection, bucket: int, position: bytes, inclusive: bool, end: bytes | None
) -> sqlite3.Cursor:
    sql = (
        f"SELECT {COLUMNS} FROM versions INDEXED BY current WHERE bucket = ? AND key {'>=' if inclusive else '>'} ?"  # noqa: S608 - constants
        f"{'' if end is None else ' AND key < ?'} AND latest = 1 AND marker = 0 ORDER BY key LIMIT {PAGE}"
    )
    return connection.execute(sql, (bucket, position) if end is None else (bucket, position, end))


def _versions(
    connection: sqlite3.Connection, bucket: int, position: bytes, seq: int | None, inclusive: bool, end: bytes | None
) -> Iterator[Version]:
    """A page: of one key what is older than `seq`, or of all keys from `position` on."""
    if seq is not None:
        condition = "key = ? AND seq < ?"
        values: tuple[int | bytes, ...] = (bucket, position, seq)
    elif end is None:
        condition, values = f"key {'>=' if inclusive else '>'} ?", (bucket, position)
    else:
        condition, values = f"key {'>=' if inclusive else '>'} ? AND key < ?", (bucket, position, end)
    sql = f"SELECT {COLUMNS} FROM versions WHERE bucket = ? AND {condition} ORDER BY key, seq DESC LIMIT {PAGE}"  # noqa: S608 - constants
    yield from map(row_to_version, connection.execute(sql, values))
