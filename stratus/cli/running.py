"""What a running Stratus tells others: the ready file, and its copy in the data directory."""

import contextlib
import fcntl
import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "running.json"


@dataclass(frozen=True)
class Running:
    """Everything that a client needs. It holds the administrator's secret: files of it are readable by their owner alone."""

    endpoint: str
    """The AWS API over HTTPS."""
    ca: str
    """The PEM file of the authority that signed its certificate."""
    region: str
    admin: dict[str, str]
    mailbox: str
    stacks: dict[str, Any]
    """The stacks of the first region: {name: {"outputs": {...}}}."""
    regions: dict[str, Any]
    """{region: {"stacks": ...}}."""
    http_endpoint: str = ""
    pid: int = 0
    port_base: int = 0
    settings: dict[str, Any] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Puts `file` in place as a whole, mode 0600."""
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)


def find(data: Path) -> Running | None:
    """The Stratus that runs on `data`, or None."""
    if not is_locked(data):
        return None
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Running(**json.loads((data / FILE).read_bytes()))
    return None


def is_locked(data: Path) -> bool:
    """Whether a process holds the data directory."""
    try:
        lock = os.open(data / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
