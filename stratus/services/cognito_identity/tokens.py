"""OpenID tokens of an identity pool: what STS takes for `AssumeRoleWithWebIdentity`."""

import json
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey

from stratus.services.cognito_identity.identities import Identity

ISSUER = "https://cognito-identity.amazonaws.com"
LIFETIME = 600
"""Seconds (API reference, GetOpenIdToken: "valid for 10 minutes")."""

_ALGORITHM = "RS256"


class OpenIdTokens:
    """Issues OpenID tokens with one key; STS verifies them with its public half."""

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


def new_key() -> RSAKey:
    """A fresh key; takes long enough to belong in a thread."""
    return RSAKey.generate_key(2048, private=True)


def load_key(pem: str) -> RSAKey:
    key = RSAKey.import_key(pem)
    return RSAKey.import_key(pem, {"kid": key.thumbprint(), "alg": _ALGORITHM, "use": "sig"})
