"""The Maildir: whole mails or none, headers nobody can add to."""

import email
import email.policy
import stat
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratus.clock import ManualClock
from stratus.mail.mailbox import DEFAULT_SENDER, Message, compose
from stratus.mail.maildir import Maildir


def parsed(data: bytes) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(data, policy=email.policy.default))


async def test_given_a_mail_then_it_is_one_private_file_in_new(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "mail", ManualClock())
    await maildir.send(Message("a@example.com", "Hello", "<b>Grüße</b>"))
    (file,) = (tmp_path / "mail" / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "mail" / "new").stat().st_mode) == 0o700
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []
    mail = parsed(file.read_bytes())
    assert (mail["From"], mail["To"], mail["Subject"]) == (DEFAULT_SENDER, "a@example.com", "Hello")
    assert mail.get_content_type() == "text/html"
    assert mail.get_content().strip() == "<b>Grüße</b>"
    assert mail["Date"].datetime.timestamp() == ManualClock().now()


async def test_given_a_rehearsal_then_nothing_is_left(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "mail", ManualClock())
    await maildir.send(Message("a@example.com", "Hello", "x"), rehearsal=True)
    assert [file for part in ("tmp", "new", "cur") for file in (tmp_path / "mail" / part).iterdir()] == []


async def test_given_a_crash_in_the_middle_then_the_next_start_clears_the_half_mail_away(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "mail", ManualClock())
    await maildir.send(Message("a@example.com", "Hello", "x"))
    (tmp_path / "mail" / "tmp" / "half").write_bytes(b"From: ")
    await Maildir(tmp_path / "mail", ManualClock()).start()
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 1


async def test_given_a_disk_that_refuses_then_so_does_send(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "mail", ManualClock())
    (tmp_path / "mail" / "tmp").rmdir()
    with pytest.raises(OSError, match="No such file"):
        await maildir.send(Message("a@example.com", "Hello", "x"))


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    subject=st.text(max_size=200)
    | st.sampled_from(["a\r\nBcc: x@example.com", "a\n\nbody", "\u2028Bcc: x", "=?utf-8?q?a=0ABcc:_x?="]),
    body=st.text(max_size=300),
    reply_to=st.none() | st.sampled_from(["help@example.com", "a@b\r\nBcc: c@d", "a\n b"]),
)
def test_given_any_text_then_no_header_is_added_and_the_body_arrives(
    subject: str, body: str, reply_to: str | None
) -> None:
    mail = parsed(compose(Message("a@example.com", subject, body, reply_to=reply_to), DEFAULT_SENDER, 0.0))
    expected = {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "content-type",
        "content-transfer-encoding",
        "mime-version",
    }
    if reply_to:
        expected.add("reply-to")
    assert {name.lower() for name in mail} == expected
    assert mail["To"] == "a@example.com"
    lines = "\n".join(body.splitlines())
    assert "\n".join(mail.get_content().splitlines()).rstrip("\n") == lines.rstrip("\n")
