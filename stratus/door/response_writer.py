"""Responses written to a socket: whole ones in one write, files and iterators piece by piece at the client's pace."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

from stratus.wire.message import FileRange, Request, Response

PIECE = 256 * 1024
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
_BODILESS = frozenset({204, 304})


class ClientGone(Exception):  # noqa: N818 - named for what happened
    """The connection closed before the response was written."""


class ResponseWriter:
    """Writes to one connection; `pause` and `resume` are the transport's flow control."""

    def __init__(self, transport: asyncio.Transport, on_progress: Callable[[], None]) -> None:
        self._transport = transport
        self._on_progress = on_progress
        self._resumed: asyncio.Future[None] | None = None
        self._closed = False

    def pause(self) -> None:
        if self._resumed is None:
            self._resumed = asyncio.get_running_loop().create_future()

    def resume(self) -> None:
        resumed, self._resumed = self._resumed, None
        if resumed is not None and not resumed.done():
            resumed.set_result(None)

    def closed(self) -> None:
        self._closed = True
        self.resume()

    def say_continue(self) -> None:
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def write(self, request: Request, response: Response, *, keep: bool, chunks: bool) -> None:
        """A body of unknown length ends, where the client knows no `chunks`, with the connection, which then is not to be kept.

        Raises whatever the body raises, ClientGone, or OSError; then the answer is broken and the connection must end.
        """
        body = response.body
        bodiless = request.method == "HEAD" or response.status in _BODILESS
        if isinstance(body, bytes):
            head = _head(response, keep, None if response.status in _BODILESS else len(body))
            self._transport.write(head if bodiless else head + body)
            if self._resumed is not None or self._closed:
                await self._drain()
        elif isinstance(body, FileRange):
            self._transport.write(_head(response, keep, body.stop - body.start))
            if not bodiless:
                await self._write_file(body)
        else:
            chunked = chunks and not any(name.lower() == "content-length" for name, _ in response.headers)
            head = _head(response, keep, None)
            self._transport.write(head[:-2] + b"transfer-encoding: chunked\r\n\r\n" if chunked else head)
            if not bodiless:
                async for piece in body:
                    if piece:
                        await self._piece(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                if chunked:
                    self._transport.write(b"0\r\n\r\n")

    async def _write_file(self, body: FileRange) -> None:
        loop = asyncio.get_running_loop()
        with body.path.open("rb") as file:
            file.seek(body.start)
            left = body.stop - body.start
            while left:
                size = min(left, PIECE)
                data = file.read(size) if left <= PIECE else await loop.run_in_executor(None, file.read, size)
                if not data:
                    raise OSError(f"{body.path} is shorter than its record says")
                left -= len(data)
                await self._piece(data)

    async def _piece(self, data: bytes) -> None:
        self._transport.write(data)
        await self._drain()
        self._on_progress()

    async def _drain(self) -> None:
        if self._resumed is not None:
            await self._resumed
        if self._closed:
            raise ClientGone


_date = (0, "")


def _http_date() -> str:
    global _date  # noqa: PLW0603 - one header line, remade once a second
    now = int(time.time())
    if _date[0] != now:
        _date = (now, f"date: {formatdate(now, usegmt=True)}")
    return _date[1]


def _head(response: Response, keep: bool, length: int | None) -> bytes:
    lines = [_STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} Unknown"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    names = {name.lower() for name, _ in response.headers}
    if length is not None and "content-length" not in names:
        lines.append(f"content-length: {length}")
    if "date" not in names:
        lines.append(_http_date())
    if not keep:
        lines.append("connection: close")
    lines.append("\r\n")
    head = "\r\n".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines) or "\0" in head:
        raise ValueError(f"a line break in one of the headers {sorted(names)}")
    return head.encode("latin-1", "replace")
