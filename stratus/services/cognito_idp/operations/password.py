"""Forgotten and changed passwords: ForgotPassword, ConfirmForgotPassword, ChangePassword."""

import sqlite3
from dataclasses import replace

from stratus.service import Call
from stratus.services.cognito_idp import codes, limits, messages, passwords, sessions, srp, users
from stratus.services.cognito_idp.codes import Proof
from stratus.services.cognito_idp.errors import (
    expired_code,
    invalid_parameter,
    not_authorized,
    user_not_found,
    wrong_password,
)
from stratus.services.cognito_idp.operations.base import Result, public
from stratus.services.cognito_idp.operations.sign_up import UNKNOWN, SignUpOperations
from stratus.services.cognito_idp.users import User
from stratus.wire.errors import AwsError


class PasswordOperations(SignUpOperations):
    @public("ForgotPassword")
    async def forgot_password(self, call: Call) -> Result:
        params = call.params
        client, pool = self.client(params["ClientId"])
        client.check_secret_hash(params["Username"], params.get("SecretHash"))
        user = self.user_or_stand_in(pool, client, params["Username"], user_not_found(UNKNOWN))
        unreachable = _why_unreachable(user, recovers=pool.recovers_by_email)
        if unreachable:
            if not client.hides_users or not pool.recovers_by_email:
                raise unreachable
            user = users.stand_in(pool, params["Username"])
        address = user.email or ""
        proof = Proof(user.subject, "reset", address)
        code = await self.decide(lambda connection: codes.issue(connection, pool.secret, proof, call.now))
        await messages.deliver(self.mailbox, messages.verification(pool, address, code), user)
        return {"CodeDeliveryDetails": messages.delivery(address)}

    @public("ConfirmForgotPassword")
    async def confirm_forgot_password(self, call: Call) -> Result:
        params = call.params
        client, pool = self.client(params["ClientId"])
        client.check_secret_hash(params["Username"], params.get("SecretHash"))
        passwords.check_policy(pool.password_policy, params["Password"])
        named = self.user_or_stand_in(pool, client, params["Username"], user_not_found(UNKNOWN))
        if _why_unreachable(named, recovers=pool.recovers_by_email) and client.hides_users:
            named = users.stand_in(pool, params["Username"])
        verifier = await self.compute(srp.new_verifier, pool.srp_name, named.username, params["Password"])

        def reset(connection: sqlite3.Connection) -> User | AwsError:
            user = users.get(connection, named.sub)
            proof = Proof(named.subject, "reset", (user or named).email or "")
            refused = codes.redeem(connection, pool.secret, proof, params["ConfirmationCode"], call.now)
            if refused or user is None:
                return refused or expired_code()
            limits.forget(connection, user.subject, "sign-in")
            sessions.close_all(connection, user.sub)
            user = replace(user, status=users.CONFIRMED, verifier=verifier, password_expires=None)
            user = user.with_attributes({"email_verified": "true"})
            return users.store(connection, pool, user, call.now) or user

        user = await self.decide(reset)
        await self.tell_confirmed(call, pool, client, user, "ConfirmForgotPassword")
        return {}

    @public("ChangePassword")
    async def change_password(self, call: Call) -> Result:
        claims, user, _ = self.signed_in(call)
        pool = claims.pool
        proposed, previous = call.params["ProposedPassword"], call.params.get("PreviousPassword")
        passwords.check_policy(pool.password_policy, proposed)
        if user.verifier is None or previous is None:
            raise invalid_parameter("PreviousPassword is required.")
        await self.decide(lambda connection: limits.begin_sign_in(connection, user.subject, call.now))
        if not await self.compute(srp.matches, user.verifier, pool.srp_name, user.username, previous):
            raise wrong_password()
        verifier = await self.compute(srp.new_verifier, pool.srp_name, user.username, proposed)

        def change(connection: sqlite3.Connection) -> User | AwsError:
            current = users.get(connection, user.sub)
            if current is None or current.verifier != user.verifier:
                return wrong_password()
            limits.undo_sign_in(connection, user.subject)
            sessions.close_all(connection, user.sub)
            return users.store(connection, pool, replace(current, verifier=verifier), call.now) or current

        await self.decide(change)
        return {}


def _why_unreachable(user: User, *, recovers: bool) -> AwsError | None:
    """Why no code for a new password can be sent to `user`."""
    if not recovers:
        return not_authorized("Contact administrator to reset password.")
    if not user.enabled:
        return not_authorized("User is disabled.")
    if user.status == users.FORCE_CHANGE_PASSWORD:
        return not_authorized("User password cannot be reset in the current state.")
    if not user.email or not user.email_verified:
        return invalid_parameter(
            "Cannot reset password for the user as there is no registered/verified email or phone_number"
        )
    return None
