"""How many items a table holds and how large they are, counted beside the event loop."""

import asyncio
import time

from stratus.services.dynamodb.table import Table
from stratus.storage.database import Database

Counts = dict[str, tuple[int, int]]

SHARE = 100
"""Counting a large table takes at most one part in this many of the time; AWS itself counts every six hours."""
CHEAP_SECONDS = 0.005
"""What takes no longer to count is counted whenever it is asked for."""


class Census:
    """Counts of tables, fresh for small tables and a little old for large ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, tuple[Table, float, Counts]] = {}
        self._counting: dict[int, asyncio.Task[Counts]] = {}

    async def count(self, table: Table) -> Counts:
        """Items and bytes of the table ("") and of each index by its name."""
        known = self._known.get(table.id)
        if known is not None and known[0] is table and time.monotonic() < known[1]:
            return known[2]
        if table.id not in self._counting:
            counting = asyncio.ensure_future(self._count(table))
            self._counting[table.id] = counting
            counting.add_done_callback(lambda _: self._counting.pop(table.id, None))
        return await asyncio.shield(self._counting[table.id])

    async def _count(self, table: Table) -> Counts:
        counts, took = await asyncio.to_thread(self._timed, table)
        if took > CHEAP_SECONDS:
            self._known[table.id] = table, time.monotonic() + SHARE * took, counts
        return counts

    def _timed(self, table: Table) -> tuple[Counts, float]:
        started = time.thread_time()
        return self._read(table), time.thread_time() - started

    def _read(self, table: Table) -> Counts:
        reader = self._database.new_reader()
        try:
            # One snapshot: the table or an index of it may be dropped while this thread counts.
            reader.execute("BEGIN")
            there = {name for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if table.rows not in there:
                return {}
            total = reader.execute(f"SELECT COUNT(*), COALESCE(SUM(size), 0) FROM {table.rows}").fetchone()
            counts: Counts = {"": total}
            for index in table.indexes:
                entries = table.index_rows(index)
                if entries not in there:
                    continue
                sized = "COALESCE(x.size, t.size)"
                join = f"LEFT JOIN {table.rows} t ON t.hash = x.base_hash AND t.range = x.base_range"
                counts[index.name] = reader.execute(
                    f"SELECT COUNT(*), COALESCE(SUM({sized}), 0) FROM {entries} x {join}"
                ).fetchone()
            return counts
        finally:
            reader.close()
