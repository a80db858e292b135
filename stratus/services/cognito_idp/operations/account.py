"""What signed-in users do with their own account: GetUser, attributes and their verification, DeleteUser."""

import sqlite3
from dataclasses import replace
from typing import Any

from stratus.service import Call
from stratus.services.cognito_idp import attributes, codes, messages, users
from stratus.services.cognito_idp.codes import Proof
from stratus.services.cognito_idp.errors import invalid_parameter, not_implemented, user_not_found
from stratus.services.cognito_idp.operations.base import Operations, Result, public
from stratus.services.cognito_idp.pool import Pool
from stratus.services.cognito_idp.users import User
from stratus.wire.errors import AwsError

_SOFTWARE_TOKEN = "SOFTWARE_TOKEN_MFA"  # noqa: S105 - a kind of factor


class AccountOperations(Operations):
    @public("GetUser")
    async def get_user(self, call: Call) -> Result:
        claims, user, _ = self.signed_in(call)
        client, pool = self.client(claims.client_id)
        readable = {"sub", *client.readable(pool)}
        shown = {name: value for name, value in user.listed_attributes().items() if name in readable}
        return {"Username": user.username, "UserAttributes": attributes.as_pairs(shown), **mfa_settings(user)}

    @public("UpdateUserAttributes")
    async def update_user_attributes(self, call: Call) -> Result:
        claims, user, _ = self.signed_in(call)
        client, pool = self.client(claims.client_id)
        given = attributes.by_name(call.params["UserAttributes"])
        attributes.check_writable(client.writable(pool), list(given))
        return {"CodeDeliveryDetailsList": await self.change_attributes(call, pool, user, given)}

    async def change_attributes(
        self, call: Call, pool: Pool, named: User, given: dict[str, str]
    ) -> list[dict[str, str]]:
        """Writes the attributes and returns where codes went: a new address gets one, and may have to wait for its return."""
        attributes.check_values(pool.schema, given, changing=True)

        def work(connection: sqlite3.Connection) -> tuple[User, str | None] | AwsError:
            user = users.get(connection, named.sub)
            if user is None:
                return user_not_found()
            changed, verifies = _changed(pool, user, given)
            as_verified = user.with_attributes({**given, "email_verified": "true"})
            if "email" in given and users.holder_of_name(connection, pool, as_verified):
                return users.alias_exists()
            code: str | AwsError | None = None
            if verifies:
                proof = Proof(user.subject, "verify email", given["email"])
                code = codes.issue(connection, pool.secret, proof, call.now)
            if isinstance(code, AwsError):
                return code
            return users.store(connection, pool, changed, call.now) or (changed, code)

        changed, code = await self.decide(work)
        if code is None:
            return []
        await messages.deliver(self.mailbox, messages.verification(pool, given["email"], code), changed)
        return [messages.delivery(given["email"])]

    @public("DeleteUserAttributes")
    async def delete_user_attributes(self, call: Call) -> Result:
        claims, user, _ = self.signed_in(call)
        client, pool = self.client(claims.client_id)
        names = call.params["UserAttributeNames"]
        attributes.check_writable(client.writable(pool), names)
        await self.change_user(user, lambda current: without_attributes(pool, current, names))
        return {}

    @public("GetUserAttributeVerificationCode")
    async def get_user_attribute_verification_code(self, call: Call) -> Result:
        claims, user, _ = self.signed_in(call)
        _only_email(call.params["AttributeName"])
        address = user.pending.get("email", user.email)
        if not address:
            raise invalid_parameter("User does not have a(n) email to verify.")
        proof = Proof(user.subject, "verify email", address)
        code = await self.decide(lambda connection: codes.issue(connection, claims.pool.secret, proof, call.now))
        await messages.deliver(self.mailbox, messages.verification(claims.pool, address, code), user)
        return {"CodeDeliveryDetails": messages.delivery(address)}

    @public("VerifyUserAttribute")
    async def verify_user_attribute(self, call: Call) -> Result:
        claims, named, _ = self.signed_in(call)
        _only_email(call.params["AttributeName"])
        pool = claims.pool

        def work(connection: sqlite3.Connection) -> User | AwsError:
            user = users.get(connection, named.sub)
            if user is None:
                return user_not_found()
            proof = Proof(user.subject, "verify email", user.pending.get("email", user.email or ""))
            refused = codes.redeem(connection, pool.secret, proof, call.params["Code"], call.now)
            if refused:
                return refused
            changed = replace(user, pending={}).with_attributes({**user.pending, "email_verified": "true"})
            return users.store(connection, pool, changed, call.now) or changed

        await self.decide(work)
        return {}

    @public("DeleteUser")
    async def delete_user(self, call: Call) -> Result:
        _, user, _ = self.signed_in(call)
        await self.database.write(lambda connection: users.delete(connection, user))
        return {}


def _changed(pool: Pool, user: User, given: dict[str, str]) -> tuple[User, bool]:
    """The user with `given` attributes, and whether a code has to be sent to a new address."""
    address = given.get("email")
    if address is None or address == user.email or given.get("email_verified") == "true":
        return replace(user.with_attributes(given), pending={} if address else user.pending), False
    if pool.verifies_before_update:
        others = {name: value for name, value in given.items() if name != "email"}
        return replace(user.with_attributes(others), pending={"email": address}), True
    return user.with_attributes({**given, "email_verified": "false"}), pool.verifies_email


def without_attributes(pool: Pool, user: User, names: list[str]) -> User | AwsError:
    """The user without the attributes `names`; an error where one of them must stay."""
    required = {entry["Name"] for entry in pool.schema if entry["Required"]}
    known = {entry["Name"] for entry in pool.schema}
    needed = required | ({"email"} if pool.signs_in_with_email else set())
    for name in names:
        if name not in known:
            return invalid_parameter(f"Attribute {name} does not exist in the schema.")
        if name in needed or name in attributes.VERIFIED_FLAGS:
            return invalid_parameter(f"Cannot delete the required attribute {name}.")
    gone = {*names, *(f"{name}_verified" for name in names)}
    return replace(user, attributes={name: value for name, value in user.attributes.items() if name not in gone})


def mfa_settings(user: User) -> dict[str, Any]:
    """UserMFASettingList and PreferredMfaSetting, where the user has them."""
    if not user.has_totp or not user.totp.get("enabled"):
        return {}
    settings: dict[str, Any] = {"UserMFASettingList": [_SOFTWARE_TOKEN]}
    if user.totp.get("preferred"):
        settings["PreferredMfaSetting"] = _SOFTWARE_TOKEN
    return settings


def _only_email(name: str) -> None:
    if name != "email":
        raise not_implemented(f"the verification of {name}")
