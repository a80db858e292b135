"""Time-based one-time passwords (RFC 6238): SHA-1, 30 seconds, six digits, as authenticator apps make them."""

import base64
import hmac
import secrets

STEP = 30
_TOLERANCE = 1


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 recommends."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 1_000_000:06d}"


def matching_step(secret: str, code: str, now: float) -> int | None:
    """The time step whose code this is, one step of clock difference either way allowed; None where it is no valid code."""
    current = int(now // STEP)
    found = None
    for step in range(current - _TOLERANCE, current + _TOLERANCE + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found
