"""Logins: ID tokens of user pools, by which somebody proves who they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from stratus.services.cognito_identity.errors import not_authorized, not_implemented
from stratus.services.cognito_identity.pool import IdentityPool

_MAX_LENGTH = 50_000
_REQUIRED_CLAIMS = ("iss", "aud", "sub", "exp")


class UserPools(Protocol):
    """What an identity pool asks of the user pools of a region, which on AWS it fetches from their addresses."""

    def jwks(self, pool_id: str) -> dict[str, Any] | None:
        """The published keys of the pool, None where there is no such pool."""
        ...

    def is_issuer(self, pool_id: str, text: object) -> bool:
        """Whether `text` is an issuer that the pool's tokens may carry: where its clients find it, here or on AWS."""
        ...

    def is_signed_in(self, pool_id: str, subject: str, origin_jti: str) -> bool:
        """Whether the user exists, is enabled, and the sign-in that the token came from was not revoked."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """A verified login: `subject` is the user's `sub` at `provider`, whose name is `cognito-idp.REGION.amazonaws.com/POOL`."""

    provider: str
    subject: str


def verify(pool: IdentityPool, logins: dict[str, str], user_pools: Mapping[str, UserPools], now: float) -> Login:
    """The one login of a request, whose token was signed by a user pool that `pool` trusts, for a client that it trusts.

    `user_pools` are the services by region. Raises NotAuthorizedException that says what is wrong with the token.
    """
    if len(logins) > 1:
        raise not_implemented("more than one login")
    provider, token = next(iter(logins.items()))
    entries = pool.trusted(provider)
    if not entries:
        raise not_authorized("Token is not from a supported provider of this identity pool.")
    pool_id = provider.rpartition("/")[2]
    source = user_pools.get(pool_id.partition("_")[0])
    keys = source.jwks(pool_id) if source else None
    if source is None or keys is None:
        raise not_authorized("Token is not from a supported provider of this identity pool.")
    claims = _verified_claims(token, keys)
    for claim in _REQUIRED_CLAIMS:
        if claim not in claims:
            raise _invalid(f"Missing a required claim: {claim}")
    if not source.is_issuer(pool_id, claims["iss"]):
        raise _invalid("Issuer doesn't match providerName")
    if claims["exp"] <= now:
        raise _invalid(f"Token expired: {claims['exp']} <= {int(now)}")
    if claims.get("token_use") != "id":
        raise _invalid("Not an ID token.")
    trusted = [entry for entry in entries if entry["ClientId"] == claims["aud"]]
    if not trusted:
        raise _invalid("Incorrect token audience.")
    checks_source = any(entry.get("ServerSideTokenCheck") for entry in trusted)
    if checks_source and not source.is_signed_in(pool_id, claims["sub"], claims.get("origin_jti", "")):
        raise _invalid("Token has been revoked.")
    return Login(provider, claims["sub"])


def _verified_claims(token: str, keys: dict[str, Any]) -> dict[str, Any]:
    if len(token) > _MAX_LENGTH:
        raise _invalid("Not a valid OpenId Connect identity token.")
    key_set = KeySet.import_key_set(keys)  # type: ignore[arg-type] # joserfc types the document more narrowly than RFC 7517
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
        key = next(key for key in key_set.keys if key.kid == kid)
        claims = json.loads(jws.deserialize_compact(token, key, algorithms=["RS256"]).payload)
    except StopIteration as error:
        raise _invalid("Couldn't verify signed token.") from error
    except (JoseError, ValueError, TypeError) as error:
        raise _invalid("Not a valid OpenId Connect identity token.") from error
    if not isinstance(claims, dict):
        raise _invalid("Not a valid OpenId Connect identity token.")
    return claims


def _invalid(reason: str) -> Exception:
    return not_authorized(f"Invalid login token. {reason}")
