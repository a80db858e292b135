"""The HTTP server against hand-written bytes: order, streaming, limits, and clients that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stratus.door.http_server import HttpServer, Limits
from stratus.wire.message import BodyIncomplete, BytesBody, FileRange, Request, Response

Ask = Callable[[bytes], Awaitable[bytes]]


async def echo(request: Request) -> Response:
    body = await request.body.read(10_000_000)
    return Response(200, [("x-target", f"{request.method} {request.path}?{request.query}")], body)


@asynccontextmanager
async def served(handler: Callable[[Request], Awaitable[Response]], **limits: float) -> AsyncIterator[HttpServer]:
    server = HttpServer(handler, Limits(**limits))  # type: ignore[arg-type]  # sizes are ints, times floats
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.stop()


async def exchange(server: HttpServer, data: bytes) -> bytes:
    """Sends `data` and returns all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


CLOSE = b"Host: h\r\nConnection: close\r\n"


async def test_the_target_arrives_exactly_as_sent() -> None:
    async with served(echo) as server:
        answer = await exchange(server, b"GET /a%2Fb/../%2e%ff?x=%2F&y=1+2 HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert b"x-target: GET /a%2Fb/../%2e%ff?x=%2F&y=1+2\r\n" in answer


async def test_pipelined_requests_are_answered_in_order() -> None:
    started: list[str] = []

    async def handler(request: Request) -> Response:
        started.append(request.path)
        await asyncio.sleep(0.02 if request.path == "/0" else 0)
        return Response(200, [], request.path.encode())

    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(200))
    async with served(handler) as server:
        answer = await exchange(server, requests + b"GET /last HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert started == [f"/{n}" for n in range(200)] + ["/last"]
    assert answer.count(b"HTTP/1.1 200 OK") == 201
    assert answer.endswith(b"/last")


async def test_expect_is_answered_before_the_body_is_read() -> None:
    async with served(echo) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"PUT / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n" + CLOSE + b"\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        assert (await reader.read()).endswith(b"hello")
        writer.close()


async def test_a_refusal_under_expect_spares_the_client_the_body() -> None:
    async def refuse(request: Request) -> Response:
        request.body = BytesBody()  # as whoever decodes a body puts the decoded one in its place
        return Response(403, [], b"no")

    async with served(refuse) as server:
        answer = await exchange(
            server, b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"100 Continue" not in answer
    assert b"connection: close" in answer


async def test_a_chunked_body_streams_in_and_out() -> None:
    async def handler(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            async for piece in request.body:
                yield piece.upper()

        return Response(200, [], pieces())

    async with served(handler) as server:
        answer = await exchange(
            server,
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
        )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"6\r\nHELLO!\r\n0\r\n\r\n"


async def test_a_large_body_waits_for_a_slow_reader_in_bounded_memory() -> None:
    held: list[int] = []
    size = 20_000_000

    async def handler(request: Request) -> Response:
        total = 0
        async for piece in request.body:
            held.append(len(piece))
            total += len(piece)
        return Response(200, [], b"%d" % total)

    async with served(handler) as server:
        answer = await exchange(
            server, b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n" % size + CLOSE + b"\r\n" + b"x" * size
        )
    assert answer.endswith(b"%d" % size)
    assert max(held) < 2_000_000


async def test_a_client_that_goes_away_breaks_the_body_and_not_the_server() -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def handler(request: Request) -> Response:
        try:
            await request.body.read(10_000_000)
        except BodyIncomplete:
            seen.put_nowait("incomplete")
        return Response(400)

    async with served(handler) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\nsome")
        await writer.drain()
        writer.close()
        assert await asyncio.wait_for(seen.get(), 5) == "incomplete"
        assert (await exchange(server, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")).startswith(b"HTTP/1.1")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", b"400"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 70_000, b"431"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 300 + b"\r\n", b"431"),
        (b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", b"400"),
        (b"GET / HTTP/0.9\r\nHost: h\r\n\r\n", b"400"),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_ends(request_bytes: bytes, status: bytes) -> None:
    async with served(echo) as server:
        answer = await exchange(server, request_bytes)
    assert answer.split(b" ")[1] == status


@pytest.mark.parametrize(
    "broken",
    [
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\na\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
async def test_given_a_body_that_breaks_off_its_own_form_then_the_handler_still_answers(broken: bytes) -> None:
    async def handler(request: Request) -> Response:
        with pytest.raises(BodyIncomplete):
            await request.body.read(100)
        return Response(400, [], b"malformed")

    async with served(handler) as server:
        answer = await exchange(server, b"POST / HTTP/1.1\r\nHost: h\r\n" + broken)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.endswith(b"malformed")


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
async def test_given_an_upgrade_when_it_is_not_ours_then_the_request_is_answered_as_it_is(protocol: bytes) -> None:
    """RFC 9110 section 7.8: a server may ignore it. Java's client asks for h2c with every first request."""
    upgrade = b"GET /it HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
    async with served(echo) as server:
        answer = await exchange(server, upgrade + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer.lower()


async def test_a_client_slower_than_the_deadline_is_told_so() -> None:
    async with served(echo, head_timeout=0.2) as server:
        answer = await exchange(server, b"GET / HTTP/1.1\r\nHost:")
    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_body_that_stalls_ends_incomplete() -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def handler(request: Request) -> Response:
        try:
            await request.body.read(100)
        except BodyIncomplete:
            seen.put_nowait("incomplete")
        return Response(408)

    async with served(handler, body_stall=0.2) as server:
        await exchange(server, b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
    assert seen.get_nowait() == "incomplete"


async def test_more_connections_than_allowed_are_turned_away() -> None:
    async with served(echo, connections=1) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        answer = await exchange(server, b"")
        writer.close()
    assert answer.startswith(b"HTTP/1.1 503")


async def test_a_handler_that_fails_answers_500_and_the_server_lives() -> None:
    async def handler(request: Request) -> Response:
        raise RuntimeError("boom")

    async with served(handler) as server:
        answer = await exchange(server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert answer.count(b"HTTP/1.1 500") == 2
    assert b"boom" not in answer


async def test_a_file_is_sent_by_range_and_a_head_request_without_it(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)) * 4096)

    async def handler(request: Request) -> Response:
        return Response(206, [], FileRange(path, 10, 700_010))

    async with served(handler) as server:
        whole = await exchange(server, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
        head = await exchange(server, b"HEAD / HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert whole.partition(b"\r\n\r\n")[2] == path.read_bytes()[10:700_010]
    assert b"content-length: 700000\r\n" in head
    assert head.endswith(b"\r\n\r\n")


async def test_a_body_that_fails_midway_breaks_the_connection() -> None:
    async def handler(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise OSError("disk")

        return Response(200, [], pieces())

    async with served(handler) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()
    assert not answer.endswith(b"0\r\n\r\n")


async def test_header_values_cannot_split_a_response() -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [("x", "a\r\nset-cookie: b")])

    async with served(handler) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()
    assert b"set-cookie" not in answer


async def test_stop_lets_what_is_under_way_finish() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await release.wait()
        return Response(200, [], b"done")

    server = HttpServer(handler)
    await server.start("127.0.0.1", 0)
    pending = asyncio.create_task(exchange(server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
    await entered.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    release.set()
    await stopping
    assert (await pending).endswith(b"done")


async def test_a_small_body_arrives_as_one_piece() -> None:
    kinds: list[type] = []

    async def handler(request: Request) -> Response:
        kinds.append(type(request.body))
        return await echo(request)

    async with served(handler) as server:
        answer = await exchange(server, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n" + CLOSE + b"\r\nabc")
    assert answer.endswith(b"abc")
    assert kinds == [BytesBody]


async def letters(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for letter in (b"a", b"b", b"c"):
            yield letter

    return Response(200, [], pieces())


@pytest.mark.parametrize("connection", [b"", b"Connection: keep-alive\r\n"])
async def test_given_a_client_of_http_1_0_when_the_length_is_unknown_then_the_connection_ends_the_body(
    connection: bytes,
) -> None:
    async with served(letters) as server:
        answer = await exchange(server, b"GET / HTTP/1.0\r\n" + connection + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body == b"abc"


async def test_given_a_head_request_then_the_answer_has_the_length_and_no_body_and_the_connection_goes_on() -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [], b"12345") if request.path == "/whole" else await letters(request)

    requests = b"HEAD /whole HTTP/1.1\r\nHost: h\r\n\r\nHEAD /pieces HTTP/1.1\r\nHost: h\r\n\r\n"
    async with served(handler) as server:
        answer = await exchange(server, requests + b"GET /whole HTTP/1.1\r\n" + CLOSE + b"\r\n")
    first, second, last, body = answer.split(b"\r\n\r\n")
    assert b"content-length: 5" in first
    assert b"transfer-encoding: chunked" in second
    assert b"content-length: 5" in last
    assert body == b"12345"


@pytest.mark.parametrize("count", [1, 3])
async def test_given_a_client_that_closes_its_side_after_asking_then_it_gets_its_answers_and_the_end(
    count: int,
) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await release.wait()
        return Response(200, [], request.path.encode())

    async with served(handler) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(count)))
        writer.write_eof()
        await entered.wait()
        release.set()
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert [part[:2] for part in answer.split(b"\r\n\r\n")[1:]] == [b"/%d" % number for number in range(count)]
    assert answer.count(b"connection: close") == 1


async def test_given_nonsense_after_a_request_then_the_request_is_answered_before_the_connection_ends() -> None:
    release = asyncio.Event()

    async def handler(request: Request) -> Response:
        await release.wait()
        return Response(200, [], b"answered")

    async with served(handler) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n\x00nonsense\r\n\r\n")
        await asyncio.sleep(0)
        release.set()
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert answer.endswith(b"answered")


async def test_given_requests_behind_a_body_that_streams_then_each_gets_its_own_bytes() -> None:
    async def handler(request: Request) -> Response:
        size = 0
        async for piece in request.body:
            size += len(piece)
        return Response(200, [], b"%s %d" % (request.path.encode(), size))

    def put(path: bytes, size: int) -> bytes:
        return b"PUT %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (path, size) + b"x" * size

    large = 3 * 1024 * 1024
    requests = put(b"/large", large) + put(b"/small", 3) + put(b"/large", large)
    async with served(handler) as server:
        answer = await exchange(server, requests + b"GET /last HTTP/1.1\r\n" + CLOSE + b"\r\n")
    bodies = [part.partition(b"HTTP/1.1")[0] for part in answer.split(b"\r\n\r\n")[1:]]
    assert bodies == [b"/large %d" % large, b"/small 3", b"/large %d" % large, b"/last 0"]


async def test_stop_closes_idle_connections_at_once_and_answers_only_what_was_asked() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        if request.path != "/quick":
            entered.set()
            await release.wait()
        return Response(200, [], request.path.encode())

    server = HttpServer(handler)
    await server.start("127.0.0.1", 0)
    idle, idle_writer = await asyncio.open_connection("127.0.0.1", server.port)
    idle_writer.write(b"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n")
    await idle.readuntil(b"/quick")
    busy, busy_writer = await asyncio.open_connection("127.0.0.1", server.port)
    busy_writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n")
    await entered.wait()
    stopping = asyncio.create_task(server.stop())
    assert await asyncio.wait_for(idle.read(), 5) == b""  # while the other is still under way
    assert not stopping.done()
    release.set()
    answer = await asyncio.wait_for(busy.read(), 5)
    await stopping
    assert (answer.count(b"200 OK"), answer.count(b"connection: close"), answer[-5:]) == (2, 1, b"/next")
    idle_writer.close()
    busy_writer.close()


async def test_stop_waits_no_longer_than_the_grace_time() -> None:
    entered = asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    server = HttpServer(handler, Limits(grace=0.05))
    await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await entered.wait()
    await asyncio.wait_for(server.stop(), 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
