"""The tables that there are. In memory for every request, in SQLite for ever."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import orjson

from stratus.services.dynamodb.errors import table_in_use, table_not_found, validation
from stratus.services.dynamodb.table import Table
from stratus.storage.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL);
"""

State = dict[str, Any]

_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]+").fullmatch


class Catalog:
    """Tables by name. What is in memory is always what is on disk: it changes only after its commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_name: dict[str, Table] = {}
        self._by_id: dict[int, Table] = {}
        for table_id, state in database.reader.execute("SELECT id, state FROM tables"):
            self._keep(Table.from_state(table_id, orjson.loads(state)))

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def tables(self) -> list[Table]:
        return list(self._by_id.values())

    def find(self, name: str) -> Table | None:
        return self._by_name.get(name)

    def find_active(self, name: str) -> Table | None:
        table = self._by_name.get(name)
        return None if table is None or table.status == "DELETING" else table

    def named(self, name: str) -> Table:
        """The table that item operations use. Raises ResourceNotFoundException, also while it is being deleted."""
        table = self.find_active(name)
        if table is None:
            raise table_not_found()
        return table

    def described(self, name: str) -> Table:
        """The table that control-plane operations use: named in the error, found while it is being deleted."""
        table = self._by_name.get(name)
        if table is None:
            raise table_not_found(name)
        return table

    def live(self, table: Table) -> Table:
        """`table` as it is now; work that waited for its turn may hold an older one."""
        now = self._by_id.get(table.id)
        if now is None or now.status == "DELETING":
            raise table_not_found()
        return now

    async def create(
        self,
        state: State,
        prepare: Callable[[sqlite3.Connection], None],
        make: Callable[[sqlite3.Connection, Table], None],
    ) -> Table:
        """Stores a new table. `prepare` may complete `state`, `make` creates the rows; all in one transaction."""

        def work(connection: sqlite3.Connection) -> Table:
            name = state["TableName"]
            if connection.execute("SELECT 1 FROM tables WHERE name = ?", (name,)).fetchone():
                raise table_in_use(f"Table already exists: {name}")
            prepare(connection)
            cursor = connection.execute("INSERT INTO tables (name, state) VALUES (?, ?)", (name, _text(state)))
            assert cursor.lastrowid is not None
            table = Table.from_state(cursor.lastrowid, state)
            make(connection, table)
            return table

        return await asyncio.shield(self._store(work))

    async def change(
        self,
        table: Table,
        alter: Callable[[sqlite3.Connection, State], None],
        make: Callable[[sqlite3.Connection, Table], None] | None = None,
    ) -> Table:
        """Alters a table's state; `alter` may raise, `make` sees the changed table. All in one transaction."""

        def work(connection: sqlite3.Connection) -> Table:
            found = connection.execute("SELECT state FROM tables WHERE id = ?", (table.id,)).fetchone()
            if found is None:
                raise table_not_found(table.name)
            state = orjson.loads(found[0])
            alter(connection, state)
            changed = Table.from_state(table.id, state)
            connection.execute("UPDATE tables SET state = ? WHERE id = ?", (_text(state), table.id))
            if make is not None:
                make(connection, changed)
            return changed

        return await asyncio.shield(self._store(work))

    async def remove(self, table: Table) -> None:
        await asyncio.shield(self._forget(table))

    async def _store(self, work: Callable[[sqlite3.Connection], Table]) -> Table:
        return self._keep(await self._database.write(work))

    async def _forget(self, table: Table) -> None:
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM tables WHERE id = ?", (table.id,)) and None
        )
        self._by_name.pop(table.name, None)
        self._by_id.pop(table.id, None)

    def _keep(self, table: Table) -> Table:
        self._by_name[table.name] = self._by_id[table.id] = table
        return table


def _text(state: State) -> str:
    return orjson.dumps(state).decode()


def table_name(given: str, region: str, account: str) -> str:
    """The table that a request's `TableName` (a name, or the ARN of a table here) means."""
    if given.startswith("arn:"):
        ours = f"arn:aws:dynamodb:{region}:{account}:table/"
        if not given.startswith(ours):
            raise table_not_found()
        given = given[len(ours) :]
    if not 3 <= len(given) <= 255 or not _TABLE_NAME(given):
        raise validation(
            "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, "
            "and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
        )
    return given
