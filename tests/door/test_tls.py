"""The authority is believed for this machine's names and for no other."""

import asyncio
import ssl
import stat
from pathlib import Path

import pytest

from stratus.door.http_server import HttpServer
from stratus.door.tls import CertificateAuthority, server_context
from stratus.wire.message import Request, Response


async def hello(request: Request) -> Response:
    return Response(200, [], b"secure" if request.secure else b"plain")


async def get(port: int, ca: Path, name: str) -> bytes:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=ssl.create_default_context(cafile=str(ca)), server_hostname=name
    )
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_a_client_that_trusts_the_authority_is_served(tmp_path: Path, name: str) -> None:
    authority = CertificateAuthority(tmp_path)
    server = HttpServer(hello)
    await server.start("127.0.0.1", 0, authority.server_context())
    try:
        assert (await get(server.port, authority.certificate, name)).endswith(b"secure")
    finally:
        await server.stop()


async def test_a_certificate_for_another_name_is_worth_nothing_even_with_our_key(tmp_path: Path) -> None:
    """GIVEN somebody with the authority's key WHEN they sign for a foreign name THEN name constraints refuse it."""
    authority = CertificateAuthority(tmp_path)
    authority.server_context()
    authority._names = ("bank.example",)
    import datetime

    authority._make_leaf(datetime.datetime.now(datetime.UTC))
    server = HttpServer(hello)
    await server.start("127.0.0.1", 0, server_context(tmp_path / "server.pem", tmp_path / "server.key"))
    try:
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            await get(server.port, authority.certificate, "bank.example")
    finally:
        await server.stop()


def test_it_is_made_once_and_its_keys_are_private(tmp_path: Path) -> None:
    CertificateAuthority(tmp_path).server_context()
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    CertificateAuthority(tmp_path).server_context()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    for key in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / key).stat().st_mode) == 0o600


def test_a_new_host_name_gets_a_new_certificate(tmp_path: Path) -> None:
    CertificateAuthority(tmp_path).server_context()
    first = (tmp_path / "server.pem").read_bytes()
    CertificateAuthority(tmp_path, ["192.168.1.5", "todo.example"]).server_context()
    assert (tmp_path / "server.pem").read_bytes() != first


async def test_given_a_client_that_ends_tls_after_asking_then_the_server_lives_and_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entered, release, answered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await release.wait()
        answered.set()
        return await hello(request)

    authority = CertificateAuthority(tmp_path)
    server = HttpServer(handler)
    await server.start("127.0.0.1", 0, authority.server_context())
    try:
        context = ssl.create_default_context(cafile=str(authority.certificate))
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=context, server_hostname="localhost"
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await entered.wait()
        writer.close()
        await reader.read()
        release.set()
        await asyncio.wait_for(answered.wait(), 5)
        assert (await get(server.port, authority.certificate, "localhost")).endswith(b"secure")
    finally:
        await server.stop()
    assert not caplog.records
