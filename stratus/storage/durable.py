"""Files that survive the machine going down: synced themselves, and synced into their directory."""

import os
import sys
from pathlib import Path


def sync(fd: int) -> None:
    """Forces a file's bytes onto the disk itself (macOS keeps them in the drive's cache after a plain fsync)."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def sync_directory(path: Path) -> None:
    """Makes names created, renamed or removed in the directory durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, data: bytes) -> None:
    """Writes a small file, mode 0600, that is there whole or not at all."""
    draft = path.with_name(path.name + ".new")
    fd = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        sync(fd)
    draft.replace(path)
    sync_directory(path.parent)
