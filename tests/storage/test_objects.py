"""Object files: written once, sealed, durable, read while they are discarded, swept when a crash left them."""

import asyncio
import errno
import os
import tracemalloc

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.storage.objects import CHUNK, PIECE, ObjectFiles, Span
from stratus.storage.sealing import Seal


def ignore(data: bytes) -> None:
    """Nobody digests these bytes."""


@pytest.fixture
def files(tmp_path):
    made = ObjectFiles(tmp_path / "objects", Seal(bytes(32)))
    yield made
    made.close()


def on_disk(files):
    return sorted(path.name for path in files._directory.rglob("*") if path.is_file())


async def write(files, *pieces):
    writer = files.create(ignore)
    for piece in pieces:
        await writer.write(piece)
    await writer.finish()
    return writer.file_id


async def read(files, *spans):
    return b"".join([piece async for piece in files.read(spans)])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, PIECE, 3 * PIECE + 5]), max_size=4), st.data()
)
def test_any_range_of_any_sizes_of_pieces(tmp_path_factory, sizes, data):
    async def check():
        files = ObjectFiles(tmp_path_factory.mktemp("objects"), Seal(bytes(32)))
        pieces = [os.urandom(size) for size in sizes]
        seen = []
        writer = files.create(seen.append)
        for piece in pieces:
            await writer.write(piece)
        await writer.finish()
        whole = b"".join(pieces)
        assert b"".join(seen) == whole
        start = data.draw(st.integers(0, len(whole)))
        stop = data.draw(st.integers(start, len(whole)))
        assert (
            await read(files, b"<", Span(writer.file_id, len(whole), start, stop), b">")
            == b"<" + whole[start:stop] + b">"
        )
        files.close()

    asyncio.run(check())


async def test_what_is_on_disk_is_neither_readable_nor_exchangeable(files):
    one, two = await write(files, b"secret" * 20_000), await write(files, b"public" * 20_000)
    assert b"secret" not in files.path(one).read_bytes()
    files.path(one).write_bytes(files.path(two).read_bytes())
    with pytest.raises(InvalidTag):
        await read(files, Span(one, 120_000, 0, 10))


async def test_chunks_of_one_file_cannot_change_places(files):
    one = await write(files, b"a" * CHUNK + b"b" * CHUNK)
    sealed = files.path(one).read_bytes()
    half = len(sealed) // 2
    files.path(one).write_bytes(sealed[half:] + sealed[:half])
    with pytest.raises(InvalidTag):
        await read(files, Span(one, 2 * CHUNK, 0, 1))


async def test_a_discarded_file_stays_until_its_last_reader_is_done(files):
    one = await write(files, b"x" * 1_000_000)
    first, second = (files.read([Span(one, 1_000_000, 0, 1_000_000)]) for _ in range(2))
    await anext(first)
    files.discard([one])
    await first.aclose()
    assert on_disk(files) == [one]
    assert len(b"".join([piece async for piece in second])) == 1_000_000
    files.close()
    assert on_disk(files) == []


async def test_a_reading_that_nobody_began_lets_go(files):
    one = await write(files, b"x" * 1_000_000)
    reading = files.read([Span(one, 1_000_000, 0, 1_000_000)])
    files.discard([one])
    del reading
    files.close()
    assert on_disk(files) == []


async def test_the_sweep_removes_what_has_no_record_and_is_not_being_written(files):
    recorded, orphan = await write(files, b"a" * 100_000), await write(files, b"b")
    files.recorded(recorded)
    files.recorded(orphan)
    unfinished = files.create(ignore)
    unrecorded = await write(files, b"c")
    assert await files.sweep(lambda ids: {recorded} & set(ids)) == 1
    await unfinished.finish()
    files.close()
    assert on_disk(files) == sorted([recorded, unfinished.file_id, unrecorded])


async def test_a_full_disk_is_told_and_leaves_nothing(files, monkeypatch):
    writer = files.create(ignore)

    def full(data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, "_store_chunk", full)
    with pytest.raises(OSError, match="No space left"):
        await write_until_refused(writer)
    files.abandon(writer)
    files.close()
    assert on_disk(files) == []


async def write_until_refused(writer):
    for _ in range(8):
        await writer.write(b"x" * PIECE)
    await writer.finish()


async def test_a_writer_that_is_cancelled_leaves_nothing(files):
    writer = files.create(ignore)
    task = asyncio.ensure_future(write_until_refused(writer))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    files.abandon(writer)
    files.close()
    assert on_disk(files) == []


async def test_memory_is_bounded_however_large_a_file(files):
    tracemalloc.start()
    piece = b"x" * 100_000
    writer = files.create(ignore)
    for _ in range(500):
        await writer.write(piece)
    await writer.finish()
    async for _ in files.read([Span(writer.file_id, 50_000_000, 0, 50_000_000)]):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


async def test_many_readers_open_few_files(files):
    ids = [await write(files, b"%d" % n) for n in range(50)]
    before = len(os.listdir("/dev/fd"))
    spans = [Span(file_id, len(b"%d" % n), 0, len(b"%d" % n)) for n, file_id in enumerate(ids)]
    readings = [files.read(spans) for _ in range(100)]
    assert len(os.listdir("/dev/fd")) - before < 100
    for one in readings:
        assert b"".join([piece async for piece in one]) == b"".join(b"%d" % n for n in range(50))
