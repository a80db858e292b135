"""Signing up: SignUp, ConfirmSignUp, ResendConfirmationCode."""

import sqlite3
import uuid
from dataclasses import replace
from typing import Any

from stratus.service import Call
from stratus.services.cognito_idp import attributes, codes, messages, passwords, srp, triggers, users
from stratus.services.cognito_idp.client import AppClient
from stratus.services.cognito_idp.codes import Proof
from stratus.services.cognito_idp.errors import (
    code_mismatch,
    invalid_parameter,
    not_authorized,
    not_implemented,
    user_not_found,
)
from stratus.services.cognito_idp.operations.base import Operations, Result, public
from stratus.services.cognito_idp.pool import Pool
from stratus.services.cognito_idp.users import User
from stratus.wire.errors import AwsError

UNKNOWN = "Username/client id combination not found."


class SignUpOperations(Operations):
    @public("SignUp")
    async def sign_up(self, call: Call) -> Result:
        params = call.params
        client, pool = self.client(params["ClientId"])
        client.check_secret_hash(params["Username"], params.get("SecretHash"))
        if pool.only_admins_create_users:
            raise not_authorized("SignUp is not permitted for this user pool")
        if "Password" not in params:
            raise invalid_parameter("Password is required.")
        user = _new_user(pool, client, params, call.now)
        passwords.check_policy(pool.password_policy, params["Password"])
        self._refuse_taken(pool, user)
        user = await self._ask_before_sign_up(call, pool, client, user)
        verifier = await self.compute(srp.new_verifier, pool.srp_name, user.username, params["Password"])
        user = replace(user, verifier=verifier)
        code = await self.decide(lambda connection: _store_new(connection, pool, user, call.now))
        answer: Result = {"UserConfirmed": user.status == users.CONFIRMED, "UserSub": user.sub}
        if code is not None and user.email:
            await messages.deliver(self.mailbox, messages.verification(pool, user.email, code), user)
            answer["CodeDeliveryDetails"] = messages.delivery(user.email)
        if user.status == users.CONFIRMED:
            await self.tell_confirmed(call, pool, client, user, "ConfirmSignUp")
        return answer

    def _refuse_taken(self, pool: Pool, user: User) -> None:
        taken = users.holder_of_name(self.database.reader, pool, user)
        if taken:
            raise users.name_taken(pool, user, taken[1])

    async def _ask_before_sign_up(self, call: Call, pool: Pool, client: AppClient, user: User) -> User:
        """What the PreSignUp trigger makes of the new user."""
        shown = {name: value for name, value in user.attributes.items() if name not in attributes.VERIFIED_FLAGS}
        request: dict[str, Any] = {"userAttributes": shown}
        given = call.params.get("ValidationData")
        request["validationData"] = attributes.by_name(given) if given else None
        if call.params.get("ClientMetadata"):
            request["clientMetadata"] = call.params["ClientMetadata"]
        wishes = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
        wishes = await triggers.invoke(
            self.around, call, pool, "PreSignUp", "SignUp", user.username, client.id, request, wishes
        )
        if wishes.get("autoVerifyPhone"):
            raise not_implemented("autoVerifyPhone")
        if wishes.get("autoVerifyEmail") and user.email:
            user = user.with_attributes({"email_verified": "true"})
        if wishes.get("autoConfirmUser"):
            user = replace(user, status=users.CONFIRMED)
        return user

    async def tell_confirmed(self, call: Call, pool: Pool, client: AppClient, user: User, source: str) -> None:
        """Runs the PostConfirmation trigger."""
        request: dict[str, Any] = {
            "userAttributes": {"sub": user.sub, "cognito:user_status": user.status, **user.attributes}
        }
        if call.params.get("ClientMetadata"):
            request["clientMetadata"] = call.params["ClientMetadata"]
        await triggers.invoke(
            self.around, call, pool, "PostConfirmation", source, user.username, client.id, request, {}
        )

    @public("ConfirmSignUp")
    async def confirm_sign_up(self, call: Call) -> Result:
        params = call.params
        client, pool = self.client(params["ClientId"])
        client.check_secret_hash(params["Username"], params.get("SecretHash"))
        if params.get("ForceAliasCreation"):
            raise not_implemented("ForceAliasCreation")
        named = self.user_or_stand_in(pool, client, params["Username"], user_not_found(UNKNOWN))

        def confirm(connection: sqlite3.Connection) -> User | AwsError:
            user = users.get(connection, named.sub)
            if user and user.status != users.UNCONFIRMED:
                return not_authorized(f"User cannot be confirmed. Current status is {user.status}")
            proof = Proof(named.subject, "sign-up", (user or named).email or "")
            refused = codes.redeem(connection, pool.secret, proof, params["ConfirmationCode"], call.now)
            if user is None:
                return _as_for_anybody(refused)
            if refused:
                return refused
            user = replace(user, status=users.CONFIRMED)
            if user.email and pool.verifies_email:
                user = user.with_attributes({"email_verified": "true"})
            return users.store(connection, pool, user, call.now) or user

        user = await self.decide(confirm)
        await self.tell_confirmed(call, pool, client, user, "ConfirmSignUp")
        return {}

    @public("ResendConfirmationCode")
    async def resend_confirmation_code(self, call: Call) -> Result:
        params = call.params
        client, pool = self.client(params["ClientId"])
        client.check_secret_hash(params["Username"], params.get("SecretHash"))
        user = self.user_or_stand_in(pool, client, params["Username"], user_not_found(UNKNOWN))
        if not user.enabled and client.hides_users:
            user = users.stand_in(pool, params["Username"])
        if user.exists and user.status != users.UNCONFIRMED:
            raise invalid_parameter("User is already confirmed.")
        if not user.email or not pool.verifies_email:
            raise invalid_parameter("Cannot resend codes. Auto verification not turned on.")
        proof = Proof(user.subject, "sign-up", user.email)
        code = await self.decide(lambda connection: codes.issue(connection, pool.secret, proof, call.now))
        await messages.deliver(self.mailbox, messages.verification(pool, user.email, code), user)
        return {"CodeDeliveryDetails": messages.delivery(user.email)}


def _as_for_anybody(refused: AwsError | None) -> AwsError:
    """What a stand-in is told: nobody who waits for confirmation is without a code, so neither is it."""
    return refused if refused and refused.code == "LimitExceededException" else code_mismatch()


def _new_user(pool: Pool, client: AppClient, params: dict[str, Any], now: float) -> User:
    """The user that a sign-up describes, its attributes checked against the schema and the client's rights."""
    given = attributes.by_name(params.get("UserAttributes"))
    attributes.check_writable(client.writable(pool), list(given))
    sub = str(uuid.uuid4())
    username, given = place_name(pool, params["Username"], given, sub)
    attributes.check_values(pool.schema, given, changing=False)
    attributes.check_required(pool.schema, given)
    if given.get("email"):
        given["email_verified"] = "false"
    return users.new(pool.id, sub, username, users.UNCONFIRMED, given, now)


def place_name(pool: Pool, name: str, given: dict[str, str], sub: str) -> tuple[str, dict[str, str]]:
    """User name and attributes of somebody who is to be called `name`, as the pool's sign-in options have it."""
    if pool.signs_in_with_email:
        if not attributes.is_email(name):
            raise invalid_parameter("Username should be an email.")
        if pool.canonical(given.setdefault("email", name)) != pool.canonical(name):
            raise invalid_parameter("The email attribute must be the email that is the username.")
        return sub, given
    if pool.email_is_alias and attributes.is_email(name):
        raise invalid_parameter("Username cannot be of email format, since user pool is configured for email alias.")
    return name, given


def _store_new(connection: sqlite3.Connection, pool: Pool, user: User, now: float) -> str | AwsError | None:
    """Writes a new user, and returns the code to mail where the pool verifies addresses."""
    taken = users.store(connection, pool, user, now)
    if taken:
        return taken
    if user.email and not user.email_verified and pool.verifies_email:
        return codes.issue(connection, pool.secret, Proof(user.subject, "sign-up", user.email), now)
    return None
