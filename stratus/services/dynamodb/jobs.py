"""What goes on beside requests: rows of deleted tables go, new indexes fill, items and records expire.

Each job works in small steps, so that requests are served between them, and begins anew after a restart.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any

import orjson

from stratus.services.dynamodb import rows
from stratus.services.dynamodb.catalog import State
from stratus.services.dynamodb.rows import expiry
from stratus.services.dynamodb.table import Index, Key, Table
from stratus.storage.database import StorageFailure
from stratus.wire.errors import AwsError

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

log = logging.getLogger(__name__)

STEP_ROWS = 200
STEP_BYTES = 512 * 1024
EXPIRE_ROWS = 50
SWEEP_SECONDS = 30.0
RETRY_SECONDS = 10.0
TTL_LIMIT_SECONDS = 5 * 365 * 24 * 3600
"""Items that expired more than five years ago are left alone, as on AWS."""


class Jobs:
    def __init__(self, service: "DynamoDb") -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Takes up what a stop or a crash left unfinished, and sweeps from now on."""
        for table in self._service.catalog.tables():
            if table.status == "DELETING":
                self.purge_table(table)
            else:
                self.settle_indexes(table)
                if table.state.get("TtlUnread"):
                    self.read_expiries(table)
        self._spawn(self._sweep_for_ever())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def settled(self) -> None:
        """Waits until every job but the sweeping is done; for tests."""
        while pending := [task for task in self._tasks if task.get_name() != "_sweep_for_ever"]:
            await asyncio.wait(pending)

    def purge_table(self, table: Table) -> None:
        self._spawn(self._purge_table(table))

    def settle_indexes(self, table: Table) -> None:
        """Fills indexes that are being created and empties those that are being deleted."""
        for index in table.indexes:
            if index.status == "CREATING":
                self._spawn(self._fill_index(table, index))
            elif index.status == "DELETING":
                self._spawn(self._delete_index(table, index))

    def read_expiries(self, table: Table) -> None:
        self._spawn(self._read_expiries(table))

    def _spawn(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(self._guarded(job))
        task.set_name(getattr(job, "__name__", ""))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except AwsError as error:  # the table went away meanwhile
            log.warning("DynamoDB: a background job ended early: %s", error)
        except Exception:
            log.exception("DynamoDB: a background job failed; the next start takes it up again")

    async def _purge_table(self, table: Table) -> None:
        for name in (*(table.index_rows(index) for index in table.indexes), table.rows):
            await self._empty(name)
        await self._service.catalog.remove(table)

    async def _empty(self, name: str) -> None:
        """Deletes a table's rows step by step, then the table."""

        key = "hash, range, base_hash, base_range" if name.startswith("index_") else "hash, range"
        marks = ", ".join("?" for _ in key.split(", "))

        def step(connection: sqlite3.Connection) -> bool:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone():
                return False
            found = connection.execute(f"SELECT COALESCE(size, 0), {key} FROM {name} LIMIT ?", (STEP_ROWS,))
            keys = [row[1:] for row in _at_most(STEP_BYTES, found)]
            if not keys:
                connection.execute(f"DROP TABLE {name}")
                return False
            connection.executemany(f"DELETE FROM {name} WHERE ({key}) = ({marks})", keys)
            return True

        while await self._write(step):
            pass

    async def _write(self, step: Any) -> Any:
        """One step; a full disk is waited out."""
        while True:
            try:
                return await self._service.database.write(step)
            except StorageFailure as failure:
                log.warning("DynamoDB: a background job waits: %s", failure)
                await self._service.clock.sleep(RETRY_SECONDS)

    async def _fill_index(self, table: Table, index: Index) -> None:
        def fill(connection: sqlite3.Connection, key: Key, item: Any, live: Table) -> None:
            try:
                index.check_types(item)
                entry = rows.entry(live, index, item)
            except AwsError:  # as on AWS, what cannot be a key of the new index is left out of it
                return
            if entry is not None:
                rows.put_entry(connection, live, index, key, entry)

        await self._each_item(table, fill)

        def activate(connection: sqlite3.Connection, state: State) -> None:
            for each in state["GlobalSecondaryIndexes"]:
                if each["Number"] == index.number:
                    each["IndexStatus"] = "ACTIVE"

        await self._service.catalog.change(table, activate)

    async def _delete_index(self, table: Table, index: Index) -> None:
        def forget(connection: sqlite3.Connection, state: State) -> None:
            left = [each for each in state["GlobalSecondaryIndexes"] if each["Number"] != index.number]
            state["GlobalSecondaryIndexes"] = left
            used = {element["AttributeName"] for each in _schemas(state) for element in each}
            state["AttributeDefinitions"] = [
                each for each in state["AttributeDefinitions"] if each["AttributeName"] in used
            ]

        await self._empty(table.index_rows(index))
        await self._service.catalog.change(table, forget)

    async def _read_expiries(self, table: Table) -> None:
        def note(connection: sqlite3.Connection, key: Key, item: Any, live: Table) -> None:
            expires = None if live.ttl_attribute is None else expiry(item, live.ttl_attribute)
            connection.execute(f"UPDATE {live.rows} SET expires = ? WHERE hash = ? AND range = ?", (expires, *key))

        await self._each_item(table, note)

        def finish(connection: sqlite3.Connection, state: State) -> None:
            state["TtlUnread"] = False

        await self._service.catalog.change(table, finish)

    async def _each_item(self, table: Table, visit: Any) -> None:
        place: Key = (b"", b"")

        def step(connection: sqlite3.Connection) -> Key | None:
            live = self._service.catalog.live(table)
            rows_after = f"SELECT size, hash, range, item FROM {table.rows} WHERE (hash, range) > (?, ?)"
            found = connection.execute(f"{rows_after} ORDER BY hash, range LIMIT ?", (*place, STEP_ROWS))
            reached = None
            for _, hash_key, range_key, item in _at_most(STEP_BYTES, found):
                reached = hash_key, range_key
                visit(connection, reached, orjson.loads(item), live)
            return reached

        while (reached := await self._write(step)) is not None:
            place = reached

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:
                log.exception("DynamoDB: sweeping ended early; it goes on in %s seconds", SWEEP_SECONDS)
            await self._service.clock.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Deletes expired items, stream records past their 24 hours, and tokens past their ten minutes."""
        for table in self._service.catalog.tables():
            if table.status == "ACTIVE" and table.ttl_attribute is not None:
                while await self._expire(table) == EXPIRE_ROWS:
                    pass
        trim = self._service.log.trim
        while await self._service.database.write(lambda connection: trim(connection, STEP_ROWS)) >= STEP_ROWS:
            pass
        while await self._service.database.write(self._forget_tokens) == STEP_ROWS:
            pass

    def _forget_tokens(self, connection: sqlite3.Connection) -> int:
        expired = "SELECT token FROM transactions WHERE expires <= ? LIMIT ?"
        arguments = (self._service.clock.now(), STEP_ROWS)
        return connection.execute(f"DELETE FROM transactions WHERE token IN ({expired})", arguments).rowcount

    async def _expire(self, table: Table) -> int:
        now = self._service.clock.now()
        found = self._service.database.reader.execute(
            f"SELECT hash, range FROM {table.rows} WHERE expires <= ? AND expires > ? ORDER BY expires LIMIT ?",
            (now, now - TTL_LIMIT_SECONDS, EXPIRE_ROWS),
        ).fetchall()
        if not found:
            return 0

        def step(connection: sqlite3.Connection) -> None:
            live = self._service.catalog.live(table)
            for key in found:
                old = rows.read(connection, live, key)
                if old is None or live.ttl_attribute is None:
                    continue
                expires = expiry(orjson.loads(old.item), live.ttl_attribute)
                if expires is not None and now - TTL_LIMIT_SECONDS < expires <= now:
                    rows.write(connection, live, key, old, None, self._service.log, expired=True)
                else:
                    connection.execute(
                        f"UPDATE {live.rows} SET expires = ? WHERE hash = ? AND range = ?", (expires, *key)
                    )

        await self._service.database.write(step)
        return len(found)


def _at_most(size: int, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows, led by their sizes, until they are together larger than `size`; at least one, if there is one."""
    taken: list[tuple[Any, ...]] = []
    for row in rows:
        taken.append(row)
        size -= row[0]
        if size < 0:
            break
    return taken


def _schemas(state: State) -> list[Any]:
    kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    return [state["KeySchema"], *(each["KeySchema"] for kind in kinds for each in state.get(kind) or ())]
