"""The Lambda Runtime API, one listener for each worker, so that a worker can only ever speak for itself.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. The reader knows exactly the HTTP that runtime interface
clients send (a request line, headers, Content-Length) and closes the connection on anything else: the other end is hostile.
"""

import asyncio
from typing import Protocol, cast

MAX_HEADERS = 1_100_000
"""A failed invocation carries its X-Ray cause, up to 1 MB, in a header."""
MAX_BODY = 6 * 1024 * 1024 + 100 * 1024
"""Past the largest response; what is longer is refused before it is read."""
MAX_CONNECTIONS = 4

_PREFIX = "/2018-06-01/runtime/"
_ACCEPTED = b'{"status":"OK"}\n'


class Runtime(Protocol):
    """What the server does with a worker's requests."""

    def connected(self, connection: "RuntimeConnection") -> None:
        """Somebody has connected: it may be another worker."""
        ...

    def next(self, connection: "RuntimeConnection") -> None:
        """The worker asks for work: answer with `connection.give`, now or later."""
        ...

    def respond(self, request_id: str, body: bytes) -> bool:
        """The answer to an invocation. False: there is no such invocation here."""
        ...

    def fail(self, request_id: str, body: bytes) -> bool:
        """An invocation ended in an error; `body` is the JSON of it."""
        ...

    def fail_init(self, body: bytes) -> bool:
        """The function could not be loaded."""
        ...

    def too_large(self, request_id: str, size: int) -> None:
        """The answer to an invocation would be `size` bytes, more than AWS takes."""
        ...


class RuntimeConnection(asyncio.Protocol):
    """One connection of one worker."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._buffer = bytearray()
        self._expected = 0
        self._head: tuple[str, str] | None = None
        self._discard = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it
        self._runtime.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self.transport is not None and not self.transport.is_closing():
            if self._discard:
                self._drop()
                if self._discard:
                    return
            elif self._head is None:
                if not self._read_head():
                    return
            elif len(self._buffer) < self._expected:
                return
            else:
                self._take_request(*self._head)

    @property
    def ports(self) -> tuple[int, int]:
        """The other end's port and ours."""
        assert self.transport is not None
        return self.transport.get_extra_info("peername")[1], self.transport.get_extra_info("sockname")[1]

    def pause(self) -> None:
        """Reads nothing until `resume`."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.transport is not None:
            self.transport.resume_reading()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def give(self, headers: list[tuple[str, str]], payload: bytes) -> bool:
        """Sends an invocation to a worker that asked for one. False when it has gone."""
        if self.transport is None or self.transport.is_closing():
            return False
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.transport.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n{head}\r\n".encode()
            + payload
        )
        return True

    def _read_head(self) -> bool:
        """Takes the next request's head off the buffer, if it is there whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEADERS:
                self._refuse(431, "RequestHeaderFieldsTooLarge")
            return False
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        words = lines[0].split(b" ")
        length = _content_length(lines)
        if len(words) != 3 or words[2] != b"HTTP/1.1" or length is None:
            self._refuse(400, "InvalidRequest")
            return False
        self._head = (words[0].decode("latin-1"), words[1].decode("latin-1"))
        self._expected = length
        if length > MAX_BODY:
            self._start_discarding(length)
        return True

    def _start_discarding(self, length: int) -> None:
        """An answer that is too large is counted, not kept."""
        assert self._head is not None
        request_id, _, action = self._head[1].removeprefix(_PREFIX + "invocation/").partition("/")
        self._head = None
        if action != "response":
            self._refuse(413, "RequestTooLarge")
            return
        self._runtime.too_large(request_id, length)
        self._discard = length

    def _drop(self) -> None:
        dropped = min(len(self._buffer), self._discard)
        del self._buffer[:dropped]
        self._discard -= dropped
        if not self._discard:
            self._answer(
                413, b'{"errorMessage":"Exceeded maximum allowed payload size","errorType":"RequestEntityTooLarge"}'
            )

    def _take_request(self, method: str, path: str) -> None:
        body = bytes(self._buffer[: self._expected])
        del self._buffer[: self._expected]
        self._head = None
        self._dispatch(method, path, body)

    def _dispatch(self, method: str, path: str, body: bytes) -> None:
        action = path.removeprefix(_PREFIX)
        if method == "GET" and action == "invocation/next":
            self._runtime.next(self)
        elif method == "POST" and action == "init/error":
            self._acknowledge(self._runtime.fail_init(body))
        elif method == "POST" and action.startswith("invocation/"):
            request_id, _, what = action.removeprefix("invocation/").partition("/")
            if what == "response":
                self._acknowledge(self._runtime.respond(request_id, body))
            elif what == "error":
                self._acknowledge(self._runtime.fail(request_id, body))
            else:
                self._refuse(404, "NotFound")
        else:
            self._refuse(404, "NotFound")

    def _acknowledge(self, known: bool) -> None:
        if known:
            self._answer(202, _ACCEPTED)
        else:
            self._answer(400, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')

    def _answer(self, status: int, body: bytes) -> None:
        if self.transport is not None:
            self.transport.write(
                b"HTTP/1.1 %d \r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
                + body
            )

    def _refuse(self, status: int, kind: str) -> None:
        self._answer(status, b'{"errorMessage":"%s","errorType":"%s"}' % (kind.encode(), kind.encode()))
        if self.transport is not None:
            self.transport.close()


def _content_length(lines: list[bytes]) -> int | None:
    """Bytes of the body; 0 without one; None when the request frames it in a way that runtime clients do not."""
    length = 0
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"content-length":
            value = value.strip()
            if not value.isdigit() or len(value) > 12:
                return None
            length = int(value)
        elif name == b"transfer-encoding":
            return None
    return length


class RuntimeListener:
    """The Runtime API of one worker, on a loopback port of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._connections: list[RuntimeConnection] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0, backlog=4)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.abort()

    def _accept(self) -> asyncio.Protocol:
        self._connections = [each for each in self._connections if each.transport is not None]
        if len(self._connections) >= MAX_CONNECTIONS:
            return _Refused()
        connection = RuntimeConnection(self._runtime)
        self._connections.append(connection)
        return connection


class _Refused(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
