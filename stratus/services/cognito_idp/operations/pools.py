"""User pools: create, describe, update, delete, list; MFA configuration; tags."""

import asyncio
import secrets
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stratus.service import Call
from stratus.services.cognito_idp import attributes, users
from stratus.services.cognito_idp import pool as pool_module
from stratus.services.cognito_idp.errors import invalid_parameter, not_implemented
from stratus.services.cognito_idp.operations.base import Operations, Result, on_account, on_pool, on_resource
from stratus.services.cognito_idp.pool import Pool, SigningKeys
from stratus.wire.errors import AwsError

_IMMUTABLE = ("Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")


class PoolOperations(Operations):
    @on_account("CreateUserPool")
    async def create_user_pool(self, call: Call) -> Result:
        settings = pool_module.settings_of(call.params)
        if settings["MfaConfiguration"] != "OFF":
            raise invalid_parameter(
                "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
            )
        pool = Pool(
            id=pool_module.new_pool_id(call.region),
            settings=settings,
            keys=await asyncio.to_thread(SigningKeys.generate),
            secret=secrets.token_bytes(32),
            created=call.now,
            modified=call.now,
        )
        await self._keep(pool)
        return {"UserPool": self._described(pool)}

    @on_pool("DescribeUserPool")
    async def describe_user_pool(self, call: Call) -> Result:
        return {"UserPool": self._described(self.pool(call.params["UserPoolId"]))}

    @on_pool("UpdateUserPool")
    async def update_user_pool(self, call: Call) -> Result:
        """Settings that the request leaves out go back to their defaults, as the API reference warns; all but MFA."""
        pool = self.pool(call.params["UserPoolId"])
        params = {name: value for name, value in call.params.items() if name != "UserPoolId"}
        kept = {name: pool.settings[name] for name in _IMMUTABLE if name in pool.settings}
        kept["MfaConfiguration"] = params.get("MfaConfiguration", pool.mfa)
        settings = pool_module.settings_of({"PoolName": pool.name, **params, **kept})
        settings["SchemaAttributes"] = pool.schema
        settings["EnabledMfas"] = pool.settings.get("EnabledMfas", [])
        if settings["MfaConfiguration"] != "OFF" and not settings["EnabledMfas"]:
            raise invalid_parameter("Invalid MFA configuration given, can't turn on MFA without a factor.")
        await self._keep(replace(pool, settings=settings, modified=call.now))
        return {}

    @on_pool("AddCustomAttributes")
    async def add_custom_attributes(self, call: Call) -> Result:
        pool = self.pool(call.params["UserPoolId"])
        known = {entry["Name"] for entry in pool.schema}
        added = attributes.custom(call.params["CustomAttributes"])
        for entry in added:
            if entry["Name"] in known:
                raise invalid_parameter(f"{entry['Name']}: Existing attribute already has name {entry['Name']}.")
        settings = {**pool.settings, "SchemaAttributes": [*pool.schema, *added]}
        await self._keep(replace(pool, settings=settings, modified=call.now))
        return {}

    @on_pool("DeleteUserPool")
    async def delete_user_pool(self, call: Call) -> Result:
        pool = self.pool(call.params["UserPoolId"])
        if pool.deletion_protected:
            raise invalid_parameter(
                "The user pool cannot be deleted because deletion protection is activated. "
                "Deletion protection must be inactivated first."
            )

        def work(connection: sqlite3.Connection) -> None:
            pool_module.delete(connection, pool)

        await self.database.write(work)
        del self.pools[pool.id]
        for client in [client for client in self.clients.values() if client.pool_id == pool.id]:
            del self.clients[client.id]
        return {}

    @on_account("ListUserPools")
    async def list_user_pools(self, call: Call) -> Result:
        pools = sorted(self.pools.values(), key=lambda pool: pool.id)
        after = call.params.get("NextToken", "")
        limit = int(call.params["MaxResults"])
        page = [pool for pool in pools if pool.id > after][: limit + 1]
        answer: Result = {
            "UserPools": [
                {
                    "Id": pool.id,
                    "Name": pool.name,
                    "LambdaConfig": pool.settings["LambdaConfig"],
                    "LastModifiedDate": _date(pool.modified),
                    "CreationDate": _date(pool.created),
                }
                for pool in page[:limit]
            ]
        }
        if len(page) > limit:
            answer["NextToken"] = page[limit - 1].id
        return answer

    @on_pool("SetUserPoolMfaConfig")
    async def set_user_pool_mfa_config(self, call: Call) -> Result:
        params = call.params
        for member in ("SmsMfaConfiguration", "EmailMfaConfiguration", "WebAuthnConfiguration"):
            if params.get(member):
                raise not_implemented(member)
        pool = self.pool(params["UserPoolId"])
        wants_totp = bool(params.get("SoftwareTokenMfaConfiguration", {}).get("Enabled"))
        mfa = params.get("MfaConfiguration", "OFF")
        if mfa != "OFF" and not wants_totp:
            raise invalid_parameter("Invalid MFA configuration given, can't turn on MFA without a factor.")
        if mfa == "OFF" and wants_totp:
            raise invalid_parameter("Invalid MFA configuration given, can't disable MFA and configure an MFA together.")
        factors = ["SOFTWARE_TOKEN_MFA"] if wants_totp else []
        settings = {**pool.settings, "MfaConfiguration": mfa, "EnabledMfas": factors}
        pool = replace(pool, settings=settings, modified=call.now)
        await self._keep(pool)
        return _mfa_of(pool)

    @on_pool("GetUserPoolMfaConfig")
    async def get_user_pool_mfa_config(self, call: Call) -> Result:
        return _mfa_of(self.pool(call.params["UserPoolId"]))

    @on_resource("TagResource")
    async def tag_resource(self, call: Call) -> Result:
        pool = self._tagged(call)
        tags = {**pool.settings["UserPoolTags"], **call.params["Tags"]}
        if len(tags) > 50:
            raise invalid_parameter("Tags can have at most 50 entries.")
        await self._keep(replace(pool, settings={**pool.settings, "UserPoolTags": tags}))
        return {}

    @on_resource("UntagResource")
    async def untag_resource(self, call: Call) -> Result:
        pool = self._tagged(call)
        gone = call.params["TagKeys"]
        tags = {key: value for key, value in pool.settings["UserPoolTags"].items() if key not in gone}
        await self._keep(replace(pool, settings={**pool.settings, "UserPoolTags": tags}))
        return {}

    @on_resource("ListTagsForResource")
    async def list_tags_for_resource(self, call: Call) -> Result:
        return {"Tags": self._tagged(call).settings["UserPoolTags"]}

    def _tagged(self, call: Call) -> Pool:
        arn = call.params["ResourceArn"]
        pool = self.pools.get(arn.rpartition("/")[2])
        if pool is None or self.pool_arn(pool.id) != arn:
            raise AwsError("ResourceNotFoundException", f"Resource {arn} does not exist.")
        return pool

    async def _keep(self, pool: Pool) -> None:
        await self.database.write(lambda connection: pool_module.store(connection, pool))
        self.pools[pool.id] = pool

    def _described(self, pool: Pool) -> dict[str, Any]:
        settings = {name: value for name, value in pool.settings.items() if name not in ("PoolName", "EnabledMfas")}
        return {
            **settings,
            "Id": pool.id,
            "Name": pool.name,
            "Arn": self.pool_arn(pool.id),
            "LastModifiedDate": _date(pool.modified),
            "CreationDate": _date(pool.created),
            "EstimatedNumberOfUsers": users.count(self.database.reader, pool),
        }


def _mfa_of(pool: Pool) -> Result:
    answer: Result = {"MfaConfiguration": pool.mfa}
    if "SOFTWARE_TOKEN_MFA" in pool.settings.get("EnabledMfas", []):
        answer["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    return answer


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
