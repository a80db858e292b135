"""Signing in: InitiateAuth, RespondToAuthChallenge, GetTokensFromRefreshToken."""

import base64
import binascii
import hmac
import json
import re
import sqlite3
from dataclasses import replace
from typing import Any

from stratus.service import Call
from stratus.services.cognito_idp import attributes, grants, limits, passwords, sessions, srp, tokens, totp, users
from stratus.services.cognito_idp.client import AppClient
from stratus.services.cognito_idp.errors import (
    code_mismatch,
    invalid_parameter,
    invalid_session,
    not_authorized,
    not_implemented,
    user_not_found,
    wrong_password,
)
from stratus.services.cognito_idp.issuers import issuer
from stratus.services.cognito_idp.operations.base import Operations, Result, public
from stratus.services.cognito_idp.pool import Pool
from stratus.services.cognito_idp.secret_block import Exchange
from stratus.services.cognito_idp.sessions import Session
from stratus.services.cognito_idp.users import User
from stratus.wire.errors import AwsError

_TIMESTAMP = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{1,2} \d\d:\d\d:\d\d UTC \d{4}"
)


class SignInOperations(Operations):
    @public("InitiateAuth")
    async def initiate_auth(self, call: Call) -> Result:
        client, pool = self.client(call.params["ClientId"])
        given = call.params.get("AuthParameters", {})
        flow = call.params["AuthFlow"]
        if flow == "USER_SRP_AUTH":
            return await self._start_srp(call, client, pool, given)
        if flow == "USER_PASSWORD_AUTH":
            return await self._sign_in_with_password(call, client, pool, given)
        if flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            return await self._refresh(call, client, pool, given)
        if flow == "CUSTOM_AUTH":
            raise invalid_parameter("Custom auth lambda trigger is not configured for the user pool.")
        if flow.startswith("ADMIN_"):
            raise invalid_parameter("Initiate Auth method not supported.")
        raise not_implemented(f"AuthFlow {flow}")

    @public("RespondToAuthChallenge")
    async def respond_to_auth_challenge(self, call: Call) -> Result:
        client, pool = self.client(call.params["ClientId"])
        given = call.params.get("ChallengeResponses", {})
        _require(given, "USERNAME")
        client.check_secret_hash(given["USERNAME"], given.get("SECRET_HASH"), missing=_no_secret_hash(client))
        challenge = call.params["ChallengeName"]
        if challenge == "PASSWORD_VERIFIER":
            return await self._verify_srp(call, client, pool, given)
        if challenge == "SOFTWARE_TOKEN_MFA":
            return await self._verify_totp(call, client, pool, given)
        if challenge == "NEW_PASSWORD_REQUIRED":
            return await self._take_new_password(call, client, pool, given)
        if challenge == "MFA_SETUP":
            return await self._finish_mfa_setup(call, client, pool)
        raise not_implemented(f"ChallengeName {challenge}")

    # ---- SRP ------------------------------------------------------------------------------------------------------

    async def _start_srp(self, call: Call, client: AppClient, pool: Pool, given: dict[str, str]) -> Result:
        if not client.allows("ALLOW_USER_SRP_AUTH"):
            raise invalid_parameter("USER_SRP_AUTH is not enabled for the client.")
        _require(given, "USERNAME", "SRP_A")
        client.check_secret_hash(given["USERNAME"], given.get("SECRET_HASH"), missing=_no_secret_hash(client))
        client_public = srp.parse_public(given["SRP_A"])
        if client_public is None:
            raise invalid_parameter("SRP_A must be a hexadecimal number that is not zero modulo N.")
        user = self.user_or_stand_in(pool, client, given["USERNAME"], user_not_found())
        verifier = users.verifier_of(pool, user)
        challenge = await self.compute(srp.new_challenge, verifier)
        expires = call.now + client.challenge_lifetime
        block = self.blocks.seal(Exchange(client.id, given["USERNAME"], challenge, client_public, expires))
        return {
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeParameters": {
                "SALT": f"{verifier.salt:x}",
                "SECRET_BLOCK": base64.b64encode(block).decode(),
                "SRP_B": f"{challenge.public:x}",
                "USERNAME": user.username,
                "USER_ID_FOR_SRP": user.username,
            },
        }

    async def _verify_srp(self, call: Call, client: AppClient, pool: Pool, given: dict[str, str]) -> Result:
        _require(given, "PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP")
        if not _TIMESTAMP.fullmatch(given["TIMESTAMP"]):
            raise invalid_parameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")
        block = _base64(given["PASSWORD_CLAIM_SECRET_BLOCK"])
        claimed = _base64(given["PASSWORD_CLAIM_SIGNATURE"])
        exchange = self.blocks.open(block, call.now)
        if exchange is None or exchange.client_id != client.id:
            raise wrong_password()
        user = self.user_or_stand_in(pool, client, exchange.name, user_not_found())
        if pool.canonical(given["USERNAME"]) not in (pool.canonical(exchange.name), pool.canonical(user.username)):
            raise wrong_password()
        await self.decide(lambda connection: limits.begin_sign_in(connection, user.subject, call.now))
        verifier = users.verifier_of(pool, user)
        key = await self.compute(srp.session_key, verifier, exchange.challenge, exchange.client_public)
        proven = key is not None and hmac.compare_digest(
            claimed, srp.signature(key, pool.srp_name, user.username, block, given["TIMESTAMP"])
        )
        if not proven or not user.exists:
            raise wrong_password()
        return await self._password_was_right(call, client, pool, user)

    # ---- password in the request ------------------------------------------------------------------------------------

    async def _sign_in_with_password(self, call: Call, client: AppClient, pool: Pool, given: dict[str, str]) -> Result:
        if not client.allows("ALLOW_USER_PASSWORD_AUTH"):
            raise invalid_parameter("USER_PASSWORD_AUTH flow not enabled for this client")
        _require(given, "USERNAME", "PASSWORD")
        client.check_secret_hash(given["USERNAME"], given.get("SECRET_HASH"), missing=_no_secret_hash(client))
        user = self.user_or_stand_in(pool, client, given["USERNAME"], user_not_found())
        await self.decide(lambda connection: limits.begin_sign_in(connection, user.subject, call.now))
        verifier = users.verifier_of(pool, user)
        right = await self.compute(srp.matches, verifier, pool.srp_name, user.username, given["PASSWORD"])
        if not right or not user.exists:
            raise wrong_password()
        return await self._password_was_right(call, client, pool, user)

    # ---- after the password -----------------------------------------------------------------------------------------

    async def _password_was_right(self, call: Call, client: AppClient, pool: Pool, user: User) -> Result:
        refused = _why_not_let_in(user, call.now)
        if refused:
            await self.database.write(lambda connection: limits.undo_sign_in(connection, user.subject))
            raise refused
        if user.status == users.FORCE_CHANGE_PASSWORD:
            parameters = _new_password_parameters(pool, user)
            return await self._challenge(call, client, user, "NEW_PASSWORD_REQUIRED", parameters)
        return await self._ask_second_factor(call, client, pool, user)

    async def _ask_second_factor(self, call: Call, client: AppClient, pool: Pool, user: User) -> Result:
        if user.has_totp and (pool.mfa == "ON" or (pool.mfa == "OPTIONAL" and user.totp.get("enabled"))):
            parameters = {"USER_ID_FOR_SRP": user.username}
            if user.totp.get("device"):
                parameters["FRIENDLY_DEVICE_NAME"] = user.totp["device"]
            return await self._challenge(call, client, user, "SOFTWARE_TOKEN_MFA", parameters)
        if pool.mfa == "ON":
            parameters = {"MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]', "USER_ID_FOR_SRP": user.username}
            return await self._challenge(call, client, user, "MFA_SETUP", parameters)
        return await self._complete(call, client, pool, user)

    async def _challenge(
        self, call: Call, client: AppClient, user: User, name: str, parameters: dict[str, str]
    ) -> Result:
        """The next challenge. What was answered so far was right, so it does not count as a failed attempt."""

        def work(connection: sqlite3.Connection) -> str:
            limits.undo_sign_in(connection, user.subject)
            expires = call.now + client.challenge_lifetime
            return sessions.open_session(connection, Session(client.id, user.sub, name), expires)

        token = await self.database.write(work)
        return {"ChallengeName": name, "Session": token, "ChallengeParameters": parameters}

    async def _complete(
        self, call: Call, client: AppClient, pool: Pool, user: User, session: str | None = None
    ) -> Result:
        """Writes the grant of a finished sign-in and returns its tokens; closes the session that led to it."""
        refresh_token = tokens.new_refresh_token()
        grant = grants.new(client, user.sub, refresh_token, call.now)

        def work(connection: sqlite3.Connection) -> AwsError | None:
            current = users.get(connection, user.sub)
            if current is None or not current.enabled or current.verifier != user.verifier:
                return wrong_password()
            if current.status != users.CONFIRMED:
                return invalid_session()
            if session is not None:
                if sessions.find(connection, session, call.now) is None:
                    return invalid_session()
                sessions.close(connection, session)
            limits.forget(connection, user.subject, "sign-in")
            grants.store(connection, grant)
            return None

        await self.decide(work)
        result = self._tokens(pool, client, user, grant, call)
        return {"ChallengeParameters": {}, "AuthenticationResult": {**result, "RefreshToken": refresh_token}}

    def _session(self, call: Call, client: AppClient, challenge: str) -> tuple[str, User]:
        """The session that the request goes on with, and its user; NotAuthorizedException unless it fits."""
        token = call.params.get("Session")
        if not token:
            raise invalid_parameter("Missing required parameter Session")
        session = sessions.find(self.database.reader, token, call.now)
        if session is None or (session.client_id, session.challenge) != (client.id, challenge):
            raise invalid_session()
        user = users.get(self.database.reader, session.sub)
        if user is None or not user.enabled:
            raise invalid_session()
        return token, user

    async def _verify_totp(self, call: Call, client: AppClient, pool: Pool, given: dict[str, str]) -> Result:
        _require(given, "SOFTWARE_TOKEN_MFA_CODE")
        session, user = self._session(call, client, "SOFTWARE_TOKEN_MFA")
        _check_same_user(pool, user, given["USERNAME"])

        def use_code(connection: sqlite3.Connection) -> User | AwsError:
            locked = limits.begin_sign_in(connection, user.subject, call.now)
            if locked:
                return locked
            current = users.get(connection, user.sub)
            if current is None or not current.has_totp:
                return invalid_session()
            step = totp.matching_step(current.totp["secret"], given["SOFTWARE_TOKEN_MFA_CODE"], call.now)
            if step is None:
                return code_mismatch("Invalid code received for user")
            if step <= current.totp["used"]:
                return AwsError("ExpiredCodeException", "Your software token has already been used once.")
            current = replace(current, totp={**current.totp, "used": step})
            return users.store(connection, pool, current, call.now) or current

        return await self._complete(call, client, pool, await self.decide(use_code), session)

    async def _take_new_password(self, call: Call, client: AppClient, pool: Pool, given: dict[str, str]) -> Result:
        _require(given, "NEW_PASSWORD")
        session, user = self._session(call, client, "NEW_PASSWORD_REQUIRED")
        _check_same_user(pool, user, given["USERNAME"])
        passwords.check_policy(pool.password_policy, given["NEW_PASSWORD"])
        prefix = "userAttributes."
        changed = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
        attributes.check_writable(client.writable(pool), list(changed))
        attributes.check_values(pool.schema, changed, changing=True)
        attributes.check_required(pool.schema, {**user.attributes, **changed})
        if "email" in changed:
            changed["email_verified"] = "false"
        verifier = await self.compute(srp.new_verifier, pool.srp_name, user.username, given["NEW_PASSWORD"])

        def work(connection: sqlite3.Connection) -> User | AwsError:
            current = users.get(connection, user.sub)
            if current is None or sessions.find(connection, session, call.now) is None:
                return invalid_session()
            sessions.close_all(connection, user.sub)
            current = replace(current, status=users.CONFIRMED, verifier=verifier, password_expires=None)
            current = current.with_attributes(changed)
            return users.store(connection, pool, current, call.now) or current

        return await self._ask_second_factor(call, client, pool, await self.decide(work))

    async def _finish_mfa_setup(self, call: Call, client: AppClient, pool: Pool) -> Result:
        session, user = self._session(call, client, "MFA_SETUP verified")
        return await self._complete(call, client, pool, user, session)

    # ---- refresh ----------------------------------------------------------------------------------------------------

    async def _refresh(self, call: Call, client: AppClient, pool: Pool, given: dict[str, str]) -> Result:
        if not client.allows("ALLOW_REFRESH_TOKEN_AUTH"):
            raise invalid_parameter("Auth flow not enabled for this client")
        if client.rotation_grace is not None:
            raise invalid_parameter("Refresh token rotation is enabled: use GetTokensFromRefreshToken.")
        _require(given, "REFRESH_TOKEN")
        grant, user = self._grant(client, given["REFRESH_TOKEN"], call.now)
        if client.secret is not None and not any(
            _secret_hash_fits(client, name, given.get("SECRET_HASH")) for name in (user.username, user.sub, user.email)
        ):
            raise not_authorized(f"Unable to verify secret hash for client {client.id}")
        return {"ChallengeParameters": {}, "AuthenticationResult": self._tokens(pool, client, user, grant, call)}

    @public("GetTokensFromRefreshToken")
    async def get_tokens_from_refresh_token(self, call: Call) -> Result:
        client, pool = self.client(call.params["ClientId"])
        check_client_secret(client, call.params.get("ClientSecret"))
        token = call.params["RefreshToken"]
        grant, user = self._grant(client, token, call.now)
        grace = client.rotation_grace
        if grace is None:
            return {"AuthenticationResult": self._tokens(pool, client, user, grant, call)}
        fresh = tokens.new_refresh_token()

        def rotate(connection: sqlite3.Connection) -> AwsError | None:
            current = grants.of_refresh_token(connection, token)
            refused = _why_refused(current, client, token, call.now)
            if current is None or refused:
                return refused or _invalid_refresh_token()
            grants.store(connection, grants.rotated(current, fresh, grace, call.now))
            return None

        await self.decide(rotate)
        return {"AuthenticationResult": {**self._tokens(pool, client, user, grant, call), "RefreshToken": fresh}}

    def _grant(self, client: AppClient, token: str, now: float) -> tuple[grants.Grant, User]:
        grant = grants.of_refresh_token(self.database.reader, token)
        refused = _why_refused(grant, client, token, now)
        if grant is None or refused:
            raise refused or _invalid_refresh_token()
        user = users.get(self.database.reader, grant.sub)
        if user is None:
            raise _invalid_refresh_token()
        if not user.enabled:
            raise not_authorized("User is disabled.")
        return grant, user

    def _tokens(self, pool: Pool, client: AppClient, user: User, grant: grants.Grant, call: Call) -> dict[str, Any]:
        by = issuer(pool, call.request, self.around.addresses)
        return {
            "AccessToken": tokens.access_token(pool, client, user, grant, by, call.request_id, call.now),
            "IdToken": tokens.id_token(pool, client, user, grant, by, call.request_id, call.now),
            "ExpiresIn": client.lifetime("AccessToken"),
            "TokenType": "Bearer",
        }


def _why_refused(grant: grants.Grant | None, client: AppClient, token: str, now: float) -> AwsError | None:
    if grant is None or grant.client_id != client.id:
        return _invalid_refresh_token()
    if grant.revoked:
        return not_authorized("Refresh Token has been revoked")
    if grant.refresh_expires <= now:
        return not_authorized("Refresh Token has expired")
    if grant.refresh != grants.digest(token) and grant.rotated_until <= now:
        return _invalid_refresh_token()
    return None


def _invalid_refresh_token() -> AwsError:
    return not_authorized("Invalid Refresh Token")


def _why_not_let_in(user: User, now: float) -> AwsError | None:
    """Why somebody who knows the password may not come in all the same."""
    if not user.enabled:
        return not_authorized("User is disabled.")
    if user.status == users.UNCONFIRMED:
        return AwsError("UserNotConfirmedException", "User is not confirmed.")
    if user.status == users.RESET_REQUIRED:
        return AwsError("PasswordResetRequiredException", "Password reset required for the user")
    if (
        user.status == users.FORCE_CHANGE_PASSWORD
        and user.password_expires is not None
        and user.password_expires <= now
    ):
        return not_authorized("Temporary password has expired and must be reset by an administrator.")
    return None


def check_client_secret(client: AppClient, given: str | None) -> None:
    """Raises NotAuthorizedException unless `given` is the client's secret (or neither is there)."""
    if (client.secret is None) != (given is None):
        raise not_authorized("Client is not authorized: its secret must be given exactly where it has one.")
    if client.secret is not None and given is not None and not hmac.compare_digest(client.secret, given):
        raise not_authorized("Invalid client secret.")


def _secret_hash_fits(client: AppClient, name: str | None, given: str | None) -> bool:
    try:
        client.check_secret_hash(name or "", given)
    except AwsError:
        return False
    return True


def _no_secret_hash(client: AppClient) -> str:
    return f"Client {client.id} is configured with secret but SECRET_HASH was not received"


def _require(given: dict[str, str], *names: str) -> None:
    for name in names:
        if not given.get(name):
            raise invalid_parameter(f"Missing required parameter {name}")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong_password() from error


def _check_same_user(pool: Pool, user: User, name: str) -> None:
    if pool.canonical(name) not in users.names_of(pool, user):
        raise invalid_session()


def _new_password_parameters(pool: Pool, user: User) -> dict[str, str]:
    """ChallengeParameters of NEW_PASSWORD_REQUIRED: two JSON texts, what is known and what is missing."""
    required = [entry["Name"] for entry in pool.schema if entry["Required"] and entry["Name"] != "sub"]
    missing = [f"userAttributes.{name}" for name in required if not user.attributes.get(name)]
    return {
        "USER_ID_FOR_SRP": user.username,
        "userAttributes": json.dumps(user.attributes),
        "requiredAttributes": json.dumps(missing),
    }
