"""The reader of the Runtime API's HTTP: however the bytes arrive, the same requests come out."""

import asyncio
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stratus.services.lambda_.runtime_api import MAX_BODY, MAX_HEADERS, RuntimeConnection

PREFIX = "/2018-06-01/runtime"


class Recorder:
    """A runtime that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def connected(self, connection: RuntimeConnection) -> None: ...

    def next(self, connection: RuntimeConnection) -> None:
        self.told.append(("next",))

    def respond(self, request_id: str, body: bytes) -> bool:
        self.told.append(("respond", request_id, body))
        return True

    def fail(self, request_id: str, body: bytes) -> bool:
        self.told.append(("fail", request_id, body))
        return True

    def fail_init(self, body: bytes) -> bool:
        self.told.append(("fail_init", body))
        return False

    def too_large(self, request_id: str, size: int) -> None:
        self.told.append(("too_large", request_id, size))


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def talk(pieces: list[bytes]) -> tuple[Recorder, Wire]:
    runtime, wire = Recorder(), Wire()
    connection = RuntimeConnection(runtime)
    connection.connection_made(wire)
    for piece in pieces:
        connection.data_received(piece)
    return runtime, wire


def post(path: str, body: bytes) -> bytes:
    return f"POST {PREFIX}{path} HTTP/1.1\r\nHost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


NEXT = f"GET {PREFIX}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@given(st.binary(max_size=60), st.lists(st.integers(1, 30), max_size=40))
def test_requests_are_the_same_however_they_arrive(body: bytes, cuts: list[int]) -> None:
    stream = NEXT + post("/invocation/a/response", body) + post("/invocation/b/error", body) + post("/init/error", body)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    runtime, wire = talk([*pieces, stream[at:]])
    assert runtime.told == [("next",), ("respond", "a", body), ("fail", "b", body), ("fail_init", body)]
    assert re.findall(rb"HTTP/1.1 (\d+)", wire.written) == [b"202", b"202", b"400"]


@given(st.binary(max_size=300))
def test_noise_ends_in_a_refusal_or_in_waiting(noise: bytes) -> None:
    runtime, wire = talk([noise + b"\r\n\r\n"])
    assert runtime.told == []
    assert wire.closed
    assert wire.written.startswith(b"HTTP/1.1 4")


@given(st.integers(MAX_BODY + 1, MAX_BODY * 3), st.integers(1, 5))
def test_what_is_too_large_is_counted_not_kept(size: int, pieces: int) -> None:
    head = f"POST {PREFIX}/invocation/a/response HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode()
    runtime, wire = Recorder(), Wire()
    connection = RuntimeConnection(runtime)
    connection.connection_made(wire)
    connection.data_received(head)
    piece = bytes(size // pieces)
    for _ in range(pieces):
        connection.data_received(piece)
        assert len(connection._buffer) == 0
    connection.data_received(bytes(size - len(piece) * pieces) + NEXT)
    assert runtime.told == [("too_large", "a", size), ("next",)]
    assert wire.written.startswith(b"HTTP/1.1 413")


def test_endless_headers_are_cut_off() -> None:
    runtime, wire = talk([b"GET / HTTP/1.1\r\n", b"x" * (MAX_HEADERS + 1)])
    assert wire.closed
    assert wire.written.startswith(b"HTTP/1.1 431")
    assert runtime.told == []
