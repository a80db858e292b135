"""Signing in with a password: what is asked, what is refused, and how often somebody may try."""

import base64
import hashlib
import hmac
import html
import re
from typing import Any

import pytest

WRONG = ("NotAuthorizedException", "Incorrect username or password.")
EXCEEDED = ("NotAuthorizedException", "Password attempts exceeded")
PASSWORD = "Correct-horse-7-battery"
ALICE = "alice@example.com"


async def test_given_a_wrong_password_then_the_answer_does_not_say_what_is_wrong(people: Any, refused: Any) -> None:
    await people.confirmed()
    assert await refused(people.sign_in(ALICE, "Wrong-horse-7-battery")) == WRONG


async def test_given_an_unconfirmed_user_then_only_the_right_password_learns_of_it(people: Any, refused: Any) -> None:
    await people.sign_up()
    assert await refused(people.sign_in(ALICE, "Wrong-horse-7-battery")) == WRONG
    assert await refused(people.sign_in()) == ("UserNotConfirmedException", "User is not confirmed.")


async def test_given_a_disabled_user_then_nobody_comes_in_until_they_are_enabled(
    people: Any, api: Any, refused: Any
) -> None:
    await people.confirmed()
    await api("AdminDisableUser", UserPoolId=people.pool_id, Username=ALICE)
    assert await refused(people.sign_in()) == ("NotAuthorizedException", "User is disabled.")
    await api("AdminEnableUser", UserPoolId=people.pool_id, Username=ALICE)
    assert await people.tokens()


class TestLockout:
    """Developer Guide, "Lockout behavior for failed sign-in attempts": after n >= 5 failures, 2**(n-5) seconds."""

    async def fail(self, people: Any, refused: Any, times: int) -> None:
        for _ in range(times):
            assert await refused(people.sign_in(ALICE, "Wrong-horse-7-battery")) == WRONG

    async def test_given_five_failures_then_even_the_right_password_waits_a_second(
        self, people: Any, clock: Any, refused: Any
    ) -> None:
        await people.confirmed()
        await self.fail(people, refused, 5)
        assert await refused(people.sign_in()) == EXCEEDED
        clock.advance(0.9)
        assert await refused(people.sign_in()) == EXCEEDED
        clock.advance(0.2)
        assert await people.tokens()

    async def test_given_more_failures_then_the_lockout_doubles_up_to_fifteen_minutes(
        self, people: Any, clock: Any, refused: Any
    ) -> None:
        await people.confirmed()
        await self.fail(people, refused, 5)
        for failures in range(6, 20):
            lockout = min(2.0 ** (failures - 1 - 5), 900.0)
            clock.advance(lockout - 0.1)
            assert await refused(people.sign_in()) == EXCEEDED, failures
            clock.advance(0.2)
            await self.fail(people, refused, 1)

    async def test_given_a_lockout_then_attempts_during_it_change_nothing_and_a_restart_neither(
        self, people: Any, api: Any, clock: Any, refused: Any
    ) -> None:
        await people.confirmed()
        await self.fail(people, refused, 5)
        for _ in range(3):
            assert await refused(people.sign_in()) == EXCEEDED
        await api.restart()
        assert await refused(people.sign_in()) == EXCEEDED
        clock.advance(1.1)
        await self.fail(people, refused, 1)
        clock.advance(1.9)
        assert await refused(people.sign_in()) == EXCEEDED
        clock.advance(0.2)
        assert await people.tokens()

    async def test_given_fifteen_quiet_minutes_then_everything_is_forgotten(
        self, people: Any, clock: Any, refused: Any
    ) -> None:
        await people.confirmed()
        await self.fail(people, refused, 5)
        clock.advance(902)
        await self.fail(people, refused, 4)
        assert await people.tokens()

    async def test_given_a_successful_sign_in_then_the_count_starts_afresh(self, people: Any, refused: Any) -> None:
        await people.confirmed()
        for _ in range(3):
            await self.fail(people, refused, 4)
            assert await people.tokens()


class TestSrpExchange:
    async def test_given_an_answer_that_was_used_then_it_opens_nothing_again(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        srp = people.srp(ALICE, PASSWORD)
        started = await people.start_srp(srp)
        answers = srp.process_challenge(started["ChallengeParameters"], srp.get_auth_params())
        request = {
            "ClientId": people.client_id,
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": answers,
        }
        assert (await api("RespondToAuthChallenge", **request))["AuthenticationResult"]
        assert await refused(api("RespondToAuthChallenge", **request)) == WRONG

    async def test_given_three_minutes_then_the_challenge_has_expired(
        self, people: Any, clock: Any, refused: Any
    ) -> None:
        await people.confirmed()
        srp = people.srp(ALICE, PASSWORD)
        started = await people.start_srp(srp)
        clock.advance(181)
        assert await refused(people.answer_srp(srp, started)) == WRONG

    async def test_given_another_client_of_the_pool_then_the_challenge_is_not_its_own(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        srp = people.srp(ALICE, PASSWORD)
        started = await people.start_srp(srp)
        other = await api("CreateUserPoolClient", UserPoolId=people.pool_id, ClientName="other")
        people.client_id = other["UserPoolClient"]["ClientId"]
        assert await refused(people.answer_srp(srp, started)) == WRONG

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("PASSWORD_CLAIM_SIGNATURE", base64.b64encode(bytes(32)).decode()),
            ("PASSWORD_CLAIM_SIGNATURE", "not base64!"),
            ("PASSWORD_CLAIM_SIGNATURE", "é"),
            ("PASSWORD_CLAIM_SECRET_BLOCK", base64.b64encode(bytes(300)).decode()),
            ("PASSWORD_CLAIM_SECRET_BLOCK", "AA=="),
            ("USERNAME", "bob@example.com"),
        ],
    )
    async def test_given_a_forged_answer_then_nobody_comes_in(
        self, people: Any, api: Any, refused: Any, parameter: str, value: str
    ) -> None:
        await people.confirmed()
        await people.confirmed("bob@example.com")
        srp = people.srp(ALICE, PASSWORD)
        started = await people.start_srp(srp)
        answers = {**srp.process_challenge(started["ChallengeParameters"], srp.get_auth_params()), parameter: value}
        request = {"ClientId": people.client_id, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answers}
        assert await refused(api("RespondToAuthChallenge", **request)) == WRONG

    async def test_given_a_zero_a_then_there_is_no_exchange(self, people: Any, api: Any, refused: Any) -> None:
        await people.confirmed()
        request = {
            "ClientId": people.client_id,
            "AuthFlow": "USER_SRP_AUTH",
            "AuthParameters": {"USERNAME": ALICE, "SRP_A": "0"},
        }
        assert (await refused(api("InitiateAuth", **request)))[0] == "InvalidParameterException"

    @pytest.mark.parametrize("missing", ["USERNAME", "SRP_A"])
    async def test_given_a_missing_parameter_then_it_is_named(
        self, people: Any, api: Any, refused: Any, missing: str
    ) -> None:
        given = {"USERNAME": ALICE, "SRP_A": "2"}
        del given[missing]
        request = {"ClientId": people.client_id, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": given}
        assert await refused(api("InitiateAuth", **request)) == (
            "InvalidParameterException",
            f"Missing required parameter {missing}",
        )

    async def test_given_a_timestamp_in_another_language_then_the_form_is_named(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        request = {
            "ClientId": people.client_id,
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": {
                "USERNAME": ALICE,
                "PASSWORD_CLAIM_SIGNATURE": "AA==",
                "PASSWORD_CLAIM_SECRET_BLOCK": "AA==",
                "TIMESTAMP": "lun. 23 nov. 2026",
            },
        }
        assert await refused(api("RespondToAuthChallenge", **request)) == (
            "InvalidParameterException",
            "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.",
        )


class TestFlows:
    async def password_auth(self, people: Any, password: str = PASSWORD) -> Any:
        return await people.api(
            "InitiateAuth",
            ClientId=people.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": ALICE, "PASSWORD": password},
        )

    async def test_given_a_client_without_it_then_a_password_in_the_request_is_refused(
        self, people: Any, refused: Any
    ) -> None:
        await people.confirmed()
        assert await refused(self.password_auth(people)) == (
            "InvalidParameterException",
            "USER_PASSWORD_AUTH flow not enabled for this client",
        )

    async def test_given_a_client_with_it_then_the_password_is_checked_by_its_verifier(
        self, make_people: Any, refused: Any
    ) -> None:
        people = await make_people(client={"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]})
        await people.confirmed()
        assert (await self.password_auth(people))["AuthenticationResult"]["IdToken"]
        for _ in range(5):
            assert await refused(self.password_auth(people, "Wrong-horse-7-battery")) == WRONG
        assert await refused(self.password_auth(people)) == EXCEEDED
        srp = people.srp(ALICE, PASSWORD)
        assert (await refused(people.start_srp(srp)))[0] == "InvalidParameterException"

    @pytest.mark.parametrize("flow", ["ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH", "CUSTOM_AUTH", "USER_AUTH"])
    async def test_given_another_flow_then_it_is_refused(self, people: Any, api: Any, refused: Any, flow: str) -> None:
        request = {"ClientId": people.client_id, "AuthFlow": flow, "AuthParameters": {"USERNAME": ALICE}}
        code, message = await refused(api("InitiateAuth", **request))
        assert code in ("InvalidParameterException", "NotImplemented")
        assert message

    async def test_given_an_unknown_client_then_it_is_named(self, people: Any, api: Any, refused: Any) -> None:
        request = {"ClientId": "nobody", "AuthFlow": "USER_SRP_AUTH", "AuthParameters": {}}
        assert await refused(api("InitiateAuth", **request)) == (
            "ResourceNotFoundException",
            "User pool client nobody does not exist.",
        )


class TestClientSecret:
    @pytest.fixture
    async def people(self, make_people: Any) -> Any:
        return await make_people(client={"GenerateSecret": True})

    def secret_hash(self, people: Any, name: str = ALICE) -> str:
        mac = hmac.new(people.client["ClientSecret"].encode(), (name + people.client_id).encode(), hashlib.sha256)
        return base64.b64encode(mac.digest()).decode()

    async def test_given_a_client_with_a_secret_then_pycognito_s_hash_is_taken(self, people: Any, api: Any) -> None:
        await people.sign_up(SecretHash=self.secret_hash(people))
        await api(
            "ConfirmSignUp",
            ClientId=people.client_id,
            Username=ALICE,
            ConfirmationCode=api.last_code(),
            SecretHash=self.secret_hash(people),
        )
        assert await people.tokens()

    async def test_given_no_or_a_wrong_hash_then_the_request_is_refused(self, people: Any, refused: Any) -> None:
        wanted = ("NotAuthorizedException", f"Unable to verify secret hash for client {people.client_id}")
        assert await refused(people.sign_up()) == wanted
        assert await refused(people.sign_up(SecretHash=self.secret_hash(people, "bob@example.com"))) == wanted
        assert await refused(people.start_srp(people.srp(ALICE, PASSWORD))) == (
            "NotAuthorizedException",
            f"Client {people.client_id} is configured with secret but SECRET_HASH was not received",
        )


class TestNewPasswordRequired:
    async def invited(self, people: Any, **more: Any) -> str:
        await people.api(
            "AdminCreateUser",
            UserPoolId=people.pool_id,
            Username=ALICE,
            TemporaryPassword="Temporary-7-word",
            UserAttributes=[{"Name": "email", "Value": ALICE}, {"Name": "email_verified", "Value": "true"}],
            **more,
        )
        return "Temporary-7-word"

    async def test_given_a_temporary_password_then_a_new_one_is_asked_for_and_then_there_are_tokens(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        challenge = await people.sign_in(ALICE, await self.invited(people))
        assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
        answer = {
            "ClientId": people.client_id,
            "ChallengeName": "NEW_PASSWORD_REQUIRED",
            "Session": challenge["Session"],
            "ChallengeResponses": {"USERNAME": ALICE, "NEW_PASSWORD": "weak"},
        }
        assert (await refused(api("RespondToAuthChallenge", **answer)))[0] == "InvalidPasswordException"
        answer["ChallengeResponses"] = {"USERNAME": ALICE, "NEW_PASSWORD": PASSWORD}
        assert (await api("RespondToAuthChallenge", **answer))["AuthenticationResult"]["AccessToken"]
        assert (await refused(api("RespondToAuthChallenge", **answer)))[1] == "Invalid session for the user."
        assert await people.tokens()
        assert await refused(people.sign_in(ALICE, "Temporary-7-word")) == WRONG

    async def test_given_three_days_then_the_temporary_password_has_expired(
        self, people: Any, clock: Any, refused: Any
    ) -> None:
        temporary = await self.invited(people)
        clock.advance(3 * 86_400)
        assert await refused(people.sign_in(ALICE, temporary)) == (
            "NotAuthorizedException",
            "Temporary password has expired and must be reset by an administrator.",
        )

    async def test_given_an_invitation_then_the_mail_has_a_password_that_works(self, people: Any, api: Any) -> None:
        await api("AdminCreateUser", UserPoolId=people.pool_id, Username=ALICE)
        mail = api.mails()[-1]
        assert mail["To"] == ALICE
        password = re.search(r"temporary password is (\S+)\.", mail.get_content())
        assert password
        assert (await people.sign_in(ALICE, html.unescape(password.group(1))))[
            "ChallengeName"
        ] == "NEW_PASSWORD_REQUIRED"
