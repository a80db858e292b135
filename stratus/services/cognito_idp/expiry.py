"""Forgetting what has expired, and bounding what invented names leave behind."""

import sqlite3

EVERY = 60.0
"""Seconds between two sweeps."""
_MAX_STRANGERS = 10_000


def sweep(connection: sqlite3.Connection, now: float) -> None:
    """Deletes expired rows, and of those about people who do not exist (`?` before the subject) all but the youngest 10,000."""
    for table in ("tallies", "codes", "sessions", "grants"):
        connection.execute(f"DELETE FROM {table} WHERE expires <= ?", (now,))  # noqa: S608 - constant names
    for table in ("tallies", "codes"):
        connection.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE subject >= '?' AND subject < '@'"  # noqa: S608 - constant names
            " ORDER BY expires DESC LIMIT -1 OFFSET ?)",
            (_MAX_STRANGERS,),
        )
