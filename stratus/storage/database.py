"""SQLite with group commit: a write is acknowledged when it is on disk, and many writes share one sync.

The event loop runs the statements of a batch inside one transaction; a thread runs only its COMMIT; the next batch gathers
meanwhile. Reads go to a connection of their own and see what was committed.
"""

import asyncio
import os
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from stratus.wire.errors import AwsError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Waiting = tuple[Work[Any], "asyncio.Future[Any]", bool]
Outcome = tuple["asyncio.Future[Any]", Any, Exception | None]

MAX_BATCH = 256
MAX_BATCH_SECONDS = 0.004
"""The event loop is not held longer than this by one batch (a single piece of work may take longer)."""

CHECKPOINT_PAGES = 4000
WAL_LIMIT_BYTES = 64 * 1024 * 1024
"""The write-ahead log is copied into the file every 16 MB and cut back to this size after a peak."""

_STORAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)


class StorageFailure(AwsError):  # noqa: N818 - named as AWS names such errors
    """The disk could not take a batch of writes. None of them is acknowledged; the caller may try again.

    `ServiceUnavailable` (503) is AWS's common error for "a temporary failure of the server"
    (https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html).
    """

    def __init__(self, reason: str) -> None:
        super().__init__("ServiceUnavailable", f"The write could not be stored: {reason}", 503)


class Database:
    """One SQLite file with one writer. `schema` is run at opening and must be repeatable (`CREATE TABLE IF NOT EXISTS`)."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"commit-{path.stem}")
        self._queue: deque[Waiting] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closed = False
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._writer = _connect(path)
        self._writer.executescript(schema)
        self.reader = self.new_reader()

    def new_reader(self) -> sqlite3.Connection:
        """A further read-only connection, for long reads in a thread. The caller closes it."""
        reader = _connect(self.path)
        reader.execute("PRAGMA query_only=ON")
        return reader

    async def write(self, work: Work[T], *, savepoint: bool = True) -> T:
        """Runs `work(connection)` in the open batch and returns its result once the batch is on disk.

        If `work` raises, what it did is undone and the exception is the caller's; the rest of the batch is not touched.
        `savepoint=False` saves two statements where `work` raises only before it changes anything; should it raise later
        all the same, the whole batch is undone. A caller that is cancelled while it waits leaves its work either whole or
        undone, never half. Raises StorageFailure when the disk is full or broken.
        """
        if self._closed:
            raise StorageFailure("the database is closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((work, done, savepoint))
        if self._running is None:
            self._running = asyncio.ensure_future(self._run())
        return await done

    async def close(self) -> None:
        """Finishes what was queued, then closes the file."""
        self._closed = True
        while self._running is not None:
            await asyncio.wait([self._running])
        self._thread.shutdown()
        self.reader.close()
        self._writer.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                outcomes: list[Outcome] = []
                try:
                    self._apply(outcomes)
                    await loop.run_in_executor(self._thread, self._commit)
                except Exception as error:  # noqa: BLE001 - whatever broke, nobody may be left waiting
                    self._give_up(outcomes, error)
                else:
                    _deliver(outcomes)
        finally:
            self._running = None

    def _apply(self, outcomes: list[Outcome]) -> None:
        """Runs queued work in one transaction; `outcomes` gains each member, also when this raises half way."""
        connection = self._writer
        connection.execute("BEGIN IMMEDIATE")
        deadline = time.perf_counter() + MAX_BATCH_SECONDS
        while self._queue and len(outcomes) < MAX_BATCH and (not outcomes or time.perf_counter() < deadline):
            work, done, savepoint = self._queue.popleft()
            if done.cancelled():
                continue
            outcomes.append((done, None, None))
            changes = connection.total_changes
            if savepoint:
                connection.execute("SAVEPOINT work")
            try:
                result = work(connection)
            except Exception as error:
                half_done = not savepoint and connection.total_changes != changes
                if half_done or _is_storage_error(error) or not connection.in_transaction:
                    raise
                outcomes[-1] = (done, None, error)
                if savepoint:
                    connection.execute("ROLLBACK TO work")
            else:
                outcomes[-1] = (done, result, None)
            if savepoint:
                connection.execute("RELEASE work")

    def _commit(self) -> None:
        self._writer.execute("COMMIT")

    def _give_up(self, outcomes: list[Outcome], error: Exception) -> None:
        """Nothing of the batch stays. If the transaction could not even begin, everyone who waits is told."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error as second:  # the next BEGIN fails then, and comes here again
            error.add_note(f"rolling back failed too: {second}")
        if not outcomes:
            outcomes = [(done, None, None) for _, done, _ in self._queue]
            self._queue.clear()
        _deliver([(done, None, _failure(error)) for done, _, _ in outcomes])


def _failure(error: Exception) -> StorageFailure:
    failure = StorageFailure(str(error))
    failure.__cause__ = error
    return failure


def _deliver(outcomes: list[Outcome]) -> None:
    """Results and refusals alike, only after the commit: a refusal may rest on what the same batch wrote."""
    for done, result, error in outcomes:
        if done.done():
            continue
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)


def _is_storage_error(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _STORAGE_CODES


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.execute("PRAGMA busy_timeout=1000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
    connection.execute("PRAGMA cache_size=-16384")
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync=ON")
        connection.execute("PRAGMA checkpoint_fullfsync=ON")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection
