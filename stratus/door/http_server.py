"""HTTP/1.1 as the door needs it: the request line exactly as sent, bodies that stream both ways with bounded memory.

A signature covers the raw path, and API Gateway routes on it, so a server that hands over only a decoded path would not do.
Parsing is llhttp's (httptools). What a hostile or slow client can make us hold is bounded by `Limits`.
"""

import asyncio
import contextlib
import logging
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import httptools

from stratus.door.body import StreamBody
from stratus.door.response_writer import ResponseWriter
from stratus.wire.message import Body, BytesBody, Headers, Request, Response

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
Turn = tuple[Request, bool, bool]
"""A request, whether its connection is kept afterwards, and whether its client knows chunks (HTTP/1.0 does not)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    connections: int = 1024
    head: int = 64 * 1024
    fields: int = 200
    gathered_body: int = 1024 * 1024
    pipelined: int = 64
    head_timeout: float = 30.0
    body_stall: float = 30.0
    write_stall: float = 60.0
    keep_alive: float = 75.0
    grace: float = 10.0
    linger: float = 2.0


class HttpServer:
    """Listens on one address and gives each request to `handler`; an exception of the handler becomes a bare 500."""

    def __init__(self, handler: Handler, limits: Limits | None = None) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Raises OSError when the address is in use."""
        loop = asyncio.get_running_loop()
        handshake = self.limits.head_timeout if tls else None
        self._server = await loop.create_server(
            lambda: Connection(self, loop, secure=tls is not None),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=handshake,
            backlog=512,
        )
        self._sweeper = loop.create_task(self._sweep())

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Accepts nothing more, lets what was asked already be answered within the grace time, and closes every connection."""
        if self._server is not None:
            self._server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self.connections):
            connection.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.grace):
                while busy := [connection.task for connection in self.connections if connection.task is not None]:
                    await asyncio.wait(busy)
        for connection in list(self.connections):
            connection.close()

    async def _sweep(self) -> None:
        """One timer for all connections: drops whoever let a deadline pass. Wall time, as sockets live in it."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            now = loop.time()
            for connection in [late for late in self.connections if late.deadline < now]:
                connection.timed_out()


class Connection(asyncio.Protocol):
    """One client connection: requests in order, one handler at a time."""

    def __init__(self, server: HttpServer, loop: asyncio.AbstractEventLoop, *, secure: bool) -> None:
        self.server = server
        self.loop = loop
        self.secure = secure
        self.limits = server.limits
        self.task: asyncio.Task[None] | None = None
        self.deadline = loop.time() + self.limits.head_timeout
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Turn] = deque()
        self._client = ""
        self._ending = False
        self._lingering = False
        self._begin_head()

    # --- transport ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only
        self.writer = ResponseWriter(self.transport, self._still_writing)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if peer else ""
        self.server.connections.add(self)
        if len(self.server.connections) > self.limits.connections:
            self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        self._waiting.clear()
        self.writer.closed()
        if self._body is not None:
            self._body.broken()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        unfinished = len(data) if self._in_head else 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._lingering = True  # another protocol's bytes, which nobody asked for, may follow
            return
        except httptools.HttpParserError:
            self._malformed()
            return
        if self._in_head and unfinished:
            # The parser keeps a field that has no end yet; its bytes count before it hands them over.
            self._unfinished += unfinished
            if self._unfinished > self.limits.head:
                self._refuse(431)
        elif self._body is not None:
            self.deadline = self.loop.time() + self.limits.body_stall

    def eof_received(self) -> bool:
        """A client may close its side once it has asked; what it asked is answered, except under TLS, which ends as a whole here."""
        self._ending = True
        if self._body is not None:
            self._body.broken()
        return self.task is not None and not self.secure

    def pause_writing(self) -> None:
        self.writer.pause()

    def resume_writing(self) -> None:
        self.writer.resume()

    # --- parser ---

    def _begin_head(self) -> None:
        self._in_head = True
        self._head_size = 0
        self._unfinished = 0
        self._url = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._gathered: list[bytes] | None = None
        self._request: Request | None = None
        self._body: StreamBody | None = None

    def on_message_begin(self) -> None:
        self._begin_head()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._weigh(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._weigh(len(name) + len(value))
        self._fields.append((name, value))

    def _weigh(self, size: int) -> None:
        self._head_size += size
        if len(self._fields) >= self.limits.fields:
            self._head_size = self.limits.head + 1
        if self._head_size > self.limits.head:
            raise httptools.HttpParserError("the request's head is too large")

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers = Headers([(n.decode("latin-1"), v.decode("latin-1").strip(" \t")) for n, v in self._fields])
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("ascii")
        version, hosts = self._parser.get_http_version(), headers.all("host")
        if version not in ("1.0", "1.1"):
            raise httptools.HttpParserError("unknown version of HTTP")
        if len(hosts) > 1 or (not hosts and version == "1.1"):
            raise httptools.HttpParserError("one Host header, please")
        if not path.startswith("/"):
            path, headers = _origin_form(path, headers)
        self._request = Request(method, path, query, headers, client=self._client, secure=self.secure)
        length = headers.get("content-length")
        if (
            "expect" in headers
            or "transfer-encoding" in headers
            or (length and int(length) > self.limits.gathered_body)
        ):
            self._stream_body(self._request, headers)
        else:
            self._gathered = []
            if self.task is None:
                self.deadline = self.loop.time() + self.limits.body_stall

    def on_body(self, data: bytes) -> None:
        if self._body is not None:
            self._body.feed(data)
        elif self._gathered is not None:
            self._gathered.append(data)

    def on_message_complete(self) -> None:
        if self._body is not None:
            self._body.finish()
            self._body = None
        elif self._request is not None and self._gathered is not None:
            gathered = self._gathered
            if gathered:
                self._request.body = BytesBody(gathered[0] if len(gathered) == 1 else b"".join(gathered))
            self._enqueue(self._request)
        self._request = None

    def _stream_body(self, request: Request, headers: Headers) -> None:
        ask = (headers.get("expect") or "").lower() == "100-continue"
        self._body = StreamBody(self.transport, self.writer.say_continue if ask else None)
        request.body = self._body
        self._enqueue(request)

    # --- requests in order ---

    def _enqueue(self, request: Request) -> None:
        chunks = self._parser.get_http_version() != "1.0"
        keep = self._parser.should_keep_alive() and not self._parser.should_upgrade() and chunks
        turn = request, keep, chunks
        if self.task is None:
            self._dispatch(turn)
            return
        self._waiting.append(turn)
        if len(self._waiting) > self.limits.pipelined:
            self.transport.pause_reading()

    def _dispatch(self, turn: Turn) -> None:
        whole = isinstance(turn[0].body, BytesBody)
        self.deadline = float("inf") if whole else self.loop.time() + self.limits.body_stall
        self.task = self.loop.create_task(self._serve(*turn))

    async def _serve(self, request: Request, keep: bool, chunks: bool) -> None:
        body = request.body  # the handler may put another in its place
        try:
            response = await self.server.handler(request)
        except Exception:
            log.exception("the handler failed")
            response = Response(500)
        try:
            self.deadline = self.loop.time() + self.limits.write_stall
            read = _is_read(body)
            keep = keep and read and (not self._ending or bool(self._waiting))
            await self.writer.write(request, response, keep=keep, chunks=chunks)
        except Exception as error:  # noqa: BLE001 - part of the answer is gone: the client must see a broken connection
            log.debug("response aborted: %s", error)
            self.transport.abort()
            keep, read = False, True
        finally:
            if type(response.body) is not bytes:
                await _close_iterator(response.body)
        self.task = None
        if not read:
            self._linger()
        elif not keep:
            self.close()
        elif self._waiting:
            self._dispatch(self._waiting.popleft())
            if len(self._waiting) <= self.limits.pipelined:
                self.transport.resume_reading()
        elif self._ending:
            self.close()
        else:
            self.deadline = self.loop.time() + self.limits.keep_alive

    def _still_writing(self) -> None:
        self.deadline = self.loop.time() + self.limits.write_stall

    # --- endings ---

    def finish(self) -> None:
        """Answers what was asked already, and nothing more."""
        self._ending = True
        if self.task is None:
            self.close()

    def timed_out(self) -> None:
        if self._body is not None and not self._lingering:
            if self._body.is_awaited:
                self._body.broken()
            self.deadline = self.loop.time() + self.limits.body_stall
        elif self._in_head and (self._head_size or self._url) and self.task is None:
            self._refuse(408)
        else:
            self.transport.abort()

    def _linger(self) -> None:
        """The answer came before the body was whole: take in a little more, unread, so that the client sees the answer."""
        self._lingering = True
        self._body = None
        self.deadline = self.loop.time() + self.limits.linger
        self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _malformed(self) -> None:
        """What follows means nothing. A handler that waits for this request's body learns so, and answers."""
        if self._body is None:
            self._refuse(431 if self._head_size > self.limits.head else 400)
            return
        self._body.broken()
        self._body = None
        self._lingering = True

    def _refuse(self, status: int) -> None:
        if self.task is not None:  # the answers to what was asked before come first, and are the last
            self._ending = self._lingering = True
            return
        if not self.transport.is_closing():
            phrase = HTTPStatus(status).phrase
            self.transport.write(
                f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
            )
        self.close()

    def close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def _is_read(body: Body) -> bool:
    return not isinstance(body, StreamBody) or body.finished


def _origin_form(target: str, headers: Headers) -> tuple[str, Headers]:
    """RFC 9112 section 3.2.2: a server accepts `GET http://host/path`, whose host then counts."""
    scheme, mark, rest = target.partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        raise httptools.HttpParserError("unknown form of request target")
    host, slash, path = rest.partition("/")
    fields = [(name, host if name == "host" else value) for name, value in headers.fields]
    return slash + path or "/", Headers(fields)


async def _close_iterator(body: object) -> None:
    if isinstance(body, AsyncIterator) and (close := getattr(body, "aclose", None)):
        with contextlib.suppress(RuntimeError):
            await close()
