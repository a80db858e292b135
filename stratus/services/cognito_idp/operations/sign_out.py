"""Ending what a sign-in granted: RevokeToken, GlobalSignOut."""

import sqlite3

from stratus.service import Call
from stratus.services.cognito_idp import grants, sessions
from stratus.services.cognito_idp.operations.base import Operations, Result, public
from stratus.services.cognito_idp.operations.sign_in import check_client_secret
from stratus.wire.errors import AwsError


class SignOutOperations(Operations):
    @public("RevokeToken")
    async def revoke_token(self, call: Call) -> Result:
        """A token that is unknown, or that was revoked before, is no error (RFC 7009)."""
        client, _ = self.client(call.params["ClientId"])
        check_client_secret(client, call.params.get("ClientSecret"))
        token = call.params["Token"]
        if token.count(".") == 2:
            raise AwsError("UnsupportedTokenTypeException", "Only refresh tokens can be revoked.")
        grant = grants.of_refresh_token(self.database.reader, token)
        if grant is not None:
            if grant.client_id != client.id:
                raise AwsError("UnauthorizedException", "The token was not issued to this client.")
            await self.database.write(lambda connection: grants.revoke(connection, grant.origin_jti))
        return {}

    @public("GlobalSignOut")
    async def global_sign_out(self, call: Call) -> Result:
        _, user, _ = self.signed_in(call)
        await self.sign_out_everywhere(user.sub)
        return {}

    async def sign_out_everywhere(self, sub: str) -> None:
        """No token that the user has is worth anything any more where it is checked with the pool."""

        def work(connection: sqlite3.Connection) -> None:
            grants.revoke_all(connection, sub)
            sessions.close_all(connection, sub)

        await self.database.write(work)
