"""The password policy of a pool, and temporary passwords that satisfy it."""

import secrets
import string
from typing import Any

from stratus.wire.errors import AwsError

SYMBOLS = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+="
"""What counts as a symbol (Developer Guide, "Adding user pool password requirements")."""

DEFAULT_POLICY = {
    "MinimumLength": 8,
    "RequireUppercase": True,
    "RequireLowercase": True,
    "RequireNumbers": True,
    "RequireSymbols": True,
    "TemporaryPasswordValidityDays": 7,
}
_REQUIREMENTS = (
    ("RequireLowercase", string.ascii_lowercase, "Password must have lowercase characters"),
    ("RequireUppercase", string.ascii_uppercase, "Password must have uppercase characters"),
    ("RequireNumbers", string.digits, "Password must have numeric characters"),
    ("RequireSymbols", SYMBOLS, "Password must have symbol characters"),
)


def check_policy(policy: dict[str, Any], password: str) -> None:
    """Raises InvalidPasswordException with the first requirement that `password` misses."""
    if len(password) < policy["MinimumLength"]:
        raise _nonconforming("Password not long enough")
    for requirement, characters, message in _REQUIREMENTS:
        if policy[requirement] and not any(c in characters for c in password):
            raise _nonconforming(message)


def _nonconforming(reason: str) -> AwsError:
    return AwsError("InvalidPasswordException", f"Password did not conform with policy: {reason}")


def generate(policy: dict[str, Any]) -> str:
    """A random password that satisfies any policy: one of each kind, the rest of all kinds, shuffled."""
    kinds = [characters for _, characters, _ in _REQUIREMENTS]
    length = max(policy["MinimumLength"], 12)
    chosen = [secrets.choice(characters) for characters in kinds]
    chosen += [secrets.choice("".join(kinds)) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
