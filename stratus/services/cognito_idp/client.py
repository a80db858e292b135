"""An app client: the application that users sign in to, and what it may do."""

import base64
import hmac
import json
import secrets
import sqlite3
import string
from dataclasses import dataclass
from typing import Any, cast

from stratus.services.cognito_idp import attributes
from stratus.services.cognito_idp.errors import invalid_parameter, not_authorized, not_implemented
from stratus.services.cognito_idp.pool import Pool, Settings

_LOWER = string.ascii_lowercase + string.digits
_UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_DEFAULT_FLOWS = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"]
_FLOWS = {"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class AppClient:
    """One app client. `settings` are those of CreateUserPoolClient; `secret` is None for a public client."""

    id: str
    pool_id: str
    settings: Settings
    secret: str | None
    created: float
    modified: float

    def allows(self, flow: str) -> bool:
        return flow in cast(list[str], self.settings.get("ExplicitAuthFlows") or _DEFAULT_FLOWS)

    @property
    def hides_users(self) -> bool:
        """PreventUserExistenceErrors: answers do not tell whether a user exists."""
        return bool(self.settings.get("PreventUserExistenceErrors") == "ENABLED")

    @property
    def rotation_grace(self) -> float | None:
        """Seconds that a refresh token works after its rotation; None where refresh tokens do not rotate."""
        rotation = self.settings.get("RefreshTokenRotation", {})
        return float(rotation.get("RetryGracePeriodSeconds", 0)) if rotation.get("Feature") == "ENABLED" else None

    @property
    def challenge_lifetime(self) -> float:
        """Seconds that a challenge may be answered in."""
        return 60.0 * int(self.settings.get("AuthSessionValidity", 3))

    def lifetime(self, token: str) -> int:
        """Seconds that an `AccessToken`, `IdToken` or `RefreshToken` of this client lives."""
        default_unit, default = ("days", 30) if token == "RefreshToken" else ("hours", 1)  # noqa: S105 - a kind of token
        unit = self.settings.get("TokenValidityUnits", {}).get(token, default_unit)
        validity = self.settings.get(f"{token}Validity")
        if not validity:
            return default * _UNIT_SECONDS[default_unit]
        return int(validity) * _UNIT_SECONDS[unit]

    def readable(self, pool: Pool) -> list[str]:
        """Names of the attributes that this client may read; without a list the standard ones."""
        listed = self.settings.get("ReadAttributes")
        return cast(list[str], listed) if listed else [*attributes.STANDARD, *attributes.VERIFIED_FLAGS]

    def writable(self, pool: Pool) -> list[str]:
        """Names of the attributes that this client may write; without a list the standard ones."""
        listed = self.settings.get("WriteAttributes")
        return cast(list[str], listed) if listed else list(attributes.STANDARD)

    def check_secret_hash(self, username: str, given: str | None, *, missing: str | None = None) -> None:
        """Raises NotAuthorizedException unless `given` is base64 of HMAC-SHA256(secret, username + client id)."""
        if self.secret is None:
            if given:
                raise not_authorized(f"Client {self.id} is configured without secret but SECRET_HASH was received")
            return
        if not given:
            raise not_authorized(missing or f"Unable to verify secret hash for client {self.id}")
        expected = base64.b64encode(hmac.digest(self.secret.encode(), (username + self.id).encode(), "sha256"))
        if not hmac.compare_digest(expected, given.encode()):
            raise not_authorized(f"Unable to verify secret hash for client {self.id}")


def new_client_id() -> str:
    return "".join(secrets.choice(_LOWER) for _ in range(26))


def new_client_secret() -> str:
    return "".join(secrets.choice(_LOWER) for _ in range(51))


def settings_of(params: dict[str, Any], pool: Pool) -> Settings:
    """The settings that CreateUserPoolClient makes of `params`; what Stratus does not do is refused by name."""
    _refuse_unsupported(params)
    not_settings = ("UserPoolId", "ClientId", "GenerateSecret", "ClientSecret")
    settings = {name: value for name, value in params.items() if name not in not_settings}
    settings.setdefault("RefreshTokenValidity", 30)
    settings.setdefault("ExplicitAuthFlows", list(_DEFAULT_FLOWS))
    settings.setdefault("EnableTokenRevocation", True)
    settings.setdefault("AuthSessionValidity", 3)
    settings.setdefault("AllowedOAuthFlowsUserPoolClient", False)
    known = {entry["Name"] for entry in pool.schema}
    for kind in ("ReadAttributes", "WriteAttributes"):
        unknown = set(settings.get(kind, [])) - known
        if unknown:
            raise invalid_parameter(f"Invalid {kind[0].lower()}{kind[1:]} specified while creating a client")
    if set(settings.get("WriteAttributes", [])) & {"sub", *attributes.VERIFIED_FLAGS}:
        raise invalid_parameter("Invalid write attributes specified while creating a client")
    required = {entry["Name"] for entry in pool.schema if entry["Required"]} - {"sub"}
    if settings.get("WriteAttributes") and not required <= set(settings["WriteAttributes"]):
        raise invalid_parameter("Invalid write attributes specified while creating a client")
    _check_lifetimes(settings)
    return settings


def _check_lifetimes(settings: Settings) -> None:
    client = AppClient("", "", settings, None, 0, 0)
    refresh = client.lifetime("RefreshToken")
    if not 3600 <= refresh <= 3650 * _DAY:
        raise invalid_parameter("Invalid range for token validity.")
    for token in ("AccessToken", "IdToken"):
        if not 300 <= client.lifetime(token) <= _DAY:
            raise invalid_parameter("Invalid range for token validity.")
        if client.lifetime(token) > refresh:
            raise invalid_parameter(f"{token} validity must not be longer than the refresh token's.")


def _refuse_unsupported(params: dict[str, Any]) -> None:
    refused = {
        "ClientSecret": bool(params.get("ClientSecret")),
        "AllowedOAuthFlows": bool(params.get("AllowedOAuthFlows")),
        "AllowedOAuthFlowsUserPoolClient": bool(params.get("AllowedOAuthFlowsUserPoolClient")),
        "AnalyticsConfiguration": bool(params.get("AnalyticsConfiguration")),
        "EnableTokenRevocation": params.get("EnableTokenRevocation") is False,
        "EnablePropagateAdditionalUserContextData": bool(params.get("EnablePropagateAdditionalUserContextData")),
        "SupportedIdentityProviders": bool(set(params.get("SupportedIdentityProviders") or []) - {"COGNITO"}),
        "ExplicitAuthFlows": bool(set(params.get("ExplicitAuthFlows") or []) - _FLOWS),
    }
    for member, asks_too_much in refused.items():
        if asks_too_much:
            value = "" if member == "ClientSecret" else f" {json.dumps(params[member])}"
            raise not_implemented(f"the app client setting {member}{value}")


def load_all(connection: sqlite3.Connection) -> dict[str, AppClient]:
    return {
        row[0]: AppClient(row[0], row[1], json.loads(row[2]), *row[3:])
        for row in connection.execute("SELECT id, pool, settings, secret, created, modified FROM clients")
    }


def store(connection: sqlite3.Connection, client: AppClient) -> None:
    connection.execute(
        "INSERT INTO clients VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, modified = excluded.modified",
        (client.id, client.pool_id, json.dumps(client.settings), client.secret, client.created, client.modified),
    )


def delete(connection: sqlite3.Connection, client: AppClient) -> None:
    connection.execute("DELETE FROM clients WHERE id = ?", (client.id,))
