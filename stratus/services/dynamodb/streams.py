"""Stream records: written in the transaction of the change they tell of, kept for 24 hours.

A record's sequence number is the microsecond of its making, or one more than the last where the clock has not moved:
it always grows, and it says when the record is old. Each stream has one shard.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from stratus.clock import Clock
from stratus.services.dynamodb.table import Table
from stratus.services.dynamodb.values import Item

SCHEMA = """
CREATE TABLE IF NOT EXISTS streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, label TEXT NOT NULL, view TEXT NOT NULL,
  key_schema TEXT NOT NULL, created REAL NOT NULL, first INTEGER NOT NULL, disabled REAL
);
"""

RETENTION_SECONDS = 24 * 3600
MAX_READ_BYTES = 1024 * 1024
_SEQUENCE_BASE = 10**20


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream, enabled or disabled within the last 24 hours. `first` is where its sequence numbers begin."""

    id: int
    table_name: str
    label: str
    view: str
    key_schema: list[dict[str, str]]
    created: float
    first: int
    disabled: float | None


@dataclass(frozen=True, slots=True)
class Record:
    sequence: int
    event: str
    keys: bytes
    old: bytes | None
    new: bytes | None
    expired: bool


class StreamLog:
    """Appends to and reads from all streams of a region."""

    def __init__(self, reader: sqlite3.Connection, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        for (stream,) in reader.execute("SELECT id FROM streams").fetchall():
            self._last = max(
                self._last, *reader.execute(f"SELECT COALESCE(MAX(seq), 0) FROM stream_{stream}").fetchone()
            )

    def next_sequence(self) -> int:
        self._last = max(self._last + 1, int(self._clock.now() * 1_000_000))
        return self._last

    def create(self, connection: sqlite3.Connection, table_name: str, label: str, view: str, key_schema: Any) -> int:
        """Makes a stream and returns its id."""
        cursor = connection.execute(
            "INSERT INTO streams (table_name, label, view, key_schema, created, first) VALUES (?, ?, ?, ?, ?, ?)",
            (table_name, label, view, orjson.dumps(key_schema).decode(), self._clock.now(), self.next_sequence()),
        )
        stream = cursor.lastrowid
        assert stream is not None
        connection.execute(
            f"CREATE TABLE stream_{stream}"
            " (seq INTEGER PRIMARY KEY, event TEXT NOT NULL, keys BLOB NOT NULL, old BLOB, new BLOB, expired INTEGER NOT NULL)"
        )
        return stream

    def disable(self, connection: sqlite3.Connection, stream: int) -> None:
        """Ends a stream; its records stay readable until they are 24 hours old."""
        connection.execute("UPDATE streams SET disabled = ? WHERE id = ?", (self._clock.now(), stream))

    def record(
        self,
        connection: sqlite3.Connection,
        table: Table,
        keys: Item,
        old: bytes | None,
        new: bytes | None,
        *,
        expired: bool,
    ) -> None:
        """Tells of a change from `old` to `new` (wire JSON; None: no item) of the item with these keys."""
        event = "MODIFY" if old and new else "INSERT" if new else "REMOVE"
        view = table.stream_view
        connection.execute(
            f"INSERT INTO stream_{table.stream} (seq, event, keys, old, new, expired) VALUES (?, ?, ?, ?, ?, ?)",
            (
                self.next_sequence(),
                event,
                orjson.dumps(keys),
                old if view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES") else None,
                new if view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES") else None,
                expired,
            ),
        )

    @property
    def horizon(self) -> int:
        """Records whose sequence number is below this are past their 24 hours."""
        return int((self._clock.now() - RETENTION_SECONDS) * 1_000_000)

    def read(self, reader: sqlite3.Connection, stream: int, start: int, limit: int) -> list[Record]:
        """Records with a sequence number of at least `start`, in order: up to `limit`, or to 1 MB."""
        found = reader.execute(
            f"SELECT seq, event, keys, old, new, expired FROM stream_{stream} WHERE seq >= ? ORDER BY seq LIMIT ?",
            (max(start, self.horizon), limit),
        )
        records: list[Record] = []
        room = MAX_READ_BYTES
        for seq, event, keys, old, new, expired in found:
            records.append(Record(seq, event, keys, old, new, bool(expired)))
            room -= len(keys) + len(old or b"") + len(new or b"")
            if room < 0:
                break
        found.close()
        return records

    def trim(self, connection: sqlite3.Connection, limit: int) -> int:
        """Deletes up to `limit` records past their 24 hours, and streams that ended as long ago; how many records went."""
        gone = 0
        for stream in list(all_streams(connection)):
            if stream.disabled is not None and stream.disabled < self._clock.now() - RETENTION_SECONDS:
                connection.execute(f"DROP TABLE stream_{stream.id}")
                connection.execute("DELETE FROM streams WHERE id = ?", (stream.id,))
                continue
            gone += connection.execute(
                f"DELETE FROM stream_{stream.id} WHERE seq IN (SELECT seq FROM stream_{stream.id} WHERE seq < ? ORDER BY seq LIMIT ?)",
                (self.horizon, limit),
            ).rowcount
        return gone


def all_streams(connection: sqlite3.Connection) -> Iterator[Stream]:
    found = connection.execute(
        "SELECT id, table_name, label, view, key_schema, created, first, disabled FROM streams ORDER BY id"
    ).fetchall()
    for stream, table_name, label, view, key_schema, created, first, disabled in found:
        yield Stream(stream, table_name, label, view, orjson.loads(key_schema), created, first, disabled)


def sequence_text(sequence: int) -> str:
    """As clients see it: 21 digits, which sort as text and as numbers."""
    return str(_SEQUENCE_BASE + sequence)


def sequence_number(text: str) -> int:
    return int(text) - _SEQUENCE_BASE
