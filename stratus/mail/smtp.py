"""Mail through a real SMTP server: taken into a durable outbox first, handed over with retries, at least once."""

import asyncio
import contextlib
import smtplib
import sqlite3
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stratus.clock import Clock
from stratus.mail.mailbox import DEFAULT_SENDER, MailboxFull, Message, compose
from stratus.storage.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  data BLOB NOT NULL,
  attempts INTEGER NOT NULL,
  due REAL NOT NULL,
  written REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS undeliverable (
  id INTEGER PRIMARY KEY,
  recipient TEXT NOT NULL,
  reason TEXT NOT NULL,
  given_up REAL NOT NULL
) STRICT;
"""
MAX_PENDING = 10_000
_FIRST_RETRY = 15.0
_LONGEST_RETRY = 3600.0
_GIVE_UP_AFTER = 86_400.0
"""No code in a mail is valid for longer than a day."""
_TIMEOUT = 30.0
_PORTS = {"smtp": 587, "smtps": 465}


class Refused(Exception):  # noqa: N818 - named for what happened
    """The server will never take this mail."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`smtp://user:password@host:port` (STARTTLS where offered) or `smtps://...` (TLS from the start); certificates are verified."""

    tls: bool
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """Raises ValueError with a sentence that does not show the password."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("an SMTP server is given as smtp://[user:password@]host[:port] or smtps://...")
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if (user is None) != (password is None):
            raise ValueError("an SMTP server's URL has both user and password, or neither")
        return cls(parts.scheme == "smtps", parts.hostname, parts.port or _PORTS[parts.scheme], user, password)

    def deliver(self, sender: str, recipient: str, data: bytes) -> None:
        """Hands one mail over, blocking. Raises Refused for good, OSError or SMTPException for now."""
        context = ssl.create_default_context()
        with self._connection(context) as server:
            if not self.tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if self.user is not None and self.password is not None:
                if not self.tls and not isinstance(server.sock, ssl.SSLSocket):
                    raise Refused("the server offers no TLS, and the password is not sent in the clear")
                server.login(self.user, self.password)
            try:
                server.sendmail(sender, [recipient], data)
            except smtplib.SMTPRecipientsRefused as error:
                code, text = next(iter(error.recipients.values()))
                _raise_if_final(code, text)
                raise
            except smtplib.SMTPResponseException as error:
                _raise_if_final(error.smtp_code, error.smtp_error)
                raise

    def _connection(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self.tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT)
        server.ehlo()
        return server


def _raise_if_final(code: int, text: bytes | str) -> None:
    if code >= 500:
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        raise Refused(f"{code} {shown}")


@dataclass(frozen=True, slots=True)
class _Pending:
    """A mail in the outbox."""

    id: int
    sender: str
    recipient: str
    data: bytes
    attempts: int
    due: float
    written: float


class SmtpOutbox:
    """A Mailbox in front of an SMTP server. A mail leaves the outbox when the server has taken it; a crash between sends it twice."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        url: str,
        sender: str = DEFAULT_SENDER,
        deliver: Callable[[str, str, bytes], None] | None = None,
    ) -> None:
        """Raises ValueError where `url` is none of an SMTP server. `deliver` replaces the server's in tests."""
        self._deliver = deliver or SmtpServer.parse(url).deliver
        self._clock = clock
        self._sender = sender
        self._database = Database(directory / "outbox.sqlite", SCHEMA)
        self._arrived = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """What is still in the outbox goes out after the next start."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        await self._database.close()

    async def send(self, message: Message, *, rehearsal: bool = False) -> None:
        now = self._clock.now()
        sender = parseaddr(message.sender or self._sender)[1]
        data = compose(message, self._sender, now)

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT count(*) FROM outbox").fetchone()[0] >= MAX_PENDING:
                raise MailboxFull
            row = connection.execute(
                "INSERT INTO outbox (sender, recipient, data, attempts, due, written) VALUES (?, ?, ?, 0, ?, ?)",
                (sender, message.to, data, now, now),
            )
            if rehearsal:
                connection.execute("DELETE FROM outbox WHERE id = ?", (row.lastrowid,))

        await self._database.write(work)
        self._arrived.set()

    async def _work(self) -> None:
        while True:
            self._arrived.clear()
            row = self._database.reader.execute(
                "SELECT id, sender, recipient, data, attempts, due, written FROM outbox ORDER BY due LIMIT 1"
            ).fetchone()
            mail = _Pending(*row) if row else None
            if mail is None or mail.due > self._clock.now():
                await self._until_due(mail)
            else:
                await self._attempt(mail)

    async def _until_due(self, mail: "_Pending | None") -> None:
        """Waits for a new mail, or until `mail`, which failed before, is due again."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._arrived.wait())]
        if mail is not None:
            waits.append(asyncio.create_task(self._clock_reaches(mail.due)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in waits:
                waiting.cancel()

    async def _clock_reaches(self, moment: float) -> None:
        await self._clock.sleep(moment - self._clock.now())

    async def _attempt(self, mail: "_Pending") -> None:
        try:
            await asyncio.to_thread(self._deliver, mail.sender, mail.recipient, mail.data)
        except Refused as error:
            await self._give_up(mail, str(error))
        except (OSError, smtplib.SMTPException) as error:
            now = self._clock.now()
            if now - mail.written >= _GIVE_UP_AFTER:
                await self._give_up(mail, str(error))
                return
            due = now + min(_FIRST_RETRY * 2.0**mail.attempts, _LONGEST_RETRY)
            await self._database.write(
                lambda connection: connection.execute(
                    "UPDATE outbox SET attempts = attempts + 1, due = ? WHERE id = ?", (due, mail.id)
                )
            )
        else:
            await self._database.write(
                lambda connection: connection.execute("DELETE FROM outbox WHERE id = ?", (mail.id,))
            )

    async def _give_up(self, mail: "_Pending", reason: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM outbox WHERE id = ?", (mail.id,))
            connection.execute(
                "INSERT INTO undeliverable (recipient, reason, given_up) VALUES (?, ?, ?)",
                (mail.recipient, reason[:500], self._clock.now()),
            )

        await self._database.write(work)
