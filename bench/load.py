"""Raw HTTP load: ready-made requests over a fixed number of connections, one in flight on each; run as a process of its own."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Outcome:
    """`rate` in answers a second; latencies in milliseconds; `bad` counts answers that were not 2xx."""

    rate: float
    p50: float
    p99: float
    done: int
    bad: int
    sample: str


class Client(asyncio.Protocol):
    """Sends the next request when the answer to the last one is whole."""

    def __init__(self, run: "Run", pending: bytes | None = None) -> None:
        self._run = run
        self._pending = pending
        self._buffer = bytearray()
        self._need = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = self._pending = self._pending or self._run.next()
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]  # uvloop's transport is one by its methods

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._need < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _body_length(bytes(self._buffer[: end + 2]))
            if length is None and not self._buffer.endswith(LAST_CHUNK):
                return
            self._need = len(self._buffer) if length is None else end + 4 + length
        if len(self._buffer) < self._need:
            return
        self._run.answered(time.perf_counter() - self._sent, bytes(self._buffer[9:12]), self._buffer)
        del self._buffer[: self._need]
        self._need = -1
        self._pending = None
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Some servers close after so many requests: what was not answered goes over a new connection."""
        if self._pending is None:
            self._run.connection_closed()
        else:
            self._run.reconnect(self._pending)


def _body_length(head: bytes) -> int | None:
    """None where the body comes in chunks."""
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at < 0:
        return None
    return int(lowered[at + 17 : lowered.index(b"\r\n", at + 2)])


class Run:
    """Cycles through `requests` until `count` answers have come."""

    def __init__(self, host: str, port: int, requests: Sequence[bytes], count: int, connections: int) -> None:
        self._host = host
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._requests = requests
        self._count = count
        self._next = 0
        self._open = connections
        self._latencies: list[float] = []
        self._bad = 0
        self._sample = ""
        self.finished = asyncio.get_running_loop().create_future()

    def next(self) -> bytes | None:
        if self._next >= self._count:
            return None
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        return request

    def answered(self, seconds: float, status: bytes, answer: bytearray) -> None:
        self._latencies.append(seconds)
        if not status.startswith(b"2"):
            self._bad += 1
            self._sample = answer[:400].decode("latin-1")

    def reconnect(self, pending: bytes) -> None:
        self._tasks.add(asyncio.ensure_future(self.connect(pending)))

    async def connect(self, pending: bytes | None = None) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Client(self, pending), self._host, self._port)

    def connection_closed(self) -> None:
        self._open -= 1
        if self._open == 0:
            self.finished.set_result(None)

    def outcome(self, seconds: float) -> Outcome:
        ordered = sorted(self._latencies)
        done = len(ordered)
        return Outcome(
            rate=done / seconds,
            p50=ordered[done // 2] * 1000,
            p99=ordered[min(done - 1, done * 99 // 100)] * 1000,
            done=done,
            bad=self._bad,
            sample=self._sample,
        )


async def drive(host: str, port: int, requests: Sequence[bytes], count: int, connections: int) -> Outcome:
    run = Run(host, port, requests, count, connections)
    started = time.perf_counter()
    for _ in range(connections):
        await run.connect()
    await asyncio.wait_for(run.finished, 300)
    return run.outcome(time.perf_counter() - started)


def main() -> None:
    """`python -m bench.load PORT COUNT CONNECTIONS FILE`: FILE holds requests, each after its length on a line."""
    port, count, connections, path = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    requests = []
    with path.open("rb") as file:
        while line := file.readline():
            requests.append(file.read(int(line)))
    outcome = uvloop.run(drive("127.0.0.1", port, requests, count, connections))
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
