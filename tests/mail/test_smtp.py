"""The outbox in front of an SMTP server: nothing lost, nothing given up too early, no password in the clear."""

import asyncio
import contextlib
import smtplib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from stratus.clock import ManualClock
from stratus.mail import smtp
from stratus.mail.mailbox import MailboxFull, Message
from stratus.mail.smtp import Refused, SmtpOutbox, SmtpServer

HELLO = Message("a@example.com", "Hello", "<p>x</p>")


class Server:
    """Where the outbox delivers to: takes mail, or fails as `failure` says. `settled` waits for the n-th attempt."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.attempts = 0
        self.failure: Exception | None = None

    def __call__(self, sender: str, recipient: str, data: bytes) -> None:
        self.attempts += 1
        if self.failure:
            raise self.failure
        self.taken.append((sender, recipient, data))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is a row on disk, which has no event
            await asyncio.sleep(0.001)


def pending(outbox: SmtpOutbox) -> int:
    return int(outbox._database.reader.execute("SELECT count(*) FROM outbox").fetchone()[0])


def attempted(outbox: SmtpOutbox, times: int) -> Callable[[], bool]:
    query = "SELECT attempts FROM outbox"
    return lambda: outbox._database.reader.execute(query).fetchone() == (times,)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def outbox(tmp_path: Path, clock: ManualClock, server: Server) -> AsyncIterator[SmtpOutbox]:
    outbox = SmtpOutbox(tmp_path, clock, "smtp://localhost", deliver=server)
    await outbox.start()
    yield outbox
    await outbox.stop()


async def test_given_a_mail_then_the_server_gets_it_once(outbox: SmtpOutbox, server: Server) -> None:
    await outbox.send(Message("a@example.com", "Hello", "x", sender="Lists <lists@example.org>"))
    await until(lambda: pending(outbox) == 0)
    ((sender, recipient, data),) = server.taken
    assert (sender, recipient) == ("lists@example.org", "a@example.com")
    assert b"Subject: Hello\r\n" in data


async def test_given_a_server_that_is_away_then_it_is_tried_again_later_and_later(
    outbox: SmtpOutbox, server: Server, clock: ManualClock
) -> None:
    server.failure = ConnectionRefusedError()
    await outbox.send(HELLO)
    for attempt, wait in enumerate([15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600], 1):
        await until(attempted(outbox, attempt))
        clock.advance(wait - 0.5)
        for _ in range(20):
            await asyncio.sleep(0)
        assert server.attempts == attempt
        clock.advance(0.5)
    await until(attempted(outbox, 11))
    server.failure = None
    clock.advance(3600)
    await until(lambda: pending(outbox) == 0)
    assert len(server.taken) == 1


async def test_given_a_stop_before_delivery_then_the_next_start_delivers(tmp_path: Path, clock: ManualClock) -> None:
    away, back = Server(), Server()
    away.failure = smtplib.SMTPServerDisconnected()
    first = SmtpOutbox(tmp_path, clock, "smtp://localhost", deliver=away)
    await first.send(HELLO)
    await first.stop()
    second = SmtpOutbox(tmp_path, clock, "smtp://localhost", deliver=back)
    await second.start()
    await until(lambda: pending(second) == 0)
    assert len(back.taken) == 1
    await second.stop()


async def test_given_a_refusal_for_good_then_it_is_noted_and_the_next_mail_goes_out(
    outbox: SmtpOutbox, server: Server
) -> None:
    server.failure = Refused("550 no such user")
    await outbox.send(HELLO)
    await until(lambda: pending(outbox) == 0)
    row = outbox._database.reader.execute("SELECT recipient, reason FROM undeliverable").fetchone()
    assert row == ("a@example.com", "550 no such user")
    server.failure = None
    await outbox.send(Message("b@example.com", "Hello", "x"))
    await until(lambda: len(server.taken) == 1)


async def test_given_a_day_without_success_then_the_mail_is_given_up(
    outbox: SmtpOutbox, server: Server, clock: ManualClock
) -> None:
    server.failure = TimeoutError()
    await outbox.send(HELLO)
    await until(attempted(outbox, 1))
    clock.advance(86_400)
    await until(lambda: pending(outbox) == 0)
    assert server.taken == []


async def test_given_one_bad_address_then_it_does_not_hold_up_the_others(
    outbox: SmtpOutbox, server: Server, clock: ManualClock
) -> None:
    server.failure = OSError()
    await outbox.send(HELLO)
    await until(attempted(outbox, 1))
    server.failure = None
    await outbox.send(Message("b@example.com", "Hello", "x"))
    await until(lambda: [taken[1] for taken in server.taken] == ["b@example.com"])


async def test_given_a_full_outbox_then_it_says_so(
    outbox: SmtpOutbox, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "MAX_PENDING", 2)
    server.failure = OSError()
    await outbox.send(HELLO)
    await outbox.send(HELLO)
    with pytest.raises(MailboxFull):
        await outbox.send(HELLO)


async def test_given_a_rehearsal_then_nothing_is_delivered(outbox: SmtpOutbox, server: Server) -> None:
    await outbox.send(HELLO, rehearsal=True)
    await outbox.send(Message("b@example.com", "Hello", "x"))
    await until(lambda: pending(outbox) == 0)
    assert [taken[1] for taken in server.taken] == ["b@example.com"]


class TestUrl:
    def test_given_a_url_then_it_is_taken_apart(self) -> None:
        assert SmtpServer.parse("smtp://mail.example.com") == SmtpServer(False, "mail.example.com", 587)
        assert SmtpServer.parse("smtps://u%40x:p%2F@mail.example.com:2465/") == SmtpServer(
            True, "mail.example.com", 2465, "u@x", "p/"
        )

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtp://",
            "smtp://u@host",
            "smtp://host/path",
            "smtp://host:x",
        ],
    )
    def test_given_no_smtp_url_then_that_is_said(self, url: str) -> None:
        with pytest.raises(ValueError):
            SmtpServer.parse(url)

    def test_given_a_password_then_it_is_not_shown(self) -> None:
        assert "hush" not in repr(SmtpServer.parse("smtps://u:hush@mail.example.com"))


class RealServer:
    """As much of RFC 5321 as `smtplib` speaks, in the clear."""

    def __init__(self, rcpt: str = "250 ok") -> None:
        self.rcpt, self.commands, self.data = rcpt, list[str](), b""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                command = line.decode().strip()
                self.commands.append(command.split()[0].upper())
                if self.commands[-1] == "DATA":
                    writer.write(b"354 go\r\n")
                    self.data = await reader.readuntil(b"\r\n.\r\n")
                answers = {"EHLO": "250 test", "RCPT": self.rcpt, "QUIT": "221 bye"}
                writer.write(f"{answers.get(self.commands[-1], '250 ok')}\r\n".encode())
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def listening(server: RealServer) -> AsyncIterator[int]:
    listener = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def deliver(url: str) -> Any:
    return await asyncio.to_thread(
        SmtpServer.parse(url).deliver, "from@example.com", "a@example.com", b"Subject: x\r\n\r\nhi\r\n"
    )


async def test_given_a_real_server_then_it_takes_the_mail() -> None:
    server = RealServer()
    async with listening(server) as port:
        await deliver(f"smtp://127.0.0.1:{port}")
    assert b"Subject: x\r\n\r\nhi" in server.data


async def test_given_no_tls_then_the_password_is_not_sent() -> None:
    server = RealServer()
    async with listening(server) as port:
        with pytest.raises(Refused, match="in the clear"):
            await deliver(f"smtp://user:hush@127.0.0.1:{port}")
    assert "AUTH" not in server.commands


@pytest.mark.parametrize(
    ("answer", "error"), [("550 no such user", Refused), ("451 later", smtplib.SMTPRecipientsRefused)]
)
async def test_given_a_refused_recipient_then_only_5xx_is_for_good(answer: str, error: type[Exception]) -> None:
    async with listening(RealServer(rcpt=answer)) as port:
        with pytest.raises(error):
            await deliver(f"smtp://127.0.0.1:{port}")
