"""Access keys, and the sealed tokens of temporary credentials.

A session token *is* the session: who, until when, under which session policies, encrypted and authenticated under the key of
this data directory. So no table of sessions grows, and sessions survive a restart.
"""

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_BYTES = 30
_NONCE_BYTES = 12
_KEY_BYTES = 32
MAX_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client signs with. `session_token` and `expiration` (seconds since the epoch) are those of temporary ones."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expiration: float | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id})"


def unique_id(prefix: str) -> str:
    """An id as IAM makes them, 20 characters: AKIA (access key), ASIA (temporary), AIDA (user), AROA (role), ANPA (policy)."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(20 - len(prefix)))


def new_secret() -> str:
    """40 random characters, 240 bits."""
    return base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


class BadSeal(Exception):  # noqa: N818 - named for what is wrong
    """A sealed text was not made under this key for this purpose, or was changed."""


class UnusableKeyError(Exception):
    """The key beside the data is missing or damaged; the message says which file to restore."""


class Vault:
    """Seals texts under one random key that lies beside the data, readable by its owner alone."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def open(cls, path: Path, *, first_run: bool) -> "Vault":
        """The vault whose key is at `path`; on the first run it makes the key, on disk before anything is sealed.

        Raises UnusableKeyError: a new key in place of a lost one would open nothing.
        """
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            if not first_run:
                raise UnusableKeyError(f"{path} is missing; without it no secret can be read. Restore it.") from None
            key = _make_key(path)
        if len(key) != _KEY_BYTES:
            raise UnusableKeyError(f"{path} is damaged; without it no secret can be read. Restore it.")
        return cls(key)

    def seal(self, purpose: str, content: object) -> str:
        """`content` (JSON) encrypted and authenticated; opens only for the same `purpose`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, orjson.dumps(content), purpose.encode())
        return base64.urlsafe_b64encode(sealed).decode()

    def unseal(self, purpose: str, text: str) -> object:
        """What was sealed. Raises BadSeal."""
        if len(text) > MAX_TOKEN:
            raise BadSeal
        try:
            sealed = base64.b64decode(text, altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(sealed).decode() != text:
                raise BadSeal
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (ValueError, InvalidTag) as error:
            raise BadSeal from error
        return orjson.loads(plain)


def _make_key(path: Path) -> bytes:
    """Written whole and synced before it has its name, so that no crash leaves half a key."""
    key = secrets.token_bytes(_KEY_BYTES)
    unfinished = path.with_name(path.name + ".new")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return key
