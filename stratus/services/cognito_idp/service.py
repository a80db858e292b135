"""The user pools of one region."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stratus.mail.mailbox import Mailbox
from stratus.service import Service, Surroundings
from stratus.services.cognito_idp import client, grants, pool, sessions, users
from stratus.services.cognito_idp.issuers import is_issuer, issuer
from stratus.services.cognito_idp.operations.admin import AdminOperations
from stratus.services.cognito_idp.operations.clients import ClientOperations
from stratus.services.cognito_idp.operations.mfa import MfaOperations
from stratus.services.cognito_idp.operations.password import PasswordOperations
from stratus.services.cognito_idp.operations.pools import PoolOperations
from stratus.services.cognito_idp.operations.sign_in import SignInOperations
from stratus.services.cognito_idp.schema import SCHEMA
from stratus.services.cognito_idp.secret_block import SecretBlocks
from stratus.services.cognito_idp.tokens import is_of
from stratus.storage.database import Database
from stratus.wire.message import Params, Request, Response

_WELL_KNOWN = "/.well-known/"


class CognitoIdp(
    PoolOperations,
    ClientOperations,
    SignInOperations,
    PasswordOperations,
    MfaOperations,
    AdminOperations,
    Service,
):
    """Amazon Cognito user pools (botocore: `cognito-idp`). Mail goes out through `mailbox`."""

    name = "cognito-idp"

    def __init__(self, around: Surroundings, mailbox: Mailbox) -> None:
        self.around = around
        self.mailbox = mailbox
        self.database = Database(around.directory / "user-pools.sqlite", SCHEMA)
        self.pools = pool.load_all(self.database.reader)
        self.clients = client.load_all(self.database.reader)
        self.blocks = SecretBlocks()
        self.arithmetic = ThreadPoolExecutor(1, thread_name_prefix="srp")

    async def stop(self) -> None:
        self.arithmetic.shutdown(wait=False, cancel_futures=True)
        await self.database.close()

    def jwks(self, pool_id: str) -> dict[str, Any] | None:
        """The published keys of a pool (RFC 7517), None where there is no such pool."""
        known = self.pools.get(pool_id)
        return known.keys.jwks() if known else None

    def is_issuer(self, pool_id: str, text: object) -> bool:
        """Whether `text` is an issuer that tokens of a pool of ours may carry."""
        known = self.pools.get(pool_id)
        return known is not None and is_issuer(known, text, self.around.addresses)

    def is_signed_in(self, pool_id: str, subject: str, origin_jti: str) -> bool:
        """Whether the user exists, is enabled, and the sign-in that a token came from was not revoked."""
        user = users.get(self.database.reader, subject)
        grant = grants.get(self.database.reader, origin_jti)
        return (
            user is not None
            and user.pool_id == pool_id
            and user.enabled
            and grant is not None
            and grant.sub == subject
            and not grant.revoked
        )

    def knows(self, params: Params) -> bool:
        """An unsigned call names a client, or the user behind an access token, or has a session alone (a TOTP secret's first code)."""
        if "ClientId" in params:
            return params["ClientId"] in self.clients
        if "AccessToken" in params:
            return is_of(self.pools.values(), params["AccessToken"])
        return sessions.find(self.database.reader, params.get("Session", ""), self.around.clock.now()) is not None

    async def http(self, request: Request) -> Response | None:
        """What a pool publishes: `/{poolId}/.well-known/jwks.json` and `.../openid-configuration`; None for anything else."""
        pool_id, found, document = request.path.removeprefix("/").partition(_WELL_KNOWN)
        known = self.pools.get(pool_id)
        if not found or known is None or request.method not in ("GET", "HEAD"):
            return None
        if document == "jwks.json":
            content = known.keys.jwks()
        elif document == "openid-configuration":
            content = self._discovery(known, request)
        else:
            return None
        headers = [
            ("content-type", "application/json;charset=UTF-8"),
            ("cache-control", "public, max-age=86400"),
            ("access-control-allow-origin", "*"),
        ]
        return Response(200, headers, json.dumps(content).encode())

    def _discovery(self, known: pool.Pool, request: Request) -> dict[str, object]:
        """OpenID Connect Discovery 1.0, without the endpoints of a hosted sign-in page: there is none."""
        by = issuer(known, request, self.around.addresses)
        return {
            "issuer": by,
            "jwks_uri": self.around.addresses.localise(f"{by}/.well-known/jwks.json"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
        }
