"""Software tokens, with pyotp as the authenticator app."""

from typing import Any

import pyotp
import pytest

ALICE = "alice@example.com"
PASSWORD = "Correct-horse-7-battery"


@pytest.fixture
async def people(make_people: Any, api: Any) -> Any:
    people = await make_people()
    await api(
        "SetUserPoolMfaConfig",
        UserPoolId=people.pool_id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    await people.confirmed()
    return people


async def enrolled(people: Any) -> tuple[pyotp.TOTP, str]:
    """The user's app, and an access token; the code of the current 30 seconds is used up."""
    api = people.api
    token = (await people.tokens())["AccessToken"]
    app = pyotp.TOTP((await api("AssociateSoftwareToken", AccessToken=token))["SecretCode"])
    verified = await api("VerifySoftwareToken", AccessToken=token, UserCode=app.at(int(api.clock.now())))
    assert verified == {"Status": "SUCCESS"}
    settings = {"Enabled": True, "PreferredMfa": True}
    await api("SetUserMFAPreference", AccessToken=token, SoftwareTokenMfaSettings=settings)
    return app, token


def answer(people: Any, session: str, code: str, name: str = ALICE) -> Any:
    return people.api(
        "RespondToAuthChallenge",
        ClientId=people.client_id,
        ChallengeName="SOFTWARE_TOKEN_MFA",
        Session=session,
        ChallengeResponses={"USERNAME": name, "SOFTWARE_TOKEN_MFA_CODE": code},
    )


async def test_given_an_enrolled_user_then_password_and_code_together_sign_in(
    people: Any, api: Any, clock: Any
) -> None:
    app, token = await enrolled(people)
    assert (await api("GetUser", AccessToken=token))["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    clock.advance(30)
    challenge = await people.sign_in()
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert "AuthenticationResult" not in challenge
    result = await answer(people, challenge["Session"], app.at(int(clock.now())))
    assert result["AuthenticationResult"]["IdToken"]


async def test_given_a_code_that_was_used_then_it_is_refused_also_after_a_restart(
    people: Any, api: Any, clock: Any, refused: Any
) -> None:
    app, _ = await enrolled(people)
    used = ("ExpiredCodeException", "Your software token has already been used once.")
    assert await refused(answer(people, (await people.sign_in())["Session"], app.at(int(clock.now())))) == used
    clock.advance(30)
    code = app.at(int(clock.now()))
    assert await answer(people, (await people.sign_in())["Session"], code)
    session = (await people.sign_in())["Session"]
    await api.restart()
    assert await refused(answer(people, session, code)) == used


async def test_given_guessed_codes_then_the_lockout_of_sign_in_begins(people: Any, clock: Any, refused: Any) -> None:
    app, _ = await enrolled(people)
    clock.advance(30)
    right = app.at(int(clock.now()))
    wrong = [code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code != right]
    session = (await people.sign_in())["Session"]
    for guess in wrong[:5]:
        assert await refused(answer(people, session, guess)) == (
            "CodeMismatchException",
            "Invalid code received for user",
        )
    exceeded = ("NotAuthorizedException", "Password attempts exceeded")
    assert await refused(answer(people, session, right)) == exceeded
    assert await refused(people.sign_in()) == exceeded
    clock.advance(1.1)
    assert await answer(people, session, right)


async def test_given_a_session_then_it_is_one_client_s_one_user_s_one_use_s_and_three_minutes_long(
    people: Any, api: Any, clock: Any, refused: Any
) -> None:
    app, _ = await enrolled(people)
    await people.confirmed("bob@example.com")
    clock.advance(30)
    code = app.at(int(clock.now()))
    invalid = ("NotAuthorizedException", "Invalid session for the user.")
    session = (await people.sign_in())["Session"]
    assert await refused(answer(people, "x" * 64, code)) == invalid
    assert await refused(answer(people, session, code, "bob@example.com")) == invalid
    mine, people.client_id = (
        people.client_id,
        (await api("CreateUserPoolClient", UserPoolId=people.pool_id, ClientName="other"))["UserPoolClient"][
            "ClientId"
        ],
    )
    assert await refused(answer(people, session, code)) == invalid
    people.client_id = mine
    assert await answer(people, session, code)
    assert await refused(answer(people, session, code)) == invalid
    session = (await people.sign_in())["Session"]
    clock.advance(180)
    assert await refused(answer(people, session, app.at(int(clock.now())))) == invalid


async def test_given_a_changed_password_then_sign_ins_under_way_with_the_old_one_end(
    people: Any, api: Any, clock: Any, refused: Any
) -> None:
    app, token = await enrolled(people)
    clock.advance(30)
    session = (await people.sign_in())["Session"]
    await api(
        "ChangePassword", AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="Another-horse-8-battery"
    )
    assert (await refused(answer(people, session, app.at(int(clock.now())))))[1] == "Invalid session for the user."


async def test_given_a_wrong_code_then_the_app_is_not_enrolled(people: Any, api: Any, refused: Any) -> None:
    token = (await people.tokens())["AccessToken"]
    secret = (await api("AssociateSoftwareToken", AccessToken=token))["SecretCode"]
    right = pyotp.TOTP(secret).at(int(api.clock.now()))
    verify = api("VerifySoftwareToken", AccessToken=token, UserCode="000000" if right != "000000" else "000001")
    assert (await refused(verify))[0] == "EnableSoftwareTokenMFAException"
    enable = api("SetUserMFAPreference", AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True})
    assert await refused(enable) == ("InvalidParameterException", "User has not verified software token mfa")
    assert await people.tokens()


async def test_given_a_second_app_then_the_first_counts_until_the_second_is_verified(
    people: Any, api: Any, clock: Any
) -> None:
    app, token = await enrolled(people)
    await api("AssociateSoftwareToken", AccessToken=token)
    clock.advance(30)
    assert await answer(people, (await people.sign_in())["Session"], app.at(int(clock.now())))


async def test_given_a_pool_that_requires_mfa_then_the_first_sign_in_sets_it_up(
    people: Any, api: Any, clock: Any, refused: Any
) -> None:
    await api(
        "SetUserPoolMfaConfig",
        UserPoolId=people.pool_id,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    challenge = await people.sign_in()
    assert challenge["ChallengeName"] == "MFA_SETUP"
    assert challenge["ChallengeParameters"]["MFAS_CAN_SETUP"] == '["SOFTWARE_TOKEN_MFA"]'

    def finish(session: str) -> Any:
        return api(
            "RespondToAuthChallenge",
            ClientId=people.client_id,
            ChallengeName="MFA_SETUP",
            Session=session,
            ChallengeResponses={"USERNAME": ALICE},
        )

    assert (await refused(finish(challenge["Session"])))[1] == "Invalid session for the user."
    associated = await api("AssociateSoftwareToken", Session=challenge["Session"])
    assert (await refused(finish(associated["Session"])))[1] == "Invalid session for the user."
    app = pyotp.TOTP(associated["SecretCode"])
    verified = await api("VerifySoftwareToken", Session=associated["Session"], UserCode=app.at(int(clock.now())))
    assert (await finish(verified["Session"]))["AuthenticationResult"]["AccessToken"]
    clock.advance(30)
    again = await people.sign_in()
    assert again["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert await answer(people, again["Session"], app.at(int(clock.now())))


async def test_given_a_pool_without_mfa_then_there_is_nothing_to_associate(
    make_people: Any, api: Any, refused: Any
) -> None:
    people = await make_people()
    await people.confirmed("carol@example.com")
    token = (await people.tokens("carol@example.com"))["AccessToken"]
    assert (await refused(api("AssociateSoftwareToken", AccessToken=token)))[0] == "SoftwareTokenMFANotFoundException"
