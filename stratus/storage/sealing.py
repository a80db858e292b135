"""Encryption at rest: AES-256-GCM under a master key that lies in a file of its own.

What it protects: whoever gets the bytes (a disk, a copied folder, a backup) without the key file reads nothing, and bytes that
were changed or swapped on disk are noticed instead of served. Whoever reads the whole data directory has the key too.
Names and sizes are not hidden.
"""

import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stratus.storage.durable import write_durably

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class Seal:
    """Seals small values under fresh nonces, and gives each file a key of its own."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, not {len(master)}")
        self._master = master
        self._small = AESGCM(self._derive(b"small"))

    @classmethod
    def from_file(cls, path: Path) -> "Seal":
        """The seal whose master key is at `path`; the key is made there, mode 0600, if the file does not exist."""
        if not path.exists():
            write_durably(path, os.urandom(KEY_BYTES))
        return cls(path.read_bytes())

    def close(self, plain: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._small.encrypt(nonce, plain, None)

    def open(self, sealed: bytes) -> bytes:
        """Raises cryptography's InvalidTag when the bytes are not those that were sealed."""
        return self._small.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)

    def for_file(self, file_id: str) -> "FileSeal":
        return FileSeal(self._derive(b"file:" + file_id.encode()))

    def _derive(self, purpose: bytes) -> bytes:
        return hmac.digest(self._master, purpose, "sha256")


class FileSeal:
    """Seals the numbered chunks of one file that is written once: the nonce is the chunk's number."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, number: int, plain: bytes) -> bytes:
        return self._cipher.encrypt(number.to_bytes(NONCE_BYTES, "big"), plain, None)

    def open(self, number: int, sealed: bytes) -> bytes:
        return self._cipher.decrypt(number.to_bytes(NONCE_BYTES, "big"), sealed, None)
