"""Codes sent to an address to prove that it is its owner's: six random digits, kept as a digest, short-lived, few tries."""

import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Literal

from stratus.services.cognito_idp import limits
from stratus.services.cognito_idp.errors import code_mismatch, expired_code
from stratus.wire.errors import AwsError

Purpose = Literal["sign-up", "reset", "verify email"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a code proves: that `subject` reads the mail of `address`, for one purpose. For another address it is worth nothing."""

    subject: str
    purpose: Purpose
    address: str

    @property
    def lifetime(self) -> float:
        """24 hours, for a new password one (Developer Guide, "Quotas": code validity)."""
        return 3600.0 if self.purpose == "reset" else 86_400.0

    def digest(self, secret: bytes, code: str) -> bytes:
        return hmac.digest(secret, "\0".join((self.subject, self.purpose, self.address, code)).encode(), "sha256")


def issue(connection: sqlite3.Connection, secret: bytes, proof: Proof, now: float) -> str | AwsError:
    """A new code that replaces the one before, or why there is none: too many were sent in the last hour."""
    refused = limits.spend(connection, proof.subject, f"sent {proof.purpose}", now)
    if refused:
        return refused
    code = f"{secrets.randbelow(1_000_000):06d}"
    connection.execute(
        "INSERT OR REPLACE INTO codes VALUES (?, ?, ?, ?)",
        (proof.subject, proof.purpose, proof.digest(secret, code), now + proof.lifetime),
    )
    return code


def redeem(connection: sqlite3.Connection, secret: bytes, proof: Proof, code: str, now: float) -> AwsError | None:
    """Uses `code` up; an error says why it is not taken."""
    refused = limits.spend(connection, proof.subject, f"tried {proof.purpose}", now)
    if refused:
        return refused
    row = connection.execute(
        "SELECT digest FROM codes WHERE subject = ? AND purpose = ? AND expires > ?",
        (proof.subject, proof.purpose, now),
    ).fetchone()
    if row is None:
        return expired_code()
    if not hmac.compare_digest(row[0], proof.digest(secret, code)):
        return code_mismatch()
    withdraw(connection, proof.subject, proof.purpose)
    return None


def withdraw(connection: sqlite3.Connection, subject: str, purpose: Purpose) -> None:
    """The code is not needed any more, and neither is the count of tries."""
    connection.execute("DELETE FROM codes WHERE subject = ? AND purpose = ?", (subject, purpose))
    limits.forget(connection, subject, f"tried {purpose}")
