"""SQLite with group commit: a write is acknowledged when it is on disk, and many writes share one sync.

The event loop runs the statements of a batch inside one transaction; a thread runs only its COMMIT; the next batch gathers
meanwhile. Reads go to a connection of their own and see what was committed.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MAX_BATCH = 256


class Database:
    """One SQLite file with one writer. `schema` is run at opening and must be repeatable (`CREATE TABLE IF NOT EXISTS`)."""

    def __init__(self, path: Path, schema: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"commit-{path.stem}")
        self._queue: list[tuple[Work[Any], asyncio.Future[Any], bool]] = []
        self._running: asyncio.Task[None] | None = None
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._writer = _connect(path)
        self._writer.executescript(schema)
        self.reader = _connect(path)
        self.reader.execute("PRAGMA query_only=ON")

    async def write(self, work: Work[T], *, savepoint: bool = True) -> T:
        """Runs `work(connection)` in the open batch and returns its result once the batch is on disk.

        If `work` raises, what it did is undone and the exception is the caller's; the rest of the batch is not touched.
        `savepoint=False` saves two statements where `work` raises only before it changes anything.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((work, done, savepoint))
        if self._running is None:
            self._running = asyncio.ensure_future(self._run())
        return await done

    async def close(self) -> None:
        """Finishes what was queued, then closes the file."""
        while self._running is not None:
            await asyncio.wait([self._running])
        self._thread.shutdown()
        self.reader.close()
        self._writer.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
                try:
                    finished = self._apply(batch)
                    await loop.run_in_executor(self._thread, self._commit)
                except Exception as error:  # noqa: BLE001 - a disk that is full or broken fails this batch, and only it
                    self._give_up(batch, error)
                    continue
                for done, result in finished:
                    if not done.done():
                        done.set_result(result)
        finally:
            self._running = None

    def _apply(self, batch: list[tuple[Work[Any], asyncio.Future[Any], bool]]) -> list[tuple[asyncio.Future[Any], Any]]:
        connection = self._writer
        connection.execute("BEGIN IMMEDIATE")
        finished = []
        for work, done, savepoint in batch:
            if done.cancelled():
                continue
            if savepoint:
                connection.execute("SAVEPOINT work")
            try:
                result = work(connection)
            except Exception as error:  # noqa: BLE001 - handed to whoever asked for the work
                if savepoint:
                    connection.execute("ROLLBACK TO work")
                    connection.execute("RELEASE work")
                done.set_exception(error)
            else:
                if savepoint:
                    connection.execute("RELEASE work")
                finished.append((done, result))
        return finished

    def _commit(self) -> None:
        self._writer.execute("COMMIT")

    def _give_up(self, batch: list[tuple[Work[Any], asyncio.Future[Any], bool]], error: Exception) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        for _, done, _ in batch:
            if not done.done():
                done.set_exception(error)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync=ON")
        connection.execute("PRAGMA checkpoint_fullfsync=ON")
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection
