"""The data directory: one owner at a time, readable by nobody else."""

import fcntl
import os
from pathlib import Path


class DataDirectoryUnusable(Exception):  # noqa: N818 - said to a person, who is no programmer here
    """The directory is in use by another Stratus, or cannot be made or written."""


class DataDirectory:
    """Locks `path` for this process; the lock goes with the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataDirectoryUnusable(f"{path} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise DataDirectoryUnusable(
                f"{path} is in use by another Stratus. Stop that one, or choose another directory with --data."
            ) from None

    def of(self, *parts: str) -> Path:
        """A directory of its own below the data directory (mode 0700), made where it is not there."""
        path = self.path.joinpath(*parts)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def close(self) -> None:
        os.close(self._lock)
