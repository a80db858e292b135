"""An identity pool: whose tokens it takes, and which role its identities get."""

import json
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any, cast

from stratus.services.cognito_identity.errors import invalid_parameter, not_implemented

SCHEMA = """
CREATE TABLE IF NOT EXISTS pools (
  id TEXT PRIMARY KEY,
  settings TEXT NOT NULL,           -- JSON, members named as CreateIdentityPool names them
  roles TEXT NOT NULL               -- JSON {"authenticated": arn}
) STRICT;

CREATE TABLE IF NOT EXISTS identities (
  id TEXT PRIMARY KEY,
  pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE,
  provider TEXT NOT NULL,           -- the user pool that vouches, cognito-idp.REGION.amazonaws.com/POOL
  subject TEXT NOT NULL,            -- the user's sub there
  created REAL NOT NULL,
  modified REAL NOT NULL,
  UNIQUE (pool, provider, subject)
) STRICT;

CREATE TABLE IF NOT EXISTS signing_key (id INTEGER PRIMARY KEY CHECK (id = 1), pem TEXT NOT NULL) STRICT;
"""

_REFUSED = ("SupportedLoginProviders", "DeveloperProviderName", "OpenIdConnectProviderARNs", "SamlProviderARNs")


@dataclass(frozen=True, slots=True)
class IdentityPool:
    id: str
    settings: dict[str, Any]
    roles: dict[str, str]

    @property
    def region(self) -> str:
        return self.id.partition(":")[0]

    @property
    def allows_classic_flow(self) -> bool:
        return bool(self.settings.get("AllowClassicFlow"))

    def trusted(self, provider: str) -> list[dict[str, Any]]:
        """The entries of CognitoIdentityProviders for `provider`: one for each app client."""
        entries = cast(list[dict[str, Any]], self.settings.get("CognitoIdentityProviders", []))
        return [entry for entry in entries if entry.get("ProviderName") == provider]

    def described(self) -> dict[str, Any]:
        return {"IdentityPoolId": self.id, **self.settings}


def new_id(region: str) -> str:
    """The form of the ids of pools and of identities."""
    return f"{region}:{uuid.uuid4()}"


def settings_of(params: dict[str, Any]) -> dict[str, Any]:
    """The settings that CreateIdentityPool makes of `params`; what Stratus does not do is refused by name."""
    for member in _REFUSED:
        if params.get(member):
            raise not_implemented(member)
    if params["AllowUnauthenticatedIdentities"]:
        raise not_implemented("AllowUnauthenticatedIdentities (guests)")
    for entry in params.get("CognitoIdentityProviders", []):
        if not entry.get("ProviderName") or not entry.get("ClientId"):
            raise invalid_parameter("Cognito identity providers need ProviderName and ClientId.")
    settings = {name: value for name, value in params.items() if name != "IdentityPoolId"}
    settings.setdefault("AllowClassicFlow", False)
    settings.setdefault("IdentityPoolTags", {})
    return settings


def load_all(connection: sqlite3.Connection) -> dict[str, IdentityPool]:
    rows = connection.execute("SELECT id, settings, roles FROM pools")
    return {id_: IdentityPool(id_, json.loads(settings), json.loads(roles)) for id_, settings, roles in rows}


def store(connection: sqlite3.Connection, pool: IdentityPool) -> None:
    connection.execute(
        "INSERT INTO pools VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, roles = excluded.roles",
        (pool.id, json.dumps(pool.settings), json.dumps(pool.roles)),
    )


def delete(connection: sqlite3.Connection, pool: IdentityPool) -> None:
    connection.execute("DELETE FROM pools WHERE id = ?", (pool.id,))
