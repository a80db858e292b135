"""Log groups, streams and events on disk."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from stratus.storage.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, retention INTEGER, tags TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL,
  first INTEGER, last INTEGER, ingested INTEGER, UNIQUE (group_id, name)
);
CREATE INDEX IF NOT EXISTS streams_by_last_event ON streams (group_id, coalesce(last, created), id);
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL, stream_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  ingested INTEGER NOT NULL, message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_group ON events (group_id, timestamp, id);
CREATE INDEX IF NOT EXISTS events_of_stream ON events (stream_id, timestamp, id);
"""
_PURGE = 5000  # events deleted in one transaction


@dataclass(frozen=True, slots=True)
class Group:
    """Times in milliseconds since the epoch, `retention` in days (None: for ever)."""

    id: int
    name: str
    created: int
    retention: int | None
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stream:
    id: int
    name: str
    created: int
    first: int | None
    last: int | None
    ingested: int | None


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    stream: str
    timestamp: int
    ingested: int
    message: str


@dataclass(frozen=True, slots=True)
class Span:
    """Which events: from `start` up to and without `end`, in order, `after` (or before, `backwards`) a place of (timestamp, id)."""

    start: int
    end: int
    after: tuple[int, int] | None = None
    backwards: bool = False


class LogStore:
    """Reads see what is on disk; writes return when it is."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(directory / "logs.sqlite", _SCHEMA)

    def group(self, name: str) -> Group | None:
        row = self.database.reader.execute(
            "SELECT id, name, created, retention, tags FROM groups WHERE name = ?", (name,)
        ).fetchone()
        return _group(row) if row else None

    def groups(self, prefix: str, containing: str, after: str, limit: int) -> list[Group]:
        """Groups by name, later than `after`."""
        rows = self.database.reader.execute(
            "SELECT id, name, created, retention, tags FROM groups WHERE name > ? AND substr(name, 1, ?) = ? "
            "AND instr(name, ?) ORDER BY name LIMIT ?",
            (after, len(prefix), prefix, containing, limit),
        )
        return [_group(row) for row in rows]

    def stream(self, group: Group, name: str) -> Stream | None:
        row = self.database.reader.execute(
            "SELECT id, name, created, first, last, ingested FROM streams WHERE group_id = ? AND name = ?",
            (group.id, name),
        ).fetchone()
        return Stream(*row) if row else None

    def streams(self, group: Group, prefix: str, after: str, limit: int) -> list[Stream]:
        """Streams by name, later than `after`."""
        rows = self.database.reader.execute(
            "SELECT id, name, created, first, last, ingested FROM streams "
            "WHERE group_id = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            (group.id, after, len(prefix), prefix, limit),
        )
        return [Stream(*row) for row in rows]

    def latest_streams(self, group: Group, offset: int, limit: int, *, descending: bool) -> list[Stream]:
        """Streams by the time of their last event."""
        order = "DESC" if descending else "ASC"
        rows = self.database.reader.execute(
            "SELECT id, name, created, first, last, ingested FROM streams WHERE group_id = ? "  # noqa: S608 - only the order is put in
            f"ORDER BY coalesce(last, created) {order}, id {order} LIMIT ? OFFSET ?",
            (group.id, limit, offset),
        )
        return [Stream(*row) for row in rows]

    def events(self, group: Group, streams: Sequence[Stream] | None, span: Span, limit: int) -> list[Event]:
        """Events of a group, or of some of its streams only, by time."""
        where, order = ["e.timestamp >= ?", "e.timestamp < ?"], "DESC" if span.backwards else "ASC"
        values: list[Any] = [span.start, span.end]
        if streams is None:
            where.append("e.group_id = ?")
            values.append(group.id)
        else:
            where.append(f"e.stream_id IN ({', '.join('?' * len(streams))})")
            values.extend(stream.id for stream in streams)
        if span.after is not None:
            where.append(f"(e.timestamp, e.id) {'<' if span.backwards else '>'} (?, ?)")
            values.extend(span.after)
        query = (
            "SELECT e.id, s.name, e.timestamp, e.ingested, e.message FROM events e JOIN streams s ON s.id = e.stream_id "  # noqa: S608 - only placeholders are put in
            f"WHERE {' AND '.join(where)} ORDER BY e.timestamp {order}, e.id {order} LIMIT ?"
        )
        return [Event(*row) for row in self.database.reader.execute(query, [*values, limit])]

    async def create_group(self, name: str, created: int, tags: dict[str, str]) -> bool:
        """False: there is one of that name."""
        return await self._inserted(
            "INSERT OR IGNORE INTO groups (name, created, tags) VALUES (?, ?, ?)",
            (name, created, orjson.dumps(tags).decode()),
        )

    async def create_stream(self, group: Group, name: str, created: int) -> bool:
        """False: there is one of that name."""
        return await self._inserted(
            "INSERT OR IGNORE INTO streams (group_id, name, created) VALUES (?, ?, ?)", (group.id, name, created)
        )

    async def change_group(self, group: Group, *, retention: int | None, tags: dict[str, str]) -> None:
        values = (retention, orjson.dumps(tags).decode(), group.id)
        await self.database.write(
            lambda db: db.execute("UPDATE groups SET retention = ?, tags = ? WHERE id = ?", values), savepoint=False
        )

    async def delete_group(self, group: Group) -> None:
        """The group goes at once, with its streams; its events are deleted bit by bit afterwards."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM streams WHERE group_id = ?", (group.id,))
            db.execute("DELETE FROM groups WHERE id = ?", (group.id,))

        await self.database.write(work)
        await self.purge(group.id, before=1 << 62)

    async def put(self, group: Group, stream: Stream, ingested: int, events: Sequence[tuple[int, str]]) -> None:
        """Appends (timestamp, message) pairs, in order of time."""

        def work(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT INTO events (group_id, stream_id, timestamp, ingested, message) VALUES (?, ?, ?, ?, ?)",
                ((group.id, stream.id, timestamp, ingested, message) for timestamp, message in events),
            )
            db.execute(
                "UPDATE streams SET first = min(coalesce(first, ?1), ?1), last = max(coalesce(last, ?2), ?2), ingested = ?3 WHERE id = ?4",
                (events[0][0], events[-1][0], ingested, stream.id),
            )

        await self.database.write(work)

    async def purge(self, group_id: int, before: int) -> None:
        """Deletes a group's events older than `before`, in transactions that do not hold others up."""
        while await self.database.write(
            lambda db: (
                db.execute(
                    "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE group_id = ? AND timestamp < ? LIMIT ?)",
                    (group_id, before, _PURGE),
                ).rowcount
            ),
            savepoint=False,
        ):
            pass

    async def purge_deleted(self) -> None:
        """Goes on with what a crash interrupted: events whose group is gone."""
        gone = self.database.reader.execute(
            "SELECT DISTINCT group_id FROM events WHERE group_id NOT IN (SELECT id FROM groups)"
        ).fetchall()
        for (group_id,) in gone:
            await self.purge(group_id, before=1 << 62)

    async def delete_stream(self, stream: Stream) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM events WHERE stream_id = ?", (stream.id,))
            db.execute("DELETE FROM streams WHERE id = ?", (stream.id,))

        await self.database.write(work)

    async def close(self) -> None:
        await self.database.close()

    async def _inserted(self, statement: str, values: tuple[Any, ...]) -> bool:
        return bool(await self.database.write(lambda db: db.execute(statement, values).rowcount, savepoint=False))


def _group(row: tuple[Any, ...]) -> Group:
    return Group(row[0], row[1], row[2], row[3], orjson.loads(row[4]))
