"""Sessions: what links the answers to a chain of challenges after the password was right. Random, kept as digests, single-use."""

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    client_id: str
    sub: str
    challenge: str


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def open_session(connection: sqlite3.Connection, session: Session, expires: float) -> str:
    """The token that the client hands back with its answer."""
    token = secrets.token_urlsafe(48)
    connection.execute(
        "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
        (_digest(token), session.client_id, session.sub, session.challenge, expires),
    )
    return token


def find(connection: sqlite3.Connection, token: str, now: float) -> Session | None:
    row = connection.execute(
        "SELECT client, sub, challenge FROM sessions WHERE digest = ? AND expires > ?", (_digest(token), now)
    ).fetchone()
    return Session(*row) if row else None


def close(connection: sqlite3.Connection, token: str) -> None:
    connection.execute("DELETE FROM sessions WHERE digest = ?", (_digest(token),))


def close_all(connection: sqlite3.Connection, sub: str) -> None:
    connection.execute("DELETE FROM sessions WHERE sub = ?", (sub,))
