"""Grants: each completed sign-in is one, and every token that comes from it lives and dies with it."""

import hashlib
import sqlite3
import uuid
from dataclasses import dataclass, replace
from typing import Any

from stratus.services.cognito_idp.client import AppClient


@dataclass(frozen=True, slots=True)
class Grant:
    """One sign-in of one user at one client. Times are seconds; `refresh` is the digest of the refresh token."""

    origin_jti: str
    client_id: str
    sub: str
    auth_time: int
    refresh: bytes
    refresh_expires: float
    rotated: bytes | None
    rotated_until: float
    revoked: bool
    expires: float


def digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()


def new(client: AppClient, sub: str, refresh_token: str, now: float) -> Grant:
    refresh_expires = now + client.lifetime("RefreshToken")
    return Grant(
        origin_jti=str(uuid.uuid4()),
        client_id=client.id,
        sub=sub,
        auth_time=int(now),
        refresh=digest(refresh_token),
        refresh_expires=refresh_expires,
        rotated=None,
        rotated_until=0.0,
        revoked=False,
        expires=refresh_expires + client.lifetime("AccessToken"),
    )


def rotated(grant: Grant, refresh_token: str, grace: float, now: float) -> Grant:
    """The grant with a new refresh token; the one before works on for `grace` seconds. Its end stays where it was."""
    return replace(grant, refresh=digest(refresh_token), rotated=grant.refresh, rotated_until=now + grace)


def store(connection: sqlite3.Connection, grant: Grant) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            grant.origin_jti,
            grant.client_id,
            grant.sub,
            grant.auth_time,
            grant.refresh,
            grant.refresh_expires,
            grant.rotated,
            grant.rotated_until,
            grant.revoked,
            grant.expires,
        ),
    )


_SELECT = "SELECT origin_jti, client, sub, auth_time, refresh, refresh_expires, rotated, rotated_until, revoked, expires FROM grants"


def _from_row(row: tuple[Any, ...] | None) -> Grant | None:
    return Grant(*row) if row else None


def get(connection: sqlite3.Connection, origin_jti: str) -> Grant | None:
    return _from_row(connection.execute(f"{_SELECT} WHERE origin_jti = ?", (origin_jti,)).fetchone())


def of_refresh_token(connection: sqlite3.Connection, refresh_token: str) -> Grant | None:
    """The grant whose refresh token, present or rotated away, this is."""
    hashed = digest(refresh_token)
    return _from_row(connection.execute(f"{_SELECT} WHERE refresh = ? OR rotated = ?", (hashed, hashed)).fetchone())


def revoke(connection: sqlite3.Connection, origin_jti: str) -> None:
    connection.execute("UPDATE grants SET revoked = 1 WHERE origin_jti = ?", (origin_jti,))


def revoke_all(connection: sqlite3.Connection, sub: str) -> None:
    connection.execute("UPDATE grants SET revoked = 1 WHERE sub = ?", (sub,))
