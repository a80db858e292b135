"""What is known about stacks, on disk: each stack, its resources as they are, the steps of a change under way, what was kept, events.

A change writes its step before it acts and its result after, so that a start after a crash knows what may be half done.
"""

import json
import sqlite3
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from stratus.storage.database import Database
from stratus.template.notice import Notice

MAX_EVENTS = 1000
FILE = "stacks.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stack (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS resource (stack TEXT, logical_id TEXT, document TEXT NOT NULL, PRIMARY KEY (stack, logical_id)) STRICT;
CREATE TABLE IF NOT EXISTS step (id INTEGER PRIMARY KEY AUTOINCREMENT, stack TEXT NOT NULL, document TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS retained (stack TEXT, type TEXT, physical_id TEXT, document TEXT NOT NULL, PRIMARY KEY (stack, type, physical_id)) STRICT;
CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, stack TEXT NOT NULL, document TEXT NOT NULL) STRICT;
"""


class Status(StrEnum):
    """A stack's status, in CloudFormation's words."""

    CREATING = "CREATE_IN_PROGRESS"
    CREATED = "CREATE_COMPLETE"
    CREATE_FAILED = "ROLLBACK_COMPLETE"
    UPDATING = "UPDATE_IN_PROGRESS"
    CLEANING = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    UPDATED = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_ROLLBACK_COMPLETE"
    ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
    DELETING = "DELETE_IN_PROGRESS"


@dataclass(frozen=True)
class StackRecord:
    """One stack. `fingerprint` is of everything its last complete change was made from."""

    name: str
    stack_id: str
    status: Status
    created: float
    updated: float
    fingerprint: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    without_effect: list[Notice] = field(default_factory=list)


@dataclass(frozen=True)
class ResourceRecord:
    """One resource as it is. `target` holds the properties of a change that was begun and not finished."""

    logical_id: str
    type: str
    physical_id: str
    properties: dict[str, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    depends_on: list[str] = field(default_factory=list)
    target: dict[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """One thing that a change did or is about to do: `create`, `update`, `replace` or `remove`; `before` is how the resource was."""

    id: int
    kind: str
    logical_id: str
    before: ResourceRecord | None = None


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    at: float
    logical_id: str
    type: str
    status: str
    reason: str = ""


class StateReader:
    """The stacks of one region as they stand on disk; another process may be writing them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._reader = connection

    @classmethod
    def open(cls, directory: Path) -> "StateReader | None":
        """None where no stack was ever made."""
        file = directory / FILE
        return cls(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) if file.exists() else None

    def stack(self, name: str) -> StackRecord | None:
        rows = self._read("SELECT document FROM stack WHERE name = ?", name)
        return _stack(rows[0]) if rows else None

    def stacks(self) -> list[StackRecord]:
        return [_stack(text) for text in self._read("SELECT document FROM stack ORDER BY name")]

    def resources(self, stack: str) -> dict[str, ResourceRecord]:
        query = "SELECT document FROM resource WHERE stack = ? ORDER BY rowid"
        records = [_resource(text) for text in self._read(query, stack)]
        return {record.logical_id: record for record in records}

    def steps(self, stack: str) -> list[Step]:
        rows = self._reader.execute("SELECT id, document FROM step WHERE stack = ? ORDER BY id", (stack,)).fetchall()
        return [_step(number, text) for number, text in rows]

    def retained(self, stack: str) -> list[ResourceRecord]:
        query = "SELECT document FROM retained WHERE stack = ? ORDER BY rowid"
        return [_resource(text) for text in self._read(query, stack)]

    def retained_stacks(self) -> list[str]:
        """The names of stacks, gone or not, that left something behind."""
        return self._read("SELECT DISTINCT stack FROM retained ORDER BY stack")

    def events(self, stack: str) -> list[Event]:
        query = "SELECT document FROM event WHERE stack = ? ORDER BY id"
        return [Event(**json.loads(text)) for text in self._read(query, stack)]

    def _read(self, query: str, *values: str) -> list[str]:
        return [row[0] for row in self._reader.execute(query, values)]


class State(StateReader):
    """The stacks of one region, to be changed: each write is on disk when it returns."""

    def __init__(self, directory: Path) -> None:
        self._database = Database(directory / FILE, _SCHEMA)
        super().__init__(self._database.reader)

    async def close(self) -> None:
        await self._database.close()

    async def save_stack(self, record: StackRecord) -> None:
        await self._write("INSERT OR REPLACE INTO stack VALUES (?, ?)", record.name, _json(record))

    async def begin(self, stack: str, kind: str, before: ResourceRecord | None, after: ResourceRecord | None) -> Step:
        """Notes a step that is about to be done, and the resource as it may be while it is."""
        logical_id = (after or before or _nothing()).logical_id
        step = Step(0, kind, logical_id, before)

        def write(connection: sqlite3.Connection) -> int:
            number = connection.execute(
                "INSERT INTO step (stack, document) VALUES (?, ?)", (stack, _json(step))
            ).lastrowid
            _put(connection, stack, logical_id, after)
            return number or 0

        return Step(await self._database.write(write), kind, logical_id, before)

    async def finish(self, stack: str, record: ResourceRecord) -> None:
        """The step's resource as it is now."""
        await self._database.write(lambda connection: _put(connection, stack, record.logical_id, record))

    async def undone(self, stack: str, step: Step) -> None:
        """Takes a step back: the resource is again as it was before."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM step WHERE id = ?", (step.id,))
            _put(connection, stack, step.logical_id, step.before)

        await self._database.write(write)

    async def settled(self, stack: str, step: Step, *, retained: bool) -> None:
        """A step needs nothing more; what it left behind is gone, or `retained`."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM step WHERE id = ?", (step.id,))
            if retained and step.before:
                _retain(connection, stack, step.before)

        await self._database.write(write)

    async def removed(self, stack: str, record: ResourceRecord, *, retained: bool) -> None:
        """A resource of a stack that is being deleted is gone, or `retained`."""

        def write(connection: sqlite3.Connection) -> None:
            _put(connection, stack, record.logical_id, None)
            if retained:
                _retain(connection, stack, record)

        await self._database.write(write)

    async def erased(self, stack: str, record: ResourceRecord) -> None:
        await self._write(
            "DELETE FROM retained WHERE stack = ? AND type = ? AND physical_id = ?",
            stack,
            record.type,
            record.physical_id,
        )

    async def forget(self, stack: str) -> None:
        """Removes a stack; what it retained stays known."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM stack WHERE name = ?", (stack,))
            for table in ("resource", "step", "event"):
                connection.execute(f"DELETE FROM {table} WHERE stack = ?", (stack,))  # noqa: S608 - the names stand in the line above

        await self._database.write(write)

    async def add_event(self, stack: str, event: Event) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO event (stack, document) VALUES (?, ?)", (stack, _json(event)))
            oldest = "SELECT id FROM event WHERE stack = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2"
            connection.execute(f"DELETE FROM event WHERE stack = ?1 AND id <= ({oldest})", (stack, MAX_EVENTS))  # noqa: S608 - both are constants

        await self._database.write(write)

    async def _write(self, statement: str, *values: str) -> None:
        await self._database.write(lambda connection: connection.execute(statement, values))


def _put(connection: sqlite3.Connection, stack: str, logical_id: str, record: ResourceRecord | None) -> None:
    if record is None:
        connection.execute("DELETE FROM resource WHERE stack = ? AND logical_id = ?", (stack, logical_id))
    else:
        connection.execute("INSERT OR REPLACE INTO resource VALUES (?, ?, ?)", (stack, logical_id, _json(record)))


def _retain(connection: sqlite3.Connection, stack: str, record: ResourceRecord) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?)", (stack, record.type, record.physical_id, _json(record))
    )


def _nothing() -> ResourceRecord:
    raise ValueError("a step is about a resource")


def _json(record: Any) -> str:
    return json.dumps(asdict(record), ensure_ascii=False)


def _stack(text: str) -> StackRecord:
    document = json.loads(text)
    notices = [Notice.from_json(each) for each in document.get("without_effect", ())]
    known = {each.name: document[each.name] for each in fields(StackRecord) if each.name in document}
    return StackRecord(**{**known, "status": Status(document["status"]), "without_effect": notices})


def _resource(text: str) -> ResourceRecord:
    return ResourceRecord(**json.loads(text))


def _step(number: int, text: str) -> Step:
    document = json.loads(text)
    before = document["before"]
    return Step(number, document["kind"], document["logical_id"], ResourceRecord(**before) if before else None)
