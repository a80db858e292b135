"""What goes wrong, said to a person in a sentence, with the exit code that scripts can rely on."""

import errno
import sqlite3
from collections.abc import Callable

CANNOT_RUN = 1
"""The machine is in the way: a port or data directory in use, a full disk, no permission; or a deployment failed and was taken back."""
BAD_INPUT = 2
"""The template, a parameter or the command line is wrong; nothing was changed."""


class Failure(Exception):  # noqa: N818 - what a command ends with
    """Ends a command with a message and an exit code."""

    def __init__(self, message: str, code: int = CANNOT_RUN) -> None:
        super().__init__(message)
        self.code = code


def bad_input(message: str) -> Failure:
    return Failure(message, BAD_INPUT)


def explained(error: Exception) -> Failure | None:
    """What an exception means to a person, or None for one that nobody foresaw."""
    if isinstance(error, Failure):
        return error
    for explain in (_deployment, _addresses, _system):
        if failure := explain(error):
            return failure
    return None


def _deployment(error: Exception) -> Failure | None:
    from stratus.template.errors import DeploymentFailed, UnusableTemplate

    if isinstance(error, UnusableTemplate):
        return bad_input("\n".join(error.lines))
    if isinstance(error, DeploymentFailed):
        after = (
            "The stack is as it was before; nothing was lost."
            if error.taken_back
            else "Nothing was lost; the next attempt goes on from here."
        )
        return Failure(f"{error}\n{after}")
    return None


def _addresses(error: Exception) -> Failure | None:
    from stratus.addresses import NoPortLeft
    from stratus.data_directory import DataDirectoryUnusable
    from stratus.wire.errors import AwsError

    if isinstance(error, NoPortLeft | DataDirectoryUnusable):
        return Failure(str(error))
    if isinstance(error, AwsError):
        return Failure(_FULL if "disk is full" in error.message else f"{error.code}: {error.message}")
    return None


def _system(error: Exception) -> Failure | None:
    if isinstance(error, OSError):
        explain = _ERRNO.get(error.errno or 0)
        return Failure(explain(error)) if explain else None
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return Failure(_FULL)
    if isinstance(error, sqlite3.DatabaseError):
        return Failure(f"A database in the data directory cannot be used: {error}. Is the disk full, or failing?")
    return None


_FULL = "The disk is full. What was acknowledged is safe; make room and start again."
_ERRNO: dict[int, Callable[[OSError], str]] = {
    errno.EADDRINUSE: lambda error: (
        f"{_sentence(error)} Stop what listens there, or choose other ports with --port-base."
    ),
    errno.EADDRNOTAVAIL: lambda error: f"{_sentence(error)} Choose an address of this machine with --host.",
    errno.EACCES: lambda error: f"{_sentence(error)}",
    errno.EPERM: lambda error: f"{_sentence(error)}",
    errno.ENOSPC: lambda error: _FULL,
    errno.EDQUOT: lambda error: "Your disk quota is used up. What was acknowledged is safe; make room and start again.",
    errno.EROFS: lambda error: f"{_sentence(error)}",
    errno.EMFILE: lambda error: "Too many files are open; raise the limit with `ulimit -n`.",
}


def _sentence(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{(error.strerror or str(error)).rstrip('.').capitalize() if not name else error.strerror}."
