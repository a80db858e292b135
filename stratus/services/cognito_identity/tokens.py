"""OpenID tokens of an identity pool: what STS takes for `AssumeRoleWithWebIdentity`."""

import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from stratus.services.cognito_identity.identities import Identity
from stratus.wire.errors import AwsError

ISSUER = "https://cognito-identity.amazonaws.com"
LIFETIME = 600
"""Seconds (API reference, GetOpenIdToken: "valid for 10 minutes")."""

_ALGORITHM = "RS512"
_MAX_LENGTH = 20_000


class OpenIdTokens:
    """Issues OpenID tokens with one key, and verifies them for STS, which is given this object when the cloud is put together."""

    issuer = ISSUER

    def __init__(self, key: RSAKey) -> None:
        self._key = key

    def issue(self, identity: Identity, now: float) -> str:
        """The token of an authenticated identity; `amr` says how it was authenticated."""
        claims = {
            "sub": identity.id,
            "aud": identity.pool_id,
            "amr": [
                "authenticated",
                identity.provider,
                f"{identity.provider}:CognitoSignIn:{identity.subject}",
            ],
            "iss": ISSUER,
            "exp": int(now) + LIFETIME,
            "iat": int(now),
        }
        header = {"kid": self._key.kid, "typ": "JWS", "alg": _ALGORITHM}
        return jws.serialize_compact(header, json.dumps(claims).encode(), self._key, algorithms=[_ALGORITHM])

    def jwks(self) -> dict[str, Any]:
        """The public keys that verify what this issuer issues, as a JSON Web Key Set."""
        return {"keys": [self._key.as_dict(private=False)]}

    def verify(self, token: str, now: float) -> Mapping[str, Any]:
        """The claims (`iss`, `aud`, `sub`, `amr`, `exp`, `iat`) of a token of ours that has not expired.

        Raises InvalidIdentityToken or ExpiredTokenException, which are STS's errors for it.
        """
        try:
            if len(token) > _MAX_LENGTH:
                raise ValueError("longer than any token of ours")
            claims = json.loads(jws.deserialize_compact(token, self._key, algorithms=[_ALGORITHM]).payload)
        except (JoseError, ValueError, TypeError) as error:
            raise AwsError("InvalidIdentityToken", "Couldn't verify signed token.") from error
        if claims["iss"] != ISSUER:
            raise AwsError("InvalidIdentityToken", "Couldn't verify signed token.")
        if claims["exp"] <= now:
            raise AwsError(
                "ExpiredTokenException",
                f"Token expired: current date/time {int(now)} must be before the expiration date/time {claims['exp']}",
            )
        return dict(claims)


def new_key() -> RSAKey:
    """A fresh key; takes long enough to belong in a thread."""
    return RSAKey.generate_key(2048, private=True)


def load_key(pem: str) -> RSAKey:
    key = RSAKey.import_key(pem)
    return RSAKey.import_key(pem, {"kid": key.thumbprint(), "alg": _ALGORITHM, "use": "sig"})
