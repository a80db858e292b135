"""Software tokens: AssociateSoftwareToken, VerifySoftwareToken, SetUserMFAPreference."""

import sqlite3
from dataclasses import replace
from typing import Any

from stratus.service import Call
from stratus.services.cognito_idp import limits, sessions, totp, users
from stratus.services.cognito_idp.errors import invalid_parameter, invalid_session, not_implemented, user_not_found
from stratus.services.cognito_idp.operations.base import Operations, Result, public
from stratus.services.cognito_idp.pool import Pool
from stratus.services.cognito_idp.sessions import Session
from stratus.services.cognito_idp.users import User
from stratus.wire.errors import AwsError

_SETUP = "MFA_SETUP"
_PREFERENCES = ("enabled", "preferred")


class MfaOperations(Operations):
    @public("AssociateSoftwareToken")
    async def associate_software_token(self, call: Call) -> Result:
        """A new secret. It counts only when VerifySoftwareToken has seen a code made with it."""
        user, pool, session = self._who(call)
        _require_software_tokens(pool)
        secret = totp.new_secret()
        await self.change_user(user, lambda current: replace(current, totp={**current.totp, "candidate": secret}))
        answer: Result = {"SecretCode": secret}
        if session is not None:
            answer["Session"] = await self._next_session(call, session, _SETUP)
        return answer

    @public("VerifySoftwareToken")
    async def verify_software_token(self, call: Call) -> Result:
        user, pool, session = self._who(call)
        _require_software_tokens(pool)
        code, device = call.params["UserCode"], call.params.get("FriendlyDeviceName", "")

        def work(connection: sqlite3.Connection) -> User | AwsError:
            locked = limits.begin_sign_in(connection, user.subject, call.now)
            if locked:
                return locked
            current = users.get(connection, user.sub)
            if current is None:
                return user_not_found()
            candidate = current.totp.get("candidate")
            if candidate is None:
                return AwsError("SoftwareTokenMFANotFoundException", "No software token has been associated.")
            step = totp.matching_step(candidate, code, call.now)
            if step is None:
                return AwsError("EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA")
            limits.undo_sign_in(connection, user.subject)
            kept: dict[str, Any] = {name: current.totp[name] for name in _PREFERENCES if name in current.totp}
            current = replace(current, totp={**kept, "secret": candidate, "used": step, "device": device})
            return users.store(connection, pool, current, call.now) or current

        await self.decide(work)
        if session is None:
            return {"Status": "SUCCESS"}
        return {"Status": "SUCCESS", "Session": await self._next_session(call, session, f"{_SETUP} verified")}

    @public("SetUserMFAPreference")
    async def set_user_mfa_preference(self, call: Call) -> Result:
        _, user, _ = self.signed_in(call)
        wanted = wanted_totp(call)
        if wanted is not None:
            await self.change_user(user, lambda current: prefer_totp(current, wanted))
        return {}

    def _who(self, call: Call) -> tuple[User, Pool, str | None]:
        """Whom the request is about: by access token, or by the session of a sign-in that must set a factor up first."""
        if call.params.get("AccessToken"):
            claims, user, _ = self.signed_in(call)
            return user, claims.pool, None
        token = call.params.get("Session")
        if not token:
            raise invalid_parameter("AccessToken or Session is required.")
        session = sessions.find(self.database.reader, token, call.now)
        user_found = users.get(self.database.reader, session.sub) if session else None
        if session is None or session.challenge != _SETUP or user_found is None or not user_found.enabled:
            raise invalid_session()
        return user_found, self.pools[user_found.pool_id], token

    async def _next_session(self, call: Call, token: str, challenge: str) -> str:
        """The session that follows `token`, which is used up."""

        def work(connection: sqlite3.Connection) -> str | AwsError:
            session = sessions.find(connection, token, call.now)
            client = self.clients.get(session.client_id) if session else None
            if session is None or client is None:
                return invalid_session()
            sessions.close(connection, token)
            following = Session(session.client_id, session.sub, challenge)
            return sessions.open_session(connection, following, call.now + client.challenge_lifetime)

        return await self.decide(work)


def wanted_totp(call: Call) -> dict[str, Any] | None:
    """SoftwareTokenMfaSettings of a request; other factors are refused by name."""
    for member in ("SMSMfaSettings", "EmailMfaSettings", "WebAuthnMfaSettings"):
        if any((call.params.get(member) or {}).values()):
            raise not_implemented(member)
    wanted: dict[str, Any] | None = call.params.get("SoftwareTokenMfaSettings")
    return wanted


def prefer_totp(user: User, wanted: dict[str, Any]) -> User | AwsError:
    """The user with SOFTWARE_TOKEN_MFA on, off, or preferred."""
    enabled, preferred = bool(wanted.get("Enabled")), bool(wanted.get("PreferredMfa"))
    if enabled and not user.has_totp:
        return invalid_parameter("User has not verified software token mfa")
    return replace(user, totp={**user.totp, "enabled": enabled, "preferred": enabled and preferred})


def _require_software_tokens(pool: Pool) -> None:
    if "SOFTWARE_TOKEN_MFA" not in pool.settings.get("EnabledMfas", []):
        raise AwsError(
            "SoftwareTokenMFANotFoundException",
            "Software token TOTP multi-factor authentication (MFA) is not enabled for the user pool.",
        )
