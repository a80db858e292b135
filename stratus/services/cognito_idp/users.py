"""The users of a pool: who they are, what they may sign in with, and the stand-ins for those who do not exist."""

import hmac
import json
import sqlite3
import uuid
from dataclasses import dataclass, replace
from typing import Any

from stratus.services.cognito_idp import attributes, srp
from stratus.services.cognito_idp.pool import Pool
from stratus.wire.errors import AwsError

UNCONFIRMED = "UNCONFIRMED"
CONFIRMED = "CONFIRMED"
FORCE_CHANGE_PASSWORD = "FORCE_CHANGE_PASSWORD"  # noqa: S105 - a status
RESET_REQUIRED = "RESET_REQUIRED"


@dataclass(frozen=True, slots=True)
class User:
    """One user. `exists` is False for the stand-in of a name that nobody has: it behaves like a user, and can never sign in."""

    sub: str
    pool_id: str
    username: str
    status: str
    enabled: bool
    verifier: srp.Verifier | None
    password_expires: float | None
    attributes: dict[str, str]
    pending: dict[str, str]
    totp: dict[str, Any]
    created: float
    modified: float
    exists: bool = True

    @property
    def subject(self) -> str:
        """Whose codes and tries are counted; those of stand-ins are told apart by a question mark."""
        return self.sub if self.exists else f"?{self.sub}"

    @property
    def email(self) -> str | None:
        return self.attributes.get("email")

    @property
    def email_verified(self) -> bool:
        return self.attributes.get("email_verified") == "true"

    @property
    def has_totp(self) -> bool:
        return "secret" in self.totp

    def with_attributes(self, changed: dict[str, str]) -> "User":
        return replace(self, attributes={**self.attributes, **changed})

    def listed_attributes(self) -> dict[str, str]:
        return {"sub": self.sub, **self.attributes}


def new(pool_id: str, sub: str, username: str, status: str, attributes: dict[str, str], now: float) -> User:
    """A user who has no password yet, made at `now` (seconds since the epoch)."""
    return User(
        sub=sub,
        pool_id=pool_id,
        username=username,
        status=status,
        enabled=True,
        verifier=None,
        password_expires=None,
        attributes=attributes,
        pending={},
        totp={},
        created=now,
        modified=now,
    )


def stand_in(pool: Pool, name: str) -> User:
    """Somebody who does not exist: the same name always gets the same id, salt and verifier, so that answers do not tell."""

    def derived(what: str, length: int) -> bytes:
        message = f"stand-in\0{what}\0{pool.canonical(name)}".encode()
        return b"".join(hmac.digest(pool.secret, message + bytes([n]), "sha256") for n in range(length // 32 + 1))[
            :length
        ]

    sub = str(uuid.UUID(bytes=derived("sub", 16), version=4))
    verifier = srp.Verifier(
        int.from_bytes(derived("salt", 16), "big"), int.from_bytes(derived("verifier", 400), "big") % srp.N
    )
    named_by_uuid = pool.signs_in_with_email or (pool.email_is_alias and attributes.is_email(name))
    email = name if attributes.is_email(name) else f"{name[:1]}@{sub[0]}"
    return User(
        sub=sub,
        pool_id=pool.id,
        username=sub if named_by_uuid else name,
        status=CONFIRMED,
        enabled=True,
        verifier=verifier,
        password_expires=None,
        attributes={"email": email, "email_verified": "true"},
        pending={},
        totp={},
        created=0,
        modified=0,
        exists=False,
    )


def verifier_of(pool: Pool, user: User) -> srp.Verifier:
    """What a password is checked against; for a user who has none, one that no password matches."""
    verifier = user.verifier or stand_in(pool, user.username).verifier
    assert verifier is not None
    return verifier


_COLUMNS = "sub, pool, username, status, enabled, salt, verifier, password_expires, attributes, pending, totp, created, modified"


def _from_row(row: tuple[Any, ...]) -> User:
    sub, pool, username, status, enabled, salt, verifier, expires, attributes_, pending, totp, created, modified = row
    return User(
        sub=sub,
        pool_id=pool,
        username=username,
        status=status,
        enabled=bool(enabled),
        verifier=srp.Verifier(int(salt, 16), int(verifier, 16)) if verifier else None,
        password_expires=expires,
        attributes=json.loads(attributes_),
        pending=json.loads(pending),
        totp=json.loads(totp),
        created=created,
        modified=modified,
    )


def find(connection: sqlite3.Connection, pool: Pool, name: str) -> User | None:
    """The user who signs in as `name`: the user name, an address that stands for it, or the `sub`."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE sub = (SELECT sub FROM names WHERE pool = ? AND name = ?)",  # noqa: S608 - constant
        (pool.id, pool.canonical(name)),
    ).fetchone()
    return _from_row(row) if row else None


def get(connection: sqlite3.Connection, sub: str) -> User | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM users WHERE sub = ?", (sub,)).fetchone()  # noqa: S608 - constant
    return _from_row(row) if row else None


def page(connection: sqlite3.Connection, pool: Pool, after: str, limit: int) -> list[User]:
    """Up to `limit` users in order of their `sub`, those after `after`."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM users WHERE pool = ? AND sub > ? ORDER BY sub LIMIT ?",  # noqa: S608 - constant
        (pool.id, after, limit),
    )
    return [_from_row(row) for row in rows]


def count(connection: sqlite3.Connection, pool: Pool) -> int:
    return int(connection.execute("SELECT count(*) FROM users WHERE pool = ?", (pool.id,)).fetchone()[0])


def names_of(pool: Pool, user: User) -> set[str]:
    """What `user` may sign in with, in canonical form."""
    names = {user.username, user.sub}
    if user.email and (pool.signs_in_with_email or (pool.email_is_alias and user.email_verified)):
        names.add(user.email)
    return {pool.canonical(name) for name in names}


def holder_of_name(connection: sqlite3.Connection, pool: Pool, user: User) -> tuple[str, str] | None:
    """(sub, name) of another user who holds one of the names of `user`."""
    for name in names_of(pool, user):
        row = connection.execute("SELECT sub, name FROM names WHERE pool = ? AND name = ?", (pool.id, name)).fetchone()
        if row and row[0] != user.sub:
            return row[0], row[1]
    return None


def store(connection: sqlite3.Connection, pool: Pool, user: User, now: float) -> AwsError | None:
    """Writes `user` and their names; an error says that another user has one of them."""
    taken = holder_of_name(connection, pool, user)
    if taken:
        is_new = get(connection, user.sub) is None
        return name_taken(pool, user, taken[1]) if is_new else alias_exists()
    verifier = user.verifier
    connection.execute(
        f"INSERT INTO users ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constant
        " ON CONFLICT (sub) DO UPDATE SET status = excluded.status, enabled = excluded.enabled, salt = excluded.salt,"
        " verifier = excluded.verifier, password_expires = excluded.password_expires, attributes = excluded.attributes,"
        " pending = excluded.pending, totp = excluded.totp, modified = excluded.modified",
        (
            user.sub,
            pool.id,
            user.username,
            user.status,
            user.enabled,
            f"{verifier.salt:x}" if verifier else None,
            f"{verifier.value:x}" if verifier else None,
            user.password_expires,
            json.dumps(user.attributes),
            json.dumps(user.pending),
            json.dumps(user.totp),
            user.created,
            now,
        ),
    )
    connection.execute("DELETE FROM names WHERE sub = ?", (user.sub,))
    connection.executemany(
        "INSERT INTO names VALUES (?, ?, ?)", [(pool.id, name, user.sub) for name in names_of(pool, user)]
    )
    return None


def name_taken(pool: Pool, user: User, name: str) -> AwsError:
    if name == pool.canonical(user.username) or not user.email:
        return AwsError("UsernameExistsException", "User already exists")
    if pool.signs_in_with_email:
        return AwsError("UsernameExistsException", "An account with the given email already exists.")
    return alias_exists()


def alias_exists() -> AwsError:
    return AwsError("AliasExistsException", "An account with the given email already exists.")


def delete(connection: sqlite3.Connection, user: User) -> None:
    """Erases the user with everything that hangs on them: names, grants, sessions, codes, counts."""
    connection.execute("DELETE FROM codes WHERE subject = ?", (user.subject,))
    connection.execute("DELETE FROM tallies WHERE subject = ?", (user.subject,))
    connection.execute("DELETE FROM users WHERE sub = ?", (user.sub,))
