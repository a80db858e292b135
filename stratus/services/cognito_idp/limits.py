"""How often somebody may try. Counts are kept on disk, so that neither a restart nor parallel requests give more tries.

A try is counted before its outcome is known and given back when it succeeds.
"""

import sqlite3

from stratus.services.cognito_idp.errors import limit_exceeded, not_authorized
from stratus.wire.errors import AwsError

HOUR = 3600.0
TRIES_AN_HOUR = 5
"""Codes mailed, and codes guessed, for each user and purpose; AWS says "between 5 and 20, depending upon the risk"."""

_FREE_ATTEMPTS = 5
_FORGIVEN_AFTER = 900.0
_LONGEST_LOCKOUT = 900.0


def begin_sign_in(connection: sqlite3.Connection, subject: str, now: float) -> AwsError | None:
    """Counts one attempt with a password or an MFA code; an error says that `subject` is locked out.

    After n >= 5 failures the lockout lasts 2**(n-5) seconds, at most 15 minutes; 15 minutes without an attempt forget everything
    (Developer Guide, "Lockout behavior for failed sign-in attempts").
    """
    row = _tally(connection, subject, "sign-in", now)
    failures, locked_until = row or (0, 0.0)
    if now < locked_until:
        return not_authorized("Password attempts exceeded")
    failures += 1
    locked_until = 0.0
    if failures >= _FREE_ATTEMPTS:
        locked_until = now + min(2.0 ** min(failures - _FREE_ATTEMPTS, 10), _LONGEST_LOCKOUT)
    _store(connection, subject, "sign-in", failures, locked_until, max(now, locked_until) + _FORGIVEN_AFTER)
    return None


def undo_sign_in(connection: sqlite3.Connection, subject: str) -> None:
    """The attempt was right, though the sign-in is not complete yet: it does not count, and earlier failures still do."""
    connection.execute(
        "UPDATE tallies SET count = count - 1, locked_until = 0 WHERE subject = ? AND kind = 'sign-in'", (subject,)
    )


def spend(connection: sqlite3.Connection, subject: str, kind: str, now: float) -> AwsError | None:
    """Counts one of the tries that `subject` has in an hour; an error says that none is left."""
    row = connection.execute(
        "SELECT count, expires FROM tallies WHERE subject = ? AND kind = ? AND expires > ?", (subject, kind, now)
    ).fetchone()
    count, expires = row or (0, now + HOUR)
    if count >= TRIES_AN_HOUR:
        return limit_exceeded()
    _store(connection, subject, kind, count + 1, 0.0, expires)
    return None


def forget(connection: sqlite3.Connection, subject: str, kind: str) -> None:
    """Starts the count of `subject` afresh."""
    connection.execute("DELETE FROM tallies WHERE subject = ? AND kind = ?", (subject, kind))


def _tally(connection: sqlite3.Connection, subject: str, kind: str, now: float) -> tuple[int, float] | None:
    row: tuple[int, float] | None = connection.execute(
        "SELECT count, locked_until FROM tallies WHERE subject = ? AND kind = ? AND expires > ?", (subject, kind, now)
    ).fetchone()
    return row


def _store(
    connection: sqlite3.Connection, subject: str, kind: str, count: int, locked_until: float, expires: float
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO tallies VALUES (?, ?, ?, ?, ?)", (subject, kind, count, locked_until, expires)
    )
