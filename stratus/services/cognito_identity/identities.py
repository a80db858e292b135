"""Identities: the lasting name, REGION:UUID, that an identity pool has for a user of a user pool."""

import sqlite3
from dataclasses import dataclass

from stratus.services.cognito_identity import pool as pool_module
from stratus.services.cognito_identity.logins import Login
from stratus.services.cognito_identity.pool import IdentityPool

_SELECT = "SELECT id, pool, provider, subject, created, modified FROM identities"


@dataclass(frozen=True, slots=True)
class Identity:
    id: str
    pool_id: str
    provider: str
    subject: str
    created: float
    modified: float

    def belongs_to(self, login: Login) -> bool:
        return (self.provider, self.subject) == (login.provider, login.subject)


def get(connection: sqlite3.Connection, identity_id: str) -> Identity | None:
    row = connection.execute(f"{_SELECT} WHERE id = ?", (identity_id,)).fetchone()
    return Identity(*row) if row else None


def of_login(connection: sqlite3.Connection, pool: IdentityPool, login: Login) -> Identity | None:
    row = connection.execute(
        f"{_SELECT} WHERE pool = ? AND provider = ? AND subject = ?", (pool.id, login.provider, login.subject)
    ).fetchone()
    return Identity(*row) if row else None


def create(connection: sqlite3.Connection, pool: IdentityPool, login: Login, now: float) -> Identity:
    """The identity of `login`: the one there is, or a new one. The same user always gets the same."""
    known = of_login(connection, pool, login)
    if known:
        return known
    identity = Identity(pool_module.new_id(pool.region), pool.id, login.provider, login.subject, now, now)
    connection.execute(
        "INSERT INTO identities VALUES (?, ?, ?, ?, ?, ?)",
        (identity.id, identity.pool_id, identity.provider, identity.subject, now, now),
    )
    return identity


def page(connection: sqlite3.Connection, pool: IdentityPool, after: str, limit: int) -> list[Identity]:
    rows = connection.execute(f"{_SELECT} WHERE pool = ? AND id > ? ORDER BY id LIMIT ?", (pool.id, after, limit))
    return [Identity(*row) for row in rows]


def delete(connection: sqlite3.Connection, identity_id: str) -> bool:
    return connection.execute("DELETE FROM identities WHERE id = ?", (identity_id,)).rowcount > 0
