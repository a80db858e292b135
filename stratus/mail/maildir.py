"""A Maildir (https://cr.yp.to/proto/maildir.html): one file a mail, whole or not there."""

import asyncio
import itertools
import os
import secrets
from pathlib import Path

from stratus.clock import Clock
from stratus.mail.mailbox import DEFAULT_SENDER, Message, compose


class Maildir:
    """A Mailbox that keeps the mail: written to `tmp`, synced, moved to `new`. Files are 0600, directories 0700."""

    def __init__(self, directory: Path, clock: Clock, sender: str = DEFAULT_SENDER) -> None:
        self._directory = directory
        self._clock = clock
        self._sender = sender
        self._order = itertools.count()
        for part in ("tmp", "new", "cur"):
            (directory / part).mkdir(mode=0o700, parents=True, exist_ok=True)

    async def start(self) -> None:
        """Removes what a crash left half written."""
        for left in (self._directory / "tmp").iterdir():
            left.unlink()

    async def stop(self) -> None:
        """Nothing is pending: what was sent is on disk."""

    async def send(self, message: Message, *, rehearsal: bool = False) -> None:
        now = self._clock.now()
        data = compose(message, self._sender, now)
        name = f"{int(now)}.P{os.getpid()}Q{next(self._order)}R{secrets.token_hex(4)}.stratus"
        await asyncio.to_thread(self._write, name, data, rehearsal)

    def _write(self, name: str, data: bytes, rehearsal: bool) -> None:
        temporary, final = self._directory / "tmp" / name, self._directory / "new" / name
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if rehearsal:
                temporary.unlink()
            else:
                temporary.rename(final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(final.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
