"""COGNITO_USER_POOLS authorizers: the token in a header, signed by one of the user pools, lets the request pass.

Without scopes on the method it must be an ID token, with scopes an access token that has one of them. Sources: API Gateway Developer
Guide, "Control access to REST APIs using Amazon Cognito user pools"; RFC 7515, RFC 7519.
"""

import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from stratus.clock import Clock
from stratus.service import Addresses
from stratus.services.apigateway.definition import CognitoAuthorizer
from stratus.services.apigateway.errors import authorizer_failure, unauthorized
from stratus.services.apigateway.exchange import Claims, Exchange
from stratus.services.apigateway.jwks import KeysUnavailable, PoolKeys

MAX_TOKEN = 16 * 1024
MAX_CACHED = 10_000
_ALGORITHM = "RS256"
_DATES = ("exp", "iat")


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token whose signature and issuer are right."""

    use: str
    expires: float
    scopes: frozenset[str]
    claims: Claims


class TokenVerifier:
    """Verifies tokens of user pools. A verified token is remembered until it expires, the least recently used go first."""

    def __init__(self, keys: PoolKeys, clock: Clock, addresses: Addresses) -> None:
        self._keys = keys
        self._addresses = addresses
        self._clock = clock
        self._cache: OrderedDict[tuple[str, str], _Verified] = OrderedDict()

    async def verified(self, token: str, pool_arn: str) -> _Verified | None:
        """The token's claims if `pool_arn`'s pool signed it, else None. Raises KeysUnavailable."""
        key = (pool_arn, token)
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
            return found
        found = await self._verify(token, pool_arn)
        if found is not None and found.expires > self._clock.now():
            self._cache[key] = found
            if len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
        return found

    async def _verify(self, token: str, pool_arn: str) -> _Verified | None:
        pool_id = pool_arn.rpartition("/")[2]
        try:
            header = jws.extract_compact(token.encode()).headers()
            if header.get("alg") != _ALGORITHM or not isinstance(header.get("kid"), str):
                return None
            key = await self._keys.key(pool_id, header["kid"])
            if key is None:
                return None
            claims = orjson.loads(jws.deserialize_compact(token, key, algorithms=[_ALGORITHM]).payload)
        except (JoseError, ValueError, TypeError):
            return None
        if not isinstance(claims, dict) or not self._is_issuer(claims.get("iss"), pool_arn):
            return None
        return _read(claims)

    def _is_issuer(self, text: object, pool_arn: str) -> bool:
        """The pool's address: AWS's, or one of ours, whichever its client used."""
        region, pool_id = pool_arn.split(":")[3], pool_arn.rpartition("/")[2]
        if not isinstance(text, str) or not text.endswith(f"/{pool_id}"):
            return False
        endpoint = text.removesuffix(f"/{pool_id}")
        return endpoint == f"https://cognito-idp.{region}.amazonaws.com" or self._addresses.is_endpoint(endpoint)


def _read(claims: dict[str, Any]) -> _Verified | None:
    if type(claims.get("exp")) not in (int, float):
        return None
    scopes = frozenset(str(claims.get("scope", "")).split())
    texts = {name: _claim_text(name, value) for name, value in claims.items()}
    return _Verified(str(claims.get("token_use")), float(claims["exp"]), scopes, texts)


def _claim_text(name: str, value: Any) -> str:
    """A claim as REST APIs hand it on: all text, times written out."""
    if name in _DATES and type(value) in (int, float):
        return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(value))
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if type(value) is str else orjson.dumps(value).decode()


class CognitoCheck:
    """One method's authorizer."""

    def __init__(
        self, authorizer: CognitoAuthorizer, scopes: tuple[str, ...], verifier: TokenVerifier, clock: Clock
    ) -> None:
        self._pools = authorizer.pools
        self._header = authorizer.header
        self._pattern = None if authorizer.pattern is None else re.compile(authorizer.pattern)
        self._scopes = frozenset(scopes)
        self._use = "access" if scopes else "id"
        self._verifier = verifier
        self._clock = clock

    async def __call__(self, exchange: Exchange) -> None:
        """Sets the exchange's claims, or raises GatewayError."""
        given = exchange.request.headers.all(self._header)
        token = (
            _token(given[0]) if len(given) == 1 else None
        )  # of two, the function would see the one that nobody verified
        if token is None or (self._pattern is not None and not self._pattern.fullmatch(token)):
            raise unauthorized()
        for pool in self._pools:
            try:
                verified = await self._verifier.verified(token, pool)
            except KeysUnavailable:
                raise authorizer_failure() from None
            if verified is not None:
                self._admit(verified)
                exchange.claims = verified.claims
                return
        raise unauthorized()

    def _admit(self, verified: _Verified) -> None:
        if verified.expires <= self._clock.now():
            raise unauthorized("The incoming token has expired")
        if verified.use != self._use or (self._scopes and not self._scopes & verified.scopes):
            raise unauthorized()


def _token(header: str) -> str | None:
    if not header or len(header) > MAX_TOKEN:
        return None
    token = header[7:] if header[:7].lower() == "bearer " else header
    return token.strip() if token.isascii() else None
