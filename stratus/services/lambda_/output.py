"""What a worker prints: read as lines, bounded in size and rate, kept for the log stream and for LogType=Tail."""

import asyncio
import os
from collections.abc import Callable

MAX_LINE = 256 * 1024 - 26
"""CloudWatch Logs' largest event; a longer line goes on in the next one."""
MAX_PER_INVOCATION = 1024 * 1024
"""Bytes kept of one invocation. What is more is read, so that the function does not block, counted and dropped."""
TAIL = 4096
_PIECE = 65536
_PAUSE = 0.002  # while dropping: at most 32 MB/s are read, so that a flood takes little of the server


class Output:
    """The read end of a worker's standard output and error. `emit` gets each line, without its newline."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self.write_end, True)
        self._rest = b""
        self._kept = 0
        self._dropped = 0
        self._paused: asyncio.TimerHandle | None = None
        self._closed = False
        self._tail = bytearray()

    def start(self) -> None:
        """Begins to read. The writing end is the worker's by now."""
        os.close(self.write_end)
        self.write_end = -1
        self._loop.add_reader(self._read_end, self._readable)

    def begin(self) -> None:
        """A new invocation: a new allowance, an empty tail."""
        self._kept = self._dropped = 0
        self._tail.clear()

    def drain(self) -> None:
        """Takes in what was written until now and ends the last line."""
        if self._closed:
            return
        for _ in range(32):
            if not self._read():
                break
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        if self._dropped:
            self._emit(
                f"[stratus] {self._dropped} bytes of output were dropped: more than {MAX_PER_INVOCATION} in one invocation"
            )
            self._dropped = 0

    def note(self, line: str) -> None:
        """Puts a line of the platform's own (START, REPORT) among the function's."""
        self._remember(line.encode() + b"\n")
        self._emit(line)

    def tail(self) -> bytes:
        """The last 4 KB of this invocation's log."""
        return bytes(self._tail[-TAIL:])

    def close(self) -> None:
        if self._closed:
            return
        self.drain()
        self._closed = True
        self._loop.remove_reader(self._read_end)
        if self._paused is not None:
            self._paused.cancel()
        os.close(self._read_end)
        if self.write_end >= 0:
            os.close(self.write_end)

    def _readable(self) -> None:
        if self._read() and self._kept > MAX_PER_INVOCATION:
            self._loop.remove_reader(self._read_end)
            self._paused = self._loop.call_later(_PAUSE, self._resume)

    def _resume(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._read_end, self._readable)

    def _read(self) -> bool:
        """One piece; False when there is none now."""
        try:
            piece = os.read(self._read_end, _PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self._loop.remove_reader(self._read_end)
            return False
        self._kept += len(piece)
        if self._kept > MAX_PER_INVOCATION:
            self._dropped += len(piece)
            return True
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line)
        while len(self._rest) > MAX_LINE:
            self._line(self._rest[:MAX_LINE])
            self._rest = self._rest[MAX_LINE:]
        return True

    def _line(self, line: bytes) -> None:
        self._remember(line + b"\n")
        # the runtime client joins the lines of a stack trace with carriage returns, to keep them one event
        for start in range(0, len(line), MAX_LINE):
            self._emit(line[start : start + MAX_LINE].decode("utf-8", "replace").replace("\r", "\n"))

    def _remember(self, line: bytes) -> None:
        self._tail += line[-TAIL:]
        if len(self._tail) > 4 * TAIL:
            del self._tail[:-TAIL]
