"""The JSON Web Tokens that a user pool signs (RFC 7519, RS256), with the claims that Cognito puts into them."""

import json
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from stratus.service import Addresses
from stratus.services.cognito_idp.client import AppClient
from stratus.services.cognito_idp.errors import not_authorized
from stratus.services.cognito_idp.grants import Grant
from stratus.services.cognito_idp.issuers import is_issuer
from stratus.services.cognito_idp.pool import Pool
from stratus.services.cognito_idp.users import User

SCOPE = "aws.cognito.signin.user.admin"
"""The scope of every access token that the API issues: the user's own data."""

_ALGORITHM = "RS256"
_BOOLEANS = ("email_verified", "phone_number_verified")
_MAX_LENGTH = 16_384


def new_refresh_token() -> str:
    """Opaque, unlike Cognito's encrypted JWT; clients must not look inside either."""
    return secrets.token_urlsafe(64)


def sign(key: RSAKey, claims: dict[str, Any]) -> str:
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    return jws.serialize_compact({"kid": key.kid, "alg": _ALGORITHM}, payload, key, algorithms=[_ALGORITHM])


def id_token(pool: Pool, client: AppClient, user: User, grant: Grant, issuer: str, event_id: str, now: float) -> str:
    readable = client.readable(pool)
    own: dict[str, Any] = {name: value for name, value in user.attributes.items() if name in readable}
    for name in _BOOLEANS:
        if name in own:
            own[name] = own[name] == "true"
    return sign(
        pool.keys.id_token,
        {
            **own,
            "sub": user.sub,
            "iss": issuer,
            "cognito:username": user.username,
            "origin_jti": grant.origin_jti,
            "aud": client.id,
            "event_id": event_id,
            "token_use": "id",
            "auth_time": grant.auth_time,
            "exp": int(now) + client.lifetime("IdToken"),
            "iat": int(now),
            "jti": str(uuid.uuid4()),
        },
    )


def access_token(
    pool: Pool, client: AppClient, user: User, grant: Grant, issuer: str, event_id: str, now: float
) -> str:
    return sign(
        pool.keys.access_token,
        {
            "sub": user.sub,
            "iss": issuer,
            "client_id": client.id,
            "origin_jti": grant.origin_jti,
            "event_id": event_id,
            "token_use": "access",
            "scope": SCOPE,
            "auth_time": grant.auth_time,
            "exp": int(now) + client.lifetime("AccessToken"),
            "iat": int(now),
            "jti": str(uuid.uuid4()),
            "username": user.username,
        },
    )


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified access token says."""

    pool: Pool
    sub: str
    client_id: str
    origin_jti: str


def is_of(pools: Iterable[Pool], token: str) -> bool:
    """Whether a token names a key of one of `pools`; verifies nothing."""
    try:
        return _key_id(token) in {pool.keys.access_token.kid for pool in pools}
    except (JoseError, ValueError, TypeError):
        return False


def _key_id(token: str) -> Any:
    return jws.extract_compact(token.encode()).headers().get("kid") if len(token) <= _MAX_LENGTH else None


def verify_access_token(pools: Iterable[Pool], token: str, addresses: Addresses, now: float) -> AccessClaims:
    """The claims of an access token of one of `pools`; NotAuthorizedException for any other text.

    Signature and expiry only: whether the grant was revoked stands in the grants.
    """
    try:
        pool = {pool.keys.access_token.kid: pool for pool in pools}[_key_id(token)]
        claims = json.loads(jws.deserialize_compact(token, pool.keys.access_token, algorithms=[_ALGORITHM]).payload)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise not_authorized("Invalid Access Token") from error
    if claims.get("token_use") != "access" or not is_issuer(pool, claims.get("iss"), addresses):
        raise not_authorized("Invalid Access Token")
    if claims["exp"] <= now:
        raise not_authorized("Access Token has expired")
    return AccessClaims(pool, claims["sub"], claims["client_id"], claims["origin_jti"])
