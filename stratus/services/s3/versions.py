"""What is stored: versions of objects in SQLite, their bytes sealed beside the row when small and in a file otherwise.

Of each key every version has a row; the one with the highest `seq` is current. Functions take the connection of the
transaction they are part of. Those that drop bytes return the ids of files to discard once the transaction is durable.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS buckets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings (
    bucket INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (bucket, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    bucket INTEGER NOT NULL, key BLOB NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, latest INTEGER NOT NULL,
    marker INTEGER NOT NULL, modified INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, meta BLOB NOT NULL,
    file TEXT, upload TEXT, PRIMARY KEY (bucket, key, seq DESC)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS current ON versions (bucket, key) WHERE latest = 1 AND marker = 0;
CREATE INDEX IF NOT EXISTS version_ids ON versions (bucket, key, id) WHERE id <> 'null';
CREATE INDEX IF NOT EXISTS version_files ON versions (file) WHERE file IS NOT NULL;
CREATE TABLE IF NOT EXISTS small (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket INTEGER NOT NULL, key BLOB NOT NULL, started INTEGER NOT NULL, meta BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, started, id);
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, seq INTEGER NOT NULL, modified INTEGER NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, checksums BLOB NOT NULL, file TEXT, PRIMARY KEY (upload, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS part_files ON parts (file) WHERE file IS NOT NULL;
"""

NULL_VERSION = "null"
NEWEST = 2**63 - 1
"""A `seq` above every version's."""
MAX_PART_NUMBER = 10_000
COLUMNS = "key, seq, id, latest, marker, modified, size, etag, meta, file, upload"


@dataclass(slots=True)
class Version:
    """One version of an object, or a delete marker.

    `meta` holds what the API gives back with the object, by the API's names (`ContentType`, `Metadata`, `ChecksumCRC32`, ...), and
    `Tags`. The bytes are in `file`, in the parts of `upload`, or (both None) in the table `small` under `seq`.
    """

    key: bytes
    seq: int
    id: str
    latest: bool
    marker: bool
    modified: int
    size: int
    etag: str
    meta: dict[str, Any] = field(default_factory=dict)
    file: str | None = None
    upload: str | None = None

    @property
    def name(self) -> str:
        return self.key.decode()

    @property
    def tags(self) -> dict[str, str]:
        return self.meta.get("Tags") or {}


@dataclass(slots=True)
class Part:
    number: int
    seq: int
    modified: int
    size: int
    etag: str
    checksums: dict[str, str]
    file: str | None


def new_version_id() -> str:
    return secrets.token_urlsafe(24)


def row_to_version(row: tuple[Any, ...]) -> Version:
    key, seq, version_id, latest, marker, modified, size, etag, meta, file, upload = row
    return Version(
        key, seq, version_id, bool(latest), bool(marker), modified, size, etag, orjson.loads(meta), file, upload
    )


def current(connection: sqlite3.Connection, bucket: int, key: bytes) -> Version | None:
    """The newest version, a delete marker too."""
    sql = f"SELECT {COLUMNS} FROM versions WHERE bucket = ? AND key = ? ORDER BY seq DESC LIMIT 1"  # noqa: S608 - constant columns
    row = connection.execute(sql, (bucket, key)).fetchone()
    return row_to_version(row) if row else None


def by_id(connection: sqlite3.Connection, bucket: int, key: bytes, version_id: str) -> Version | None:
    if version_id == NULL_VERSION:
        sql = f"SELECT {COLUMNS} FROM versions WHERE bucket = ? AND key = ? AND id = ?"  # noqa: S608 - constant columns
    else:
        sql = (
            f"SELECT {COLUMNS} FROM versions INDEXED BY version_ids"  # noqa: S608 - constant columns
            " WHERE bucket = ? AND key = ? AND id = ? AND id <> 'null'"
        )
    row = connection.execute(sql, (bucket, key, version_id)).fetchone()
    return row_to_version(row) if row else None


def insert(connection: sqlite3.Connection, bucket: int, version: Version, small: bytes | None) -> None:
    """Adds the newest version of its key."""
    connection.execute(
        f"INSERT INTO versions (bucket, {COLUMNS}) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constant columns
        (
            bucket,
            version.key,
            version.seq,
            version.id,
            version.marker,
            version.modified,
            version.size,
            version.etag,
            orjson.dumps(version.meta),
            version.file,
            version.upload,
        ),
    )
    if small is not None:
        connection.execute("INSERT INTO small VALUES (?, ?)", (version.seq, small))


def retire(connection: sqlite3.Connection, bucket: int, version: Version) -> None:
    """Makes what was current noncurrent."""
    connection.execute(
        "UPDATE versions SET latest = 0 WHERE bucket = ? AND key = ? AND seq = ?", (bucket, version.key, version.seq)
    )


def remove(connection: sqlite3.Connection, bucket: int, version: Version) -> list[str]:
    """Deletes one version for good; returns the files to discard. Whether another becomes current is `promote`'s."""
    connection.execute(
        "DELETE FROM versions WHERE bucket = ? AND key = ? AND seq = ?", (bucket, version.key, version.seq)
    )
    if version.file is not None:
        return [version.file]
    if version.upload is not None:
        return remove_parts(connection, version.upload)
    if not version.marker:
        connection.execute("DELETE FROM small WHERE seq = ?", (version.seq,))
    return []


def promote(connection: sqlite3.Connection, bucket: int, key: bytes) -> None:
    """Makes the newest version that is left current."""
    connection.execute(
        "UPDATE versions SET latest = 1 WHERE bucket = ?1 AND key = ?2 AND seq ="
        " (SELECT max(seq) FROM versions WHERE bucket = ?1 AND key = ?2)",
        (bucket, key),
    )


def small_bytes(connection: sqlite3.Connection, seq: int) -> bytes:
    """The sealed bytes of a small object or part."""
    row = connection.execute("SELECT bytes FROM small WHERE seq = ?", (seq,)).fetchone()
    return bytes(row[0])


def parts_of(
    connection: sqlite3.Connection, upload: str, after: int = 0, limit: int = -1, last: int = MAX_PART_NUMBER
) -> Iterator[Part]:
    rows = connection.execute(
        "SELECT number, seq, modified, size, etag, checksums, file FROM parts"
        " WHERE upload = ? AND number > ? AND number <= ? ORDER BY number LIMIT ?",
        (upload, after, last, limit),
    )
    for number, seq, modified, size, etag, checksums, file in rows:
        yield Part(number, seq, modified, size, etag, orjson.loads(checksums), file)


def part_of(connection: sqlite3.Connection, upload: str, number: int) -> Part | None:
    return next(parts_of(connection, upload, number - 1, 1, number), None)


def remove_part(connection: sqlite3.Connection, upload: str, part: Part) -> list[str]:
    """Deletes one part with its bytes; returns the file to discard, if it has one."""
    connection.execute("DELETE FROM parts WHERE upload = ? AND number = ?", (upload, part.number))
    if part.file is not None:
        return [part.file]
    connection.execute("DELETE FROM small WHERE seq = ?", (part.seq,))
    return []


def remove_parts(connection: sqlite3.Connection, upload: str) -> list[str]:
    """Deletes all parts of an upload; returns the files to discard."""
    return [file for part in list(parts_of(connection, upload)) for file in remove_part(connection, upload, part)]


def begin_run(connection: sqlite3.Connection) -> int:
    """The first `seq` of this run of the service: higher than any of the runs before, in constant time."""
    connection.execute("INSERT INTO runs VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1")
    (count,) = connection.execute("SELECT count FROM runs").fetchone()
    return int(count) << 40


def recorded_files(connection: sqlite3.Connection, file_ids: list[str]) -> set[str]:
    """Which of these files belong to a version or a part."""
    ids = orjson.dumps(file_ids).decode()
    rows = connection.execute(
        "SELECT file FROM versions WHERE file IN (SELECT value FROM json_each(?1))"
        " UNION SELECT file FROM parts WHERE file IN (SELECT value FROM json_each(?1))",
        (ids,),
    )
    return {row[0] for row in rows}


def update_meta(connection: sqlite3.Connection, bucket: int, version: Version) -> None:
    connection.execute(
        "UPDATE versions SET meta = ? WHERE bucket = ? AND key = ? AND seq = ?",
        (orjson.dumps(version.meta), bucket, version.key, version.seq),
    )


def insert_part(connection: sqlite3.Connection, upload: str, part: Part, small: bytes | None) -> None:
    connection.execute(
        "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (upload, part.number, part.seq, part.modified, part.size, part.etag, orjson.dumps(part.checksums), part.file),
    )
    if small is not None:
        connection.execute("INSERT INTO small VALUES (?, ?)", (part.seq, small))
