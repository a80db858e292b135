"""Files of bytes that are written once, streamed in and out with bounded memory, sealed and durable on disk.

A file is known by a random id and lies under that id only, so no name that a client chose ever reaches the file system. It is
durable when `Writer.finish` returns; whoever owns it then records the id. A file whose id was never recorded (a crash came first)
is an orphan, removed by `sweep`. A file that is discarded goes once nobody reads it any more.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from stratus.storage.durable import sync, sync_directory
from stratus.storage.sealing import TAG_BYTES, FileSeal, Seal

CHUNK = 64 * 1024
"""What is sealed at once."""
PIECE = 4 * CHUNK
"""What one turn of a thread reads or writes."""
THREADS = 8
SHARDS = "0123456789abcdef"
SWEEP_AT_ONCE = 500

Observe = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `stop` (exclusive) of a file of `size` bytes."""

    file_id: str
    size: int
    start: int
    stop: int


class ObjectFiles:
    """All files below `directory`."""

    def __init__(self, directory: Path, seal: Seal) -> None:
        self._directory = directory
        self._seal = seal
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="objects")
        self._unrecorded: set[str] = set()
        self._readers: Counter[str] = Counter()
        self._doomed: set[str] = set()
        self._lock = RLock()  # a reading that is dropped lets go wherever the garbage collector happens to run
        for shard in SHARDS:
            (directory / shard).mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(directory)

    def path(self, file_id: str) -> Path:
        return self._directory / file_id[0] / file_id

    def create(self, observe: Observe) -> "Writer":
        """A new file. `observe` sees each piece, in order, in the thread that writes it: the place for digests."""
        file_id = os.urandom(16).hex()
        self._unrecorded.add(file_id)
        return Writer(self.path(file_id), file_id, self._seal.for_file(file_id), self._threads, observe)

    def recorded(self, file_id: str) -> None:
        """Its owner has durably recorded the file."""
        self._unrecorded.discard(file_id)

    def abandon(self, writer: "Writer") -> None:
        """Removes what was never recorded."""
        writer.abandon()
        self._unrecorded.discard(writer.file_id)

    def read(self, spans: Iterable[Span | bytes]) -> "Reading":
        """Streams the spans one after the other (bytes are already here), even when their files are discarded meanwhile."""
        return Reading(self, list(spans))

    def discard(self, file_ids: Iterable[str]) -> None:
        """Removes files that no record names any more, in the background and after their last reader."""
        with self._lock:
            for file_id in file_ids:
                if file_id in self._readers:
                    self._doomed.add(file_id)
                else:
                    self._threads.submit(self.path(file_id).unlink, missing_ok=True)

    async def sweep(self, recorded: Callable[[list[str]], set[str]]) -> int:
        """Removes orphans; `recorded` says which of some ids have a record. Returns how many files it removed."""
        loop = asyncio.get_running_loop()
        removed = 0
        for shard in SHARDS:
            found = await loop.run_in_executor(self._threads, os.listdir, self._directory / shard)
            for start in range(0, len(found), SWEEP_AT_ONCE):
                orphans = self._orphans(found[start : start + SWEEP_AT_ONCE], recorded)
                self.discard(orphans)
                removed += len(orphans)
                await asyncio.sleep(0)
        return removed

    def _orphans(self, found: list[str], recorded: Callable[[list[str]], set[str]]) -> set[str]:
        with self._lock:
            return set(found) - self._unrecorded - self._doomed - recorded(found)

    def close(self) -> None:
        self._threads.shutdown()

    def hold(self, file_ids: Iterable[str]) -> None:
        with self._lock:
            self._readers.update(file_ids)

    def let_go(self, file_ids: Iterable[str]) -> None:
        with self._lock:
            for file_id in file_ids:
                self._readers[file_id] -= 1
                if not self._readers[file_id]:
                    del self._readers[file_id]
                    if file_id in self._doomed:
                        self._doomed.discard(file_id)
                        self.discard([file_id])

    def submit_read(self, span: Span) -> "Future[bytes]":
        return self._threads.submit(_read, self.path(span.file_id), self._seal.for_file(span.file_id), span)


class Writer:
    """One file being written. While a thread stores one piece, the next gathers: at most two are in memory."""

    def __init__(self, path: Path, file_id: str, seal: FileSeal, threads: ThreadPoolExecutor, observe: Observe) -> None:
        self.file_id = file_id
        self._path = path
        self._seal = seal
        self._threads = threads
        self._observe = observe
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._tail = b""
        self._chunks = 0
        self._storing: Future[None] | None = None
        self._file = open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")  # noqa: SIM115 - closed by finish or abandon

    async def write(self, data: bytes) -> None:
        """Takes more bytes; raises OSError (a full disk) for what was given before."""
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= PIECE:
            await self._hand_over(self._store)

    async def finish(self) -> None:
        """Returns when all bytes are on disk."""
        await self._hand_over(self._store_last)
        await self._stored()

    def abandon(self) -> None:
        """Removes the file, at once or when the piece under way is stored."""
        if self._storing is None:
            self._remove()
        else:
            self._storing.add_done_callback(lambda _: self._remove())

    async def _hand_over(self, store: Callable[[bytes], None]) -> None:
        await self._stored()
        piece = b"".join(self._gathered)
        self._gathered.clear()
        self._gathered_bytes = 0
        self._storing = self._threads.submit(store, piece)

    async def _stored(self) -> None:
        if self._storing is not None:
            await asyncio.wrap_future(self._storing)

    def _store(self, piece: bytes) -> None:
        self._observe(piece)
        piece = self._tail + piece
        whole = len(piece) - len(piece) % CHUNK
        for start in range(0, whole, CHUNK):
            self._store_chunk(piece[start : start + CHUNK])
        self._tail = piece[whole:]

    def _store_last(self, piece: bytes) -> None:
        self._store(piece)
        if self._tail:
            self._store_chunk(self._tail)
        self._file.flush()
        sync(self._file.fileno())
        self._file.close()
        sync_directory(self._path.parent)

    def _store_chunk(self, chunk: bytes) -> None:
        self._file.write(self._seal.close(self._chunks, chunk))
        self._chunks += 1

    def _remove(self) -> None:
        try:
            self._file.close()
        finally:  # closing flushes, which a full disk refuses
            self._path.unlink(missing_ok=True)


class Reading(AsyncIterator[bytes]):
    """Bytes on their way out. The next piece is read while the last is sent: at most two are in memory."""

    def __init__(self, files: ObjectFiles, spans: list[Span | bytes]) -> None:
        self._files = files
        self._held = [span.file_id for span in spans if isinstance(span, Span)]
        files.hold(self._held)
        self._pieces = _pieces(spans)
        self._next = self._ask()

    def __aiter__(self) -> "Reading":
        return self

    async def __anext__(self) -> bytes:
        if self._next is None:
            self._release()
            raise StopAsyncIteration
        coming, self._next = self._next, self._ask()
        return coming if isinstance(coming, bytes) else await asyncio.wrap_future(coming)

    async def aclose(self) -> None:
        self._release()

    def __del__(self) -> None:  # a response that nobody ever began to send
        self._release()

    def _ask(self) -> "Future[bytes] | bytes | None":
        piece = next(self._pieces, None)
        return self._files.submit_read(piece) if isinstance(piece, Span) else piece

    def _release(self) -> None:
        held, self._held = self._held, []
        self._pieces = iter(())
        self._files.let_go(held)


def _pieces(spans: list[Span | bytes]) -> Iterator[Span | bytes]:
    for span in spans:
        if isinstance(span, bytes):
            yield span
            continue
        start = span.start
        while start < span.stop:
            stop = min(span.stop, start - start % PIECE + PIECE)
            yield Span(span.file_id, span.size, start, stop)
            start = stop


def _read(path: Path, seal: FileSeal, span: Span) -> bytes:
    first, last = span.start // CHUNK, (span.stop - 1) // CHUNK
    plain = []
    with path.open("rb", buffering=0) as file:
        file.seek(first * (CHUNK + TAG_BYTES))
        for number in range(first, last + 1):
            length = min(CHUNK, span.size - number * CHUNK)
            plain.append(seal.open(number, file.read(length + TAG_BYTES)))
    return b"".join(plain)[span.start - first * CHUNK : span.stop - first * CHUNK]
