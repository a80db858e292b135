"""The public keys of user pools, fetched from where the pool publishes them and kept (RFC 7517).

Source: Amazon Cognito Developer Guide, "Verifying JSON Web Tokens": `/{userPoolId}/.well-known/jwks.json`.
"""

import asyncio
import urllib.error
import urllib.request
from typing import Protocol

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from stratus.clock import Clock

MAX_DOCUMENT = 64 * 1024
TIMEOUT = 5.0
RETRY_AFTER = 1.0
"""Seconds in which nobody asks again for keys that could not be fetched: requests must not queue up behind a dead address."""
REFRESH_AFTER = 60.0
"""Seconds that must pass before an unknown key id makes us ask again: made-up ids must not become a flood of requests."""


class KeysUnavailable(Exception):  # noqa: N818 - named for what happened
    """The pool's keys could not be fetched."""


class KeySource(Protocol):
    async def fetch(self, pool_id: str) -> bytes:
        """The pool's JWKS document; raises KeysUnavailable."""
        ...


class HttpKeySource:
    """Fetches over plain HTTP from the cloud's own endpoint, as AWS's gateway asks the pool's public address."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    async def fetch(self, pool_id: str) -> bytes:
        return await asyncio.to_thread(self._get, f"{self._endpoint}/{pool_id}/.well-known/jwks.json")

    def _get(self, url: str) -> bytes:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 - the endpoint is our own http address
                return bytes(response.read(MAX_DOCUMENT))
        except (urllib.error.URLError, OSError) as error:
            raise KeysUnavailable(url) from error


class PoolKeys:
    """Keys by pool and key id, fetched once per pool and again when a pool signs with a key that is new.

    The pools are those that deployed APIs name, so there are few.
    """

    def __init__(self, source: KeySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._keys: dict[str, dict[str, RSAKey]] = {}
        self._fetched: dict[str, float] = {}
        self._failed: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def key(self, pool_id: str, key_id: str) -> RSAKey | None:
        """The key, or None when the pool has none of that id. Raises KeysUnavailable."""
        found = self._keys.get(pool_id, {}).get(key_id)
        if found is not None:
            return found
        async with self._lock:
            fetched = self._fetched.get(pool_id)
            if fetched is None or self._clock.now() - fetched >= REFRESH_AFTER:
                await self._refresh(pool_id)
        return self._keys.get(pool_id, {}).get(key_id)

    async def _refresh(self, pool_id: str) -> None:
        now = self._clock.now()
        if now - self._failed.get(pool_id, -RETRY_AFTER) < RETRY_AFTER:
            raise KeysUnavailable(pool_id)
        try:
            self._keys[pool_id] = _keys(await self._source.fetch(pool_id))
        except KeysUnavailable:
            self._failed[pool_id] = now
            raise
        self._fetched[pool_id] = now


def _keys(document: bytes) -> dict[str, RSAKey]:
    try:
        keys = KeySet.import_key_set(orjson.loads(document)).keys
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise KeysUnavailable from error
    return {str(key.kid): key for key in keys if isinstance(key, RSAKey) and key.kid}
