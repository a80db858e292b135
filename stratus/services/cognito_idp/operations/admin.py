"""What operators do with users: the Admin operations, ListUsers."""

import sqlite3
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stratus.service import Call
from stratus.services.cognito_idp import attributes, codes, filters, messages, passwords, sessions, srp, triggers, users
from stratus.services.cognito_idp.codes import Proof
from stratus.services.cognito_idp.errors import invalid_parameter, not_authorized, not_implemented, user_not_found
from stratus.services.cognito_idp.operations.account import AccountOperations, mfa_settings, without_attributes
from stratus.services.cognito_idp.operations.base import Result, on_pool
from stratus.services.cognito_idp.operations.mfa import prefer_totp, wanted_totp
from stratus.services.cognito_idp.operations.sign_out import SignOutOperations
from stratus.services.cognito_idp.operations.sign_up import place_name
from stratus.services.cognito_idp.pool import Pool
from stratus.services.cognito_idp.users import User
from stratus.wire.errors import AwsError

_DAY = 86_400.0
_MAX_PAGE = 60
_READ_AT_ONCE = 500


class AdminOperations(AccountOperations, SignOutOperations):
    @on_pool("AdminGetUser")
    async def admin_get_user(self, call: Call) -> Result:
        _, user = self._named(call)
        shown = _described(user)
        del shown["Attributes"]
        return {**shown, "UserAttributes": attributes.as_pairs(user.listed_attributes()), **mfa_settings(user)}

    @on_pool("ListUsers")
    async def list_users(self, call: Call) -> Result:
        pool = self.pool(call.params["UserPoolId"])
        fits = filters.parse(call.params.get("Filter", ""))
        limit = int(call.params.get("Limit", _MAX_PAGE)) or _MAX_PAGE
        wanted = call.params.get("AttributesToGet")
        page, after = self._page(pool, fits, call.params.get("PaginationToken", ""), limit)
        answer: Result = {"Users": [_described(user, wanted) for user in page]}
        if after:
            answer["PaginationToken"] = after
        return answer

    def _page(self, pool: Pool, fits: Any, after: str, limit: int) -> tuple[list[User], str | None]:
        """Up to `limit` users that fit, and where to go on. Reads a bounded number, so that a page may be short."""
        read = users.page(self.database.reader, pool, after, _READ_AT_ONCE)
        found: list[User] = []
        for user in read:
            if fits(user):
                found.append(user)
                if len(found) == limit:
                    return found, user.sub if user is not read[-1] else None
        return found, read[-1].sub if len(read) == _READ_AT_ONCE else None

    @on_pool("AdminCreateUser")
    async def admin_create_user(self, call: Call) -> Result:
        params = call.params
        if params.get("ForceAliasCreation"):
            raise not_implemented("ForceAliasCreation")
        if set(params.get("DesiredDeliveryMediums", ["EMAIL"])) != {"EMAIL"}:
            raise not_implemented("DesiredDeliveryMediums SMS")
        pool = self.pool(params["UserPoolId"])
        password = params.get("TemporaryPassword") or passwords.generate(pool.password_policy)
        passwords.check_policy(pool.password_policy, password)
        resend = params.get("MessageAction") == "RESEND"
        user = self._invited(call, pool) if resend else _new_user(pool, params, call.now)
        if not resend:
            await self._ask_before_creation(call, pool, user)
        verifier = await self.compute(srp.new_verifier, pool.srp_name, user.username, password)
        days = pool.password_policy["TemporaryPasswordValidityDays"]
        user = replace(user, verifier=verifier, password_expires=call.now + days * _DAY)
        await self.decide(lambda connection: users.store(connection, pool, user, call.now))
        if params.get("MessageAction") != "SUPPRESS" and user.email:
            await messages.deliver(self.mailbox, messages.invitation(pool, user, user.email, password), user)
        return {"User": _described(user)}

    def _invited(self, call: Call, pool: Pool) -> User:
        user = self.user(pool, call.params["Username"])
        if user.status != users.FORCE_CHANGE_PASSWORD:
            raise AwsError(
                "UnsupportedUserStateException",
                f"Resend not possible. {user.username} status is not FORCE_CHANGE_PASSWORD",
            )
        return user

    async def _ask_before_creation(self, call: Call, pool: Pool, user: User) -> None:
        request: dict[str, Any] = {"userAttributes": user.attributes}
        given = call.params.get("ValidationData")
        request["validationData"] = attributes.by_name(given) if given else None
        if call.params.get("ClientMetadata"):
            request["clientMetadata"] = call.params["ClientMetadata"]
        await triggers.invoke(
            self.around,
            call,
            pool,
            "PreSignUp",
            "AdminCreateUser",
            user.username,
            "CLIENT_ID_NOT_APPLICABLE",
            request,
            {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
        )

    @on_pool("AdminSetUserPassword")
    async def admin_set_user_password(self, call: Call) -> Result:
        pool, user = self._named(call)
        password, permanent = call.params["Password"], bool(call.params.get("Permanent"))
        passwords.check_policy(pool.password_policy, password)
        verifier = await self.compute(srp.new_verifier, pool.srp_name, user.username, password)
        days = pool.password_policy["TemporaryPasswordValidityDays"]

        def work(connection: sqlite3.Connection) -> User | AwsError:
            current = users.get(connection, user.sub)
            if current is None:
                return user_not_found()
            sessions.close_all(connection, user.sub)
            current = replace(
                current,
                verifier=verifier,
                status=users.CONFIRMED if permanent else users.FORCE_CHANGE_PASSWORD,
                password_expires=None if permanent else call.now + days * _DAY,
            )
            return users.store(connection, pool, current, call.now) or current

        await self.decide(work)
        return {}

    @on_pool("AdminResetUserPassword")
    async def admin_reset_user_password(self, call: Call) -> Result:
        """The password opens nothing any more, and a code for a new one is sent."""
        pool, named = self._named(call)
        if not named.email or not named.email_verified:
            raise invalid_parameter(
                "Cannot reset password for the user as there is no registered/verified email or phone_number"
            )

        def work(connection: sqlite3.Connection) -> str | AwsError:
            user = users.get(connection, named.sub)
            if user is None:
                return user_not_found()
            proof = Proof(user.subject, "reset", user.email or "")
            code = codes.issue(connection, pool.secret, proof, call.now)
            if isinstance(code, AwsError):
                return code
            return users.store(connection, pool, replace(user, status=users.RESET_REQUIRED), call.now) or code

        code = await self.decide(work)
        await messages.deliver(self.mailbox, messages.verification(pool, named.email, code), named)
        return {}

    @on_pool("AdminConfirmSignUp")
    async def admin_confirm_sign_up(self, call: Call) -> Result:
        pool, user = self._named(call)

        def work(connection: sqlite3.Connection) -> User | AwsError:
            current = users.get(connection, user.sub)
            if current is None:
                return user_not_found()
            if current.status != users.UNCONFIRMED:
                return not_authorized(f"User cannot be confirmed. Current status is {current.status}")
            codes.withdraw(connection, current.subject, "sign-up")
            current = replace(current, status=users.CONFIRMED)
            return users.store(connection, pool, current, call.now) or current

        user = await self.decide(work)
        await triggers.invoke(
            self.around,
            call,
            pool,
            "PostConfirmation",
            "ConfirmSignUp",
            user.username,
            "CLIENT_ID_NOT_APPLICABLE",
            {"userAttributes": {"sub": user.sub, "cognito:user_status": user.status, **user.attributes}},
            {},
        )
        return {}

    @on_pool("AdminUpdateUserAttributes")
    async def admin_update_user_attributes(self, call: Call) -> Result:
        pool, user = self._named(call)
        await self.change_attributes(call, pool, user, attributes.by_name(call.params["UserAttributes"]))
        return {}

    @on_pool("AdminDeleteUserAttributes")
    async def admin_delete_user_attributes(self, call: Call) -> Result:
        pool, user = self._named(call)
        await self.change_user(
            user, lambda current: without_attributes(pool, current, call.params["UserAttributeNames"])
        )
        return {}

    @on_pool("AdminSetUserMFAPreference")
    async def admin_set_user_mfa_preference(self, call: Call) -> Result:
        _, user = self._named(call)
        wanted = wanted_totp(call)
        if wanted is not None:
            await self.change_user(user, lambda current: prefer_totp(current, wanted))
        return {}

    @on_pool("AdminDisableUser")
    async def admin_disable_user(self, call: Call) -> Result:
        """The user's grants are revoked too (Developer Guide, "Managing user accounts")."""
        _, user = self._named(call)
        await self.change_user(user, lambda current: replace(current, enabled=False))
        await self.sign_out_everywhere(user.sub)
        return {}

    @on_pool("AdminEnableUser")
    async def admin_enable_user(self, call: Call) -> Result:
        _, user = self._named(call)
        await self.change_user(user, lambda current: replace(current, enabled=True))
        return {}

    @on_pool("AdminUserGlobalSignOut")
    async def admin_user_global_sign_out(self, call: Call) -> Result:
        _, user = self._named(call)
        await self.sign_out_everywhere(user.sub)
        return {}

    @on_pool("AdminDeleteUser")
    async def admin_delete_user(self, call: Call) -> Result:
        _, user = self._named(call)
        await self.database.write(lambda connection: users.delete(connection, user))
        return {}

    def _named(self, call: Call) -> tuple[Pool, User]:
        pool = self.pool(call.params["UserPoolId"])
        return pool, self.user(pool, call.params["Username"])


def _new_user(pool: Pool, params: dict[str, Any], now: float) -> User:
    sub = str(uuid.uuid4())
    username, given = place_name(pool, params["Username"], attributes.by_name(params.get("UserAttributes")), sub)
    attributes.check_values(pool.schema, given, changing=False)
    return users.new(pool.id, sub, username, users.FORCE_CHANGE_PASSWORD, given, now)


def _described(user: User, wanted: list[str] | None = None) -> dict[str, Any]:
    shown = user.listed_attributes()
    if wanted is not None:
        shown = {name: value for name, value in shown.items() if name in wanted}
    return {
        "Username": user.username,
        "Attributes": attributes.as_pairs(shown),
        "UserCreateDate": datetime.fromtimestamp(user.created, UTC),
        "UserLastModifiedDate": datetime.fromtimestamp(user.modified, UTC),
        "Enabled": user.enabled,
        "UserStatus": user.status,
    }
