"""What Cognito and IAM take of user pools, their clients and the roles of identity pools."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stratus.template.limits.limit import Finding, Limit, items, known, mapping

_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_LIFETIMES = {
    "AccessToken": ("hours", 300, 86_400, "5 minutes to 1 day"),
    "IdToken": ("hours", 300, 86_400, "5 minutes to 1 day"),
    "RefreshToken": ("days", 3600, 315_360_000, "1 hour to 3,650 days"),
}
_ISSUER = "cognito-identity.amazonaws.com"
_AUDIENCE = f"{_ISSUER}:aud"
_LIMITING = re.compile(r"(ForAnyValue:)?String(Equals(IgnoreCase)?|Like)")


def _names(properties: Mapping[str, Any]) -> Iterator[Finding]:
    if properties.get("AliasAttributes") and properties.get("UsernameAttributes"):
        yield ("AliasAttributes",), "a user pool has AliasAttributes or UsernameAttributes, not both"


def _token_lifetimes(properties: Mapping[str, Any]) -> Iterator[Finding]:
    lifetimes = {token: _lifetime(properties, token) for token in _LIFETIMES}
    for token, seconds in lifetimes.items():
        _, low, high, words = _LIFETIMES[token]
        if seconds is not None and not low <= seconds <= high:
            yield (f"{token}Validity",), f"{token}: valid for {words}, not {seconds:,} seconds"
    refresh = lifetimes.pop("RefreshToken")
    for token, seconds in lifetimes.items():
        if None not in (seconds, refresh) and seconds > refresh:  # type: ignore[operator]  # neither is None here
            yield (f"{token}Validity",), f"{token}: not valid for longer than the refresh token"


def _lifetime(properties: Mapping[str, Any], token: str) -> int | None:
    """Seconds; None where the template leaves it to Cognito or does not know yet."""
    unit = known(mapping(properties.get("TokenValidityUnits")).get(token, _LIFETIMES[token][0]))
    validity = known(properties.get(f"{token}Validity"))
    return validity * _SECONDS[unit] if isinstance(validity, int) and unit in _SECONDS else None


def _audience(properties: Mapping[str, Any]) -> Iterator[Finding]:
    document = mapping(properties.get("AssumeRolePolicyDocument"))
    for index, statement in items(document.get("Statement")):
        if statement.get("Effect") != "Allow" or not _trusts_identity_pools(statement):
            continue
        conditions = mapping(statement.get("Condition"))
        if not any(
            _LIMITING.fullmatch(operator) and any(key.lower() == _AUDIENCE for key in mapping(keys))
            for operator, keys in conditions.items()
        ):
            yield (
                ("AssumeRolePolicyDocument", "Statement", index),
                f"identity pools of every account are {_ISSUER}: name yours with a condition StringEquals {_AUDIENCE}",
            )


def _trusts_identity_pools(statement: Mapping[str, Any]) -> bool:
    federated = mapping(statement.get("Principal")).get("Federated")
    return _ISSUER in (federated if isinstance(federated, list) else [federated])


LIMITS = (
    Limit(
        "E9021",
        "A user pool has AliasAttributes or UsernameAttributes, not both",
        "https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html",
        "AWS::Cognito::UserPool",
        _names,
    ),
    Limit(
        "E9022",
        "Access and ID tokens live 5 minutes to 1 day, refresh tokens 1 hour to 3,650 days, and no token outlives the refresh token",
        "https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html",
        "AWS::Cognito::UserPoolClient",
        _token_lifetimes,
    ),
    Limit(
        "E9031",
        "A role that trusts Cognito identity pools names the pool, with a condition on its `aud`",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html",
        "AWS::IAM::Role",
        _audience,
    ),
)
