"""What a mail is, and where mail can be handed in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Protocol

DEFAULT_SENDER = "no-reply@verificationemail.com"
"""What Cognito sends from when the pool has no sender of its own (EmailSendingAccount COGNITO_DEFAULT)."""


class MailboxFull(Exception):  # noqa: N818 - named for what happened
    """More mail waits to be delivered than the mailbox keeps."""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one address. `html` is the body; `sender` None stands for the mailbox's default."""

    to: str
    subject: str
    html: str
    sender: str | None = None
    reply_to: str | None = None


class Mailbox(Protocol):
    """Takes mail in. When `send` returns, the mail is on disk and will arrive, also after a crash."""

    async def send(self, message: Message, *, rehearsal: bool = False) -> None:
        """Raises MailboxFull or OSError where the mail cannot be taken in.

        `rehearsal` does the work and delivers nothing, for answers whose time must not tell whether mail was sent.
        """
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def _one_line(text: str) -> str:
    """`text` as a header may hold it: printable, on one line, and nothing in it that reads as an encoded word (RFC 2047),
    which the email package would decode, line breaks and all.
    """
    visible = "".join(c if c.isprintable() else " " for c in text.replace("=?", "= ?"))
    return " ".join(visible.split())


def compose(message: Message, default_sender: str, now: float) -> bytes:
    """The mail as RFC 5322 wants it. Line breaks in what becomes a header are blanks: nobody adds headers of their own."""
    mail = EmailMessage(policy=SMTP)
    sender = _one_line(message.sender or default_sender)
    mail["From"] = sender
    mail["To"] = _one_line(message.to)
    if message.reply_to:
        mail["Reply-To"] = _one_line(message.reply_to)
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip("> ") or "localhost")
    mail.set_content(message.html, subtype="html", cte="quoted-printable")
    return mail.as_bytes()
