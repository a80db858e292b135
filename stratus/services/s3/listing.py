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
        f"SELECT {COLUMNS} FROM versions WHERE bucket = ? AND key {'>=' if inclusive else '>'} ?"  # noqa: S608 - constants
        f"{'' if end is None else ' AND key < ?'} AND latest = 1 AND marker = 0 ORDER BY key LIMIT {PAGE}"
    )
    return connection.execute(sql, (bucket, position) if end is None else (bucket, position, end))
