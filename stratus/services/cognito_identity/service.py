"""The identity pools of one region."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stratus.iam.principal import ANONYMOUS
from stratus.service import Access, Call, Service, Surroundings, operation
from stratus.services.cognito_identity import identities, logins, tokens
from stratus.services.cognito_identity import pool as pool_module
from stratus.services.cognito_identity.errors import (
    invalid_parameter,
    no_usable_role,
    not_authorized,
    not_found,
    not_implemented,
)
from stratus.services.cognito_identity.identities import Identity
from stratus.services.cognito_identity.logins import UserPools
from stratus.services.cognito_identity.pool import SCHEMA, IdentityPool
from stratus.services.cognito_identity.tokens import OpenIdTokens
from stratus.storage.database import Database
from stratus.wire.errors import AwsError
from stratus.wire.message import Params

Result = dict[str, Any]
AccessRule = Callable[[Any, Call], Iterable[Access]]

_SESSION_NAME = "CognitoIdentityCredentials"


def _on_pool(name: str) -> AccessRule:
    return lambda service, call: [
        Access(f"cognito-identity:{name}", service.pool_arn(str(call.params.get("IdentityPoolId", ""))))
    ]


def _on_account(name: str) -> AccessRule:
    return lambda service, call: [Access(f"cognito-identity:{name}", "*")]


def _on_resource(name: str) -> AccessRule:
    return lambda service, call: [Access(f"cognito-identity:{name}", str(call.params.get("ResourceArn", "")))]


def _on_pool_of_identity(service: "CognitoIdentity", call: Call) -> Iterable[Access]:
    identity = identities.get(service.database.reader, str(call.params.get("IdentityId", "")))
    arn = service.pool_arn(identity.pool_id) if identity else "*"
    return [Access("cognito-identity:DescribeIdentity", arn)]


def _roles(service: "CognitoIdentity", call: Call) -> Iterable[Access]:
    yield from _on_pool("SetIdentityPoolRoles")(service, call)
    for arn in (call.params.get("Roles") or {}).values():
        yield Access("iam:PassRole", arn, {"iam:PassedToService": ("cognito-identity.amazonaws.com",)})


class CognitoIdentity(Service):
    """Amazon Cognito identity pools (botocore: `cognito-identity`).

    `user_pools` are the user pool services by region, whose keys verify logins. After `start`, `open_id_tokens` has
    the keys with which STS verifies what `AssumeRoleWithWebIdentity` is given.
    """

    name = "cognito-identity"
    open_id_tokens: OpenIdTokens

    def __init__(self, around: Surroundings, user_pools: Mapping[str, UserPools]) -> None:
        self.around = around
        self.user_pools = user_pools
        self.database = Database(around.directory / "identity-pools.sqlite", SCHEMA)
        self.pools = pool_module.load_all(self.database.reader)

    async def start(self) -> None:
        row = self.database.reader.execute("SELECT pem FROM signing_key").fetchone()
        if row is None:
            pem = (await asyncio.to_thread(tokens.new_key)).as_pem(private=True).decode()
            await self.database.write(
                lambda connection: connection.execute("INSERT INTO signing_key VALUES (1, ?)", (pem,)) and None
            )
            row = (pem,)
        self.open_id_tokens = OpenIdTokens(tokens.load_key(row[0]))

    async def stop(self) -> None:
        await self.database.close()

    def knows(self, params: Params) -> bool:
        """The ids of pools and identities say their region."""
        named = params.get("IdentityPoolId") or params.get("IdentityId") or ""
        return bool(named.startswith(f"{self.around.region}:"))

    def pool_arn(self, pool_id: str) -> str:
        return f"arn:aws:cognito-identity:{self.around.region}:{self.around.account}:identitypool/{pool_id}"

    # ---- pools --------------------------------------------------------------------------------------------------------

    @operation("CreateIdentityPool", _on_account("CreateIdentityPool"))
    async def create_identity_pool(self, call: Call) -> Result:
        return await self._keep(IdentityPool(pool_module.new_id(call.region), pool_module.settings_of(call.params), {}))

    @operation("UpdateIdentityPool", _on_pool("UpdateIdentityPool"))
    async def update_identity_pool(self, call: Call) -> Result:
        pool = self._pool(call.params["IdentityPoolId"])
        return await self._keep(replace(pool, settings=pool_module.settings_of(call.params)))

    @operation("DescribeIdentityPool", _on_pool("DescribeIdentityPool"))
    async def describe_identity_pool(self, call: Call) -> Result:
        return self._pool(call.params["IdentityPoolId"]).described()

    @operation("DeleteIdentityPool", _on_pool("DeleteIdentityPool"))
    async def delete_identity_pool(self, call: Call) -> Result:
        pool = self._pool(call.params["IdentityPoolId"])
        await self.database.write(lambda connection: pool_module.delete(connection, pool))
        del self.pools[pool.id]
        return {}

    @operation("ListIdentityPools", _on_account("ListIdentityPools"))
    async def list_identity_pools(self, call: Call) -> Result:
        after, limit = call.params.get("NextToken", ""), int(call.params["MaxResults"])
        pools = [self.pools[id_] for id_ in sorted(self.pools) if id_ > after]
        shown = [{"IdentityPoolId": p.id, "IdentityPoolName": p.settings["IdentityPoolName"]} for p in pools[:limit]]
        return {"IdentityPools": shown, **({"NextToken": pools[limit - 1].id} if len(pools) > limit else {})}

    @operation("SetIdentityPoolRoles", _roles)
    async def set_identity_pool_roles(self, call: Call) -> Result:
        if call.params.get("RoleMappings"):
            raise not_implemented("RoleMappings")
        pool = self._pool(call.params["IdentityPoolId"])
        await self._keep(replace(pool, roles=dict(call.params["Roles"])))
        return {}

    @operation("GetIdentityPoolRoles", _on_pool("GetIdentityPoolRoles"))
    async def get_identity_pool_roles(self, call: Call) -> Result:
        pool = self._pool(call.params["IdentityPoolId"])
        return {"IdentityPoolId": pool.id, "Roles": pool.roles}

    @operation("TagResource", _on_resource("TagResource"))
    async def tag_resource(self, call: Call) -> Result:
        pool = self._tagged(call)
        tags = {**pool.settings["IdentityPoolTags"], **call.params["Tags"]}
        await self._keep(replace(pool, settings={**pool.settings, "IdentityPoolTags": tags}))
        return {}

    @operation("UntagResource", _on_resource("UntagResource"))
    async def untag_resource(self, call: Call) -> Result:
        pool = self._tagged(call)
        gone = call.params["TagKeys"]
        tags = {key: value for key, value in pool.settings["IdentityPoolTags"].items() if key not in gone}
        await self._keep(replace(pool, settings={**pool.settings, "IdentityPoolTags": tags}))
        return {}

    @operation("ListTagsForResource", _on_resource("ListTagsForResource"))
    async def list_tags_for_resource(self, call: Call) -> Result:
        return {"Tags": self._tagged(call).settings["IdentityPoolTags"]}

    # ---- identities ---------------------------------------------------------------------------------------------------

    @operation("GetId", None)
    async def get_id(self, call: Call) -> Result:
        pool = self._pool(call.params["IdentityPoolId"])
        given = call.params.get("Logins")
        if not given:
            raise not_authorized("Unauthenticated access is not supported for this identity pool.")
        login = logins.verify(pool, given, self.user_pools, call.now)
        known = identities.of_login(self.database.reader, pool, login)
        if known is None:
            known = await self.database.write(lambda connection: identities.create(connection, pool, login, call.now))
        return {"IdentityId": known.id}

    @operation("GetOpenIdToken", None)
    async def get_open_id_token(self, call: Call) -> Result:
        identity, pool = self._proven(call)
        if not pool.allows_classic_flow:
            raise invalid_parameter("Basic (classic) flow is not enabled, please use enhanced flow.")
        return {"IdentityId": identity.id, "Token": self.open_id_tokens.issue(identity, call.now)}

    @operation("GetCredentialsForIdentity", None)
    async def get_credentials_for_identity(self, call: Call) -> Result:
        """The enhanced flow: the role's trust policy decides, evaluated by STS on the identity's OpenID token."""
        if call.params.get("CustomRoleArn"):
            raise not_implemented("CustomRoleArn")
        identity, pool = self._proven(call)
        role = pool.roles.get("authenticated")
        if role is None:
            raise no_usable_role()
        try:
            assumed = await self.around.caller.call(
                ANONYMOUS,
                call.region,
                "sts",
                "AssumeRoleWithWebIdentity",
                {
                    "RoleArn": role,
                    "RoleSessionName": _SESSION_NAME,
                    "WebIdentityToken": self.open_id_tokens.issue(identity, call.now),
                },
            )
        except AwsError as error:
            if error.code in ("AccessDenied", "NoSuchEntity", "ValidationError"):
                raise no_usable_role() from error
            raise
        credentials = assumed["Credentials"]
        return {
            "IdentityId": identity.id,
            "Credentials": {
                "AccessKeyId": credentials["AccessKeyId"],
                "SecretKey": credentials["SecretAccessKey"],
                "SessionToken": credentials["SessionToken"],
                "Expiration": credentials["Expiration"],
            },
        }

    @operation("DescribeIdentity", _on_pool_of_identity)
    async def describe_identity(self, call: Call) -> Result:
        return _described(self._identity(call.params["IdentityId"]))

    @operation("ListIdentities", _on_pool("ListIdentities"))
    async def list_identities(self, call: Call) -> Result:
        pool = self._pool(call.params["IdentityPoolId"])
        limit = int(call.params["MaxResults"])
        page = identities.page(self.database.reader, pool, call.params.get("NextToken", ""), limit + 1)
        answer: Result = {"IdentityPoolId": pool.id, "Identities": [_described(identity) for identity in page[:limit]]}
        if len(page) > limit:
            answer["NextToken"] = page[limit - 1].id
        return answer

    @operation("DeleteIdentities", _on_account("DeleteIdentities"))
    async def delete_identities(self, call: Call) -> Result:
        """Deletes what is there; an id that is not is no error, so that an erasure can be run again."""
        wanted = call.params["IdentityIdsToDelete"]
        await self.database.write(lambda connection: [identities.delete(connection, id_) for id_ in wanted])
        return {"UnprocessedIdentityIds": []}

    # ---- helpers ------------------------------------------------------------------------------------------------------

    def _pool(self, pool_id: str) -> IdentityPool:
        pool = self.pools.get(pool_id)
        if pool is None:
            raise not_found(f"IdentityPool '{pool_id}' not found.")
        return pool

    def _identity(self, identity_id: str) -> Identity:
        identity = identities.get(self.database.reader, identity_id)
        if identity is None:
            raise not_found(f"Identity '{identity_id}' not found.")
        return identity

    def _proven(self, call: Call) -> tuple[Identity, IdentityPool]:
        """The identity that the request names, which its login proves to be the caller's own."""
        identity = self._identity(call.params["IdentityId"])
        pool = self._pool(identity.pool_id)
        given = call.params.get("Logins")
        if not given:
            raise not_authorized(f"Access to Identity '{identity.id}' is forbidden.")
        login = logins.verify(pool, given, self.user_pools, call.now)
        if not identity.belongs_to(login):
            raise not_authorized(
                "Logins don't match. Please include at least one valid login for this identity or identity pool."
            )
        return identity, pool

    def _tagged(self, call: Call) -> IdentityPool:
        arn = call.params["ResourceArn"]
        pool = self.pools.get(arn.rpartition("/")[2])
        if pool is None or self.pool_arn(pool.id) != arn:
            raise not_found(f"Resource '{arn}' not found.")
        return pool

    async def _keep(self, pool: IdentityPool) -> Result:
        await self.database.write(lambda connection: pool_module.store(connection, pool))
        self.pools[pool.id] = pool
        return pool.described()


def _described(identity: Identity) -> Result:
    return {
        "IdentityId": identity.id,
        "Logins": [identity.provider],
        "CreationDate": datetime.fromtimestamp(identity.created, UTC),
        "LastModifiedDate": datetime.fromtimestamp(identity.modified, UTC),
    }
