"""A request body that streams: what is not read yet is held in memory only up to a mark, then the client waits."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from stratus.wire.message import BodyIncomplete, BodyTooLarge

HIGH_WATER = 512 * 1024
LOW_WATER = 128 * 1024


class StreamBody:
    """Filled by the connection, emptied by the handler."""

    __slots__ = ("_ask", "_broken", "_held", "_paused", "_pieces", "_transport", "_wake", "finished")

    def __init__(self, transport: asyncio.Transport, ask: Callable[[], None] | None) -> None:
        self._transport = transport
        self._ask = ask
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._paused = False
        self._broken = False
        self._wake: asyncio.Future[None] | None = None
        self.finished = False

    def feed(self, data: bytes) -> None:
        self._pieces.append(data)
        self._held += len(data)
        if self._held > HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._notify()

    def finish(self) -> None:
        self.finished = True
        self._notify()

    def broken(self) -> None:
        """The rest will not come."""
        if not self.finished:
            self._broken = True
            self._notify()

    @property
    def is_awaited(self) -> bool:
        """Whether a reader waits for the client, and not the client for the reader."""
        return self._wake is not None and not self._wake.done()

    async def read(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in self:
            size += len(piece)
            if size > limit:
                raise BodyTooLarge
            pieces.append(piece)
        return b"".join(pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._ask is not None:
            ask, self._ask = self._ask, None
            if not self.finished:
                ask()
        while True:
            while self._pieces:
                yield self._take()
            if self.finished:
                return
            if self._broken:
                raise BodyIncomplete
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake

    def _take(self) -> bytes:
        if len(self._pieces) == 1:
            piece = self._pieces.popleft()
        else:
            piece = b"".join(self._pieces)
            self._pieces.clear()
        self._held -= len(piece)
        if self._paused and self._held <= LOW_WATER:
            self._paused = False
            self._transport.resume_reading()
        return piece

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
