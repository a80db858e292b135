"""Codes sent to an address to prove that it is its owner's: six random digits, kept as a digest, short-lived, few tries."""

import hmac
import secrets
import sqlite3

from stratus.services.cognito_idp import limits
from stratus.services.cognito_idp.errors import code_mismatch, expired_code
from stratus.wire.errors import AwsError

SIGN_UP = "sign-up"
RESET = "reset"


def attribute(name: str) -> str:
    """The purpose of a code that verifies the attribute `name`."""
    return f"attribute {name}"


def _lifetime(purpose: str) -> float:
    """24 hours, for a new password one (Developer Guide, "Quotas": code validity)."""
    return 3600.0 if purpose == RESET else 86_400.0


def issue(connection: sqlite3.Connection, secret: bytes, subject: str, purpose: str, now: float) -> str | AwsError:
    """A new code that replaces the one before, or why `subject` gets none: too many were sent in the last hour."""
    refused = limits.spend(connection, subject, f"sent {purpose}", now)
    if refused:
        return refused
    code = f"{secrets.randbelow(1_000_000):06d}"
    connection.execute(
        "INSERT OR REPLACE INTO codes VALUES (?, ?, ?, ?)",
        (subject, purpose, _digest(secret, subject, purpose, code), now + _lifetime(purpose)),
    )
    return code


def redeem(
    connection: sqlite3.Connection, secret: bytes, subject: str, purpose: str, code: str, now: float
) -> AwsError | None:
    """Uses `code` up; an error says why it is not taken."""
    refused = limits.spend(connection, subject, f"tried {purpose}", now)
    if refused:
        return refused
    row = connection.execute(
        "SELECT digest FROM codes WHERE subject = ? AND purpose = ? AND expires > ?", (subject, purpose, now)
    ).fetchone()
    if row is None:
        return expired_code()
    if not hmac.compare_digest(row[0], _digest(secret, subject, purpose, code)):
        return code_mismatch()
    withdraw(connection, subject, purpose)
    return None


def withdraw(connection: sqlite3.Connection, subject: str, purpose: str) -> None:
    """The code is not needed any more, and neither is the count of tries."""
    connection.execute("DELETE FROM codes WHERE subject = ? AND purpose = ?", (subject, purpose))
    limits.forget(connection, subject, f"tried {purpose}")


def _digest(secret: bytes, subject: str, purpose: str, code: str) -> bytes:
    return hmac.digest(secret, f"code\0{subject}\0{purpose}\0{code}".encode(), "sha256")
