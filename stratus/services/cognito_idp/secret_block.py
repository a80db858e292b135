"""SECRET_BLOCK: the server's half of an SRP exchange, sealed and handed to the client, so that an unfinished sign-in costs no memory.

The key lives as long as the process, and each block is answered once: a recorded answer opens nothing.
"""

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stratus.services.cognito_idp.srp import Challenge

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Exchange:
    """An SRP exchange under way. `name` is what the client called the user, `expires` in seconds since the epoch."""

    client_id: str
    name: str
    challenge: Challenge
    client_public: int
    expires: float


class SecretBlocks:
    """Seals exchanges and opens each of them once."""

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._answered: OrderedDict[bytes, float] = OrderedDict()

    def seal(self, exchange: Exchange) -> bytes:
        challenge = exchange.challenge
        plain = [
            exchange.client_id,
            exchange.name,
            f"{challenge.secret:x}",
            f"{challenge.public:x}",
            f"{exchange.client_public:x}",
            exchange.expires,
        ]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(plain).encode(), None)

    def open(self, block: bytes, now: float) -> Exchange | None:
        """The exchange, or None where the block is forged, expired, or was opened before."""
        nonce = block[:_NONCE_BYTES]
        if len(nonce) < _NONCE_BYTES or nonce in self._answered:
            return None
        try:
            plain = json.loads(self._cipher.decrypt(nonce, block[_NONCE_BYTES:], None))
        except InvalidTag:
            return None
        client_id, name, secret, public, client_public, expires = plain
        if expires <= now:
            return None
        self._forget_expired(now)
        self._answered[nonce] = expires
        return Exchange(client_id, name, Challenge(int(secret, 16), int(public, 16)), int(client_public, 16), expires)

    def _forget_expired(self, now: float) -> None:
        """Roughly: the oldest answers first, up to one that is still needed."""
        while self._answered and next(iter(self._answered.values())) <= now:
            self._answered.popitem(last=False)
