"""Group commit: whole or not at all, acknowledged only when on disk, alive after the disk was full."""

import asyncio
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stratus.storage import database as module
from stratus.storage.database import Database, StorageFailure

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "test.sqlite", SCHEMA)
    yield opened
    await opened.close()


def insert(text: str, times: int = 1) -> Any:
    def work(connection: sqlite3.Connection) -> str:
        for number in range(times):
            connection.execute("INSERT INTO notes (text) VALUES (?)", (text if times == 1 else f"{text}-{number}",))
        return text

    return work


def texts(database: Database) -> set[str]:
    return {text for (text,) in database.reader.execute("SELECT text FROM notes").fetchall()}


async def test_a_write_is_read_after_it_was_awaited(database: Database) -> None:
    assert await database.write(insert("a")) == "a"
    assert texts(database) == {"a"}


async def test_many_writers_share_a_commit(database: Database) -> None:
    commits = 0
    commit = database._commit

    def counting() -> None:
        nonlocal commits
        commits += 1
        commit()

    database._commit = counting  # type: ignore[method-assign]
    await asyncio.gather(*(database.write(insert(str(number))) for number in range(100)))
    assert len(texts(database)) == 100
    assert commits < 10


async def test_given_a_member_that_raises_then_only_it_is_undone(database: Database) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        insert("half")(connection)
        raise ValueError("no")

    results = await asyncio.gather(
        database.write(insert("before")),
        database.write(broken),
        database.write(insert("after")),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert texts(database) == {"before", "after"}


async def test_given_work_without_a_savepoint_that_raises_half_way_then_nothing_of_its_batch_stays(
    database: Database,
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        insert("half")(connection)
        raise ValueError("no")

    results = await asyncio.gather(
        database.write(insert("before")), database.write(broken, savepoint=False), return_exceptions=True
    )
    assert [type(result) for result in results] == [StorageFailure, StorageFailure]
    assert texts(database) == set()


async def test_given_a_constraint_that_fails_then_the_batch_goes_on(database: Database) -> None:
    results = await asyncio.gather(
        database.write(insert("same")),
        database.write(insert("same")),
        database.write(insert("other"), savepoint=False),
        return_exceptions=True,
    )
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert texts(database) == {"same", "other"}


async def test_a_refusal_is_told_only_when_what_it_rests_on_is_on_disk(database: Database) -> None:
    """GIVEN a batch whose second member refuses because of the first WHEN the commit fails THEN neither is told as done."""

    def failing() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    commit = database._commit
    database._commit = failing  # type: ignore[method-assign]
    results = await asyncio.gather(
        database.write(insert("same")), database.write(insert("same")), return_exceptions=True
    )
    database._commit = commit  # type: ignore[method-assign]
    assert [type(result) for result in results] == [StorageFailure, StorageFailure]
    assert texts(database) == set()
    await database.write(insert("same"))


@pytest.mark.parametrize("turns", range(6))
async def test_given_a_caller_that_goes_away_then_its_work_is_whole_or_undone(database: Database, turns: int) -> None:
    tasks = [asyncio.ensure_future(database.write(insert(f"t{number}", times=3))) for number in range(20)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await database.write(insert("end"))
    found = texts(database)
    for number, result in enumerate(results):
        there = sum(f"t{number}-{part}" in found for part in range(3))
        assert there in (0, 3)
        if not isinstance(result, BaseException):
            assert there == 3


async def test_given_a_full_disk_then_every_member_fails_plainly_and_space_brings_it_back(database: Database) -> None:
    await database.write(insert("kept"))
    (pages,) = database._writer.execute("PRAGMA page_count").fetchone()
    database._writer.execute(f"PRAGMA max_page_count={pages + 2}")
    big = "x" * 3000
    results = await asyncio.gather(
        *(database.write(insert(f"{big}{number}"), savepoint=number % 2 == 0) for number in range(20)),
        return_exceptions=True,
    )
    assert all(isinstance(result, StorageFailure) for result in results)
    assert texts(database) == {"kept"}
    database._writer.execute("PRAGMA max_page_count=1000000")
    await database.write(insert(big))
    assert texts(database) == {"kept", big}


FULL_FILE = """
import asyncio, resource, signal, sys
from pathlib import Path
from stratus.storage.database import Database, StorageFailure

async def main(path):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    database = Database(Path(path), "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
    insert = lambda c: c.execute("INSERT INTO notes (text) VALUES (?)", ("x" * 20000,)).lastrowid
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    acknowledged, failed = [], 0
    for limit in (400_000, 800_000, 1_200_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        for _ in range(12):
            for result in await asyncio.gather(*(database.write(insert) for _ in range(3)), return_exceptions=True):
                if isinstance(result, StorageFailure):
                    failed += 1
                elif isinstance(result, BaseException):
                    raise result
                else:
                    acknowledged.append(result)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    acknowledged.append(await database.write(insert))
    found = [row for (row,) in database.reader.execute("SELECT id FROM notes ORDER BY id")]
    assert failed > 10, failed
    assert found == acknowledged, (found, acknowledged)
    assert database.reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    await database.close()
    print("alive", len(found), failed)

asyncio.run(main(sys.argv[1]))
"""


def test_given_a_file_that_may_not_grow_then_the_process_lives_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """The system itself refuses the bytes (a file size limit), lets some through, and refuses again."""
    ran = subprocess.run(
        [sys.executable, "-c", FULL_FILE, str(tmp_path / "full.sqlite")], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.startswith("alive"), ran.stderr


async def test_given_a_transaction_that_sqlite_gave_up_then_no_member_commits_alone(database: Database) -> None:
    """SQLite may roll a whole transaction back when it fails; what came before must not be told as done, nor come after."""

    def gives_up(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise ValueError("gave up")

    results = await asyncio.gather(
        database.write(insert("before")),
        database.write(gives_up),
        database.write(insert("after")),
        return_exceptions=True,
    )
    assert isinstance(results[0], StorageFailure)
    assert isinstance(results[1], StorageFailure)
    assert results[2] == "after"
    assert texts(database) == {"after"}


async def test_close_finishes_what_was_queued_and_refuses_what_comes_after(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.sqlite", SCHEMA)
    writes = [asyncio.ensure_future(database.write(insert(str(number)))) for number in range(600)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    with pytest.raises(StorageFailure):
        await database.write(insert("late"))
    again = Database(tmp_path / "test.sqlite", SCHEMA)
    assert len(texts(again)) == 600
    await again.close()


async def test_the_log_stays_bounded_while_readers_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a small checkpoint threshold WHEN writes and reads go on THEN the write-ahead log does not grow with them."""
    database._writer.execute("PRAGMA wal_autocheckpoint=50")
    log = database.path.with_name(database.path.name + "-wal")
    for round_ in range(60):
        await asyncio.gather(*(database.write(insert(f"{round_}-{number}" + "x" * 2000)) for number in range(16)))
        assert database.reader.execute("SELECT COUNT(*) FROM notes").fetchone() == ((round_ + 1) * 16,)
    assert log.stat().st_size < 200 * 4200


async def test_one_batch_does_not_hold_the_loop(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_SECONDS", 0.0)
    await asyncio.gather(*(database.write(insert(str(number))) for number in range(10)))
    assert len(texts(database)) == 10


async def test_the_file_is_the_owners_alone(database: Database) -> None:
    assert database.path.stat().st_mode & 0o777 == 0o600


WRITER = """
import asyncio, sys
from pathlib import Path
from stratus.storage.database import Database

async def main(path, start):
    database = Database(Path(path), "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
    async def client(number):
        for turn in range(100000):
            row = (start * 10000 + number) * 100000 + turn
            await database.write(lambda c: c.execute("INSERT INTO notes VALUES (?, ?)", (row, "x" * (row % 3000))), savepoint=turn % 2 == 0)
            sys.stdout.write(f"{row}\\n")
            sys.stdout.flush()
    await asyncio.gather(*(client(number) for number in range(16)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def killed_once(path: Path, start: int, after: int) -> set[int]:
    """Runs a writer, kills it after it has acknowledged `after` writes; what it had acknowledged."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    told = b"".join(writer.stdout.readline() for _ in range(after))
    os.kill(writer.pid, signal.SIGKILL)
    told += writer.stdout.read()
    writer.wait()
    lines = told.split(b"\n")
    return {int(line) for line in lines[:-1]}  # the last line may be cut


def survives(path: Path, kills: int, seed: int) -> None:
    acknowledged: set[int] = set()
    chance = random.Random(seed)
    for start in range(kills):
        acknowledged |= killed_once(path, start, chance.randint(1, 400))
        there = sqlite3.connect(path)
        found = {row for (row,) in there.execute("SELECT id FROM notes")}
        assert there.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there.close()
        assert acknowledged <= found


def test_given_sigkill_then_every_acknowledged_write_is_there(tmp_path: Path) -> None:
    survives(tmp_path / "killed.sqlite", kills=8, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_given_200_sigkills_then_every_acknowledged_write_is_there(tmp_path: Path) -> None:
    survives(tmp_path / "killed.sqlite", kills=200, seed=2)


TRACED = """
import asyncio, os, sys
from pathlib import Path
from stratus.storage.database import Database

async def main(path):
    database = Database(Path(path), "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
    for row in range(20):
        os.write(1, b"ask %d\\n" % row)
        await database.write(lambda c: c.execute("INSERT INTO notes VALUES (?, 'x')", (row,)))
        os.write(1, b"answer %d\\n" % row)
    await database.close()

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_system_calls_show_a_sync_between_write_and_answer(tmp_path: Path) -> None:
    """GIVEN writes one after another WHEN traced THEN each answer follows a write to the log and then a sync of the log."""
    trace = tmp_path / "trace"
    writer = [sys.executable, "-c", TRACED, str(tmp_path / "traced.sqlite")]
    subprocess.run(
        ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=write,pwrite64,fsync,fdatasync", *writer],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )  # fmt: skip
    seen = order_of(trace.read_text())
    assert seen.count("A") == 20
    for between in "".join(seen).split("?")[1:]:
        assert re.match("W+S", between.split("A")[0]), seen


def order_of(trace: str) -> list[str]:
    """`?` a request, `W` bytes to the log, `S` a finished sync of the log, `A` an answer."""
    seen = []
    syncing: set[str] = set()
    for line in trace.splitlines():
        thread = line.split()[0]
        if '"ask ' in line:
            seen.append("?")
        elif '"answer ' in line:
            seen.append("A")
        elif "pwrite64" in line and "sqlite-wal" in line:
            seen.append("W")
        elif re.search(r"f(data)?sync\(\d+<[^>]*-wal>", line):
            if "unfinished" in line:
                syncing.add(thread)
            elif line.rstrip().endswith("= 0"):
                seen.append("S")
        elif "sync resumed" in line and thread in syncing and line.rstrip().endswith("= 0"):
            syncing.discard(thread)
            seen.append("S")
    return seen
