"""Tokens of OpenID Connect providers, verified.

Sources: AssumeRoleWithWebIdentity (STS API Reference); RFC 7519; OpenID Connect Core 1.0, section 3.1.3.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from stratus.iam.principal import ContextValues
from stratus.wire.errors import AwsError

COGNITO_IDENTITY = "cognito-identity.amazonaws.com"
ALGORITHMS = ["RS256"]
MAX_FUTURE = 300
"""Seconds by which a token may be issued ahead of our clock."""


class IssuerKeys(Protocol):
    """Where the public keys of token issuers come from."""

    def public_keys(self, issuer: str) -> Mapping[str, Any] | None:
        """The JSON Web Key Set (`{"keys": [...]}`) of `issuer`, `https://cognito-identity.amazonaws.com`; None when it is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """Whom a token speaks of. `provider` is how a trust policy names the issuer (Principal "Federated")."""

    provider: str
    subject: str
    audience: str
    context: ContextValues


def verify(token: str, keys: IssuerKeys, now: float) -> WebIdentity:
    """The identity in a token of Amazon Cognito. Raises InvalidIdentityToken, ExpiredTokenException."""
    issuer = f"https://{COGNITO_IDENTITY}"
    claims = _claims(token, keys.public_keys(issuer))
    if claims.get("iss") != issuer:
        raise _invalid(f"No OpenIDConnect provider found in your account for {str(claims.get('iss'))[:256]}")
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        raise _invalid("Missing a required claim: exp")
    if expires <= now:
        raise AwsError(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {int(expires)}",
            400,
        )
    if isinstance(issued, int | float) and issued > now + MAX_FUTURE:
        raise _invalid("Token issued in the future")
    subject, audience = claims.get("sub"), claims.get("aud")
    if not isinstance(subject, str) or not isinstance(audience, str) or not subject or not audience:
        raise _invalid("Missing a required claim: aud, sub")
    context = {f"{COGNITO_IDENTITY}:aud": (audience,), f"{COGNITO_IDENTITY}:sub": (subject,)}
    methods = claims.get("amr", [])
    if methods and isinstance(methods, list) and all(isinstance(method, str) for method in methods):
        context[f"{COGNITO_IDENTITY}:amr"] = tuple(methods)
    return WebIdentity(COGNITO_IDENTITY, subject, audience, context | {"aws:FederatedProvider": (COGNITO_IDENTITY,)})


def _claims(token: str, keys: Mapping[str, Any] | None) -> dict[str, Any]:
    if keys is None or not keys.get("keys"):
        raise _invalid("Couldn't retrieve verification key from your identity provider")
    try:
        return jwt.decode(token, KeySet.import_key_set({"keys": list(keys["keys"])}), algorithms=ALGORITHMS).claims
    except (JoseError, ValueError) as error:
        raise _invalid("The ID Token provided is not a valid JWT") from error


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidIdentityToken", message, 400)
