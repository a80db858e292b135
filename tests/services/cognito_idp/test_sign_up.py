"""Signing up: names, attributes, policies, the triggers, and the code that proves an address."""

import asyncio
import json
from typing import Any

import pytest

from stratus.wire.errors import AwsError

ALICE = "alice@example.com"
PASSWORD = "Correct-horse-7-battery"


class TestNames:
    @pytest.mark.parametrize("again", ["alice@example.com", "ALICE@example.com", "Alice@Example.COM"])
    async def test_given_a_taken_address_then_it_is_taken_in_any_case(
        self, people: Any, refused: Any, again: str
    ) -> None:
        await people.sign_up()
        assert await refused(people.sign_up(again)) == (
            "UsernameExistsException",
            "An account with the given email already exists.",
        )

    @pytest.mark.parametrize(
        "name",
        [
            "alice",
            "alice@",
            "@example.com",
            "a b@example.com",
            "ａｌｉｃｅ@example.com",
            "alice@exämple.com",
            "a@b@c",
            "a@b\n",
        ],
    )
    async def test_given_a_name_that_is_no_address_then_it_is_refused(
        self, people: Any, refused: Any, name: str
    ) -> None:
        assert (await refused(people.sign_up(name)))[0] == "InvalidParameterException"

    @pytest.mark.parametrize("look_alike", ["Alice", "ａlice", "aliⅽe", "𝐚lice", "alıce".replace("ı", "ⅰ")])
    async def test_given_plain_user_names_then_look_alikes_are_the_same_name(
        self, make_people: Any, refused: Any, look_alike: str
    ) -> None:
        people = await make_people(pool={"UsernameAttributes": [], "UserAttributeUpdateSettings": {}})
        await people.sign_up("alice", UserAttributes=[{"Name": "email", "Value": ALICE}])
        assert await refused(people.sign_up(look_alike)) == ("UsernameExistsException", "User already exists")

    async def test_given_an_e_mail_alias_then_only_a_verified_one_signs_in_and_only_once(
        self, make_people: Any, api: Any, refused: Any
    ) -> None:
        people = await make_people(pool={"UsernameAttributes": [], "AliasAttributes": ["email"]})
        address = [{"Name": "email", "Value": ALICE}]
        assert (await refused(people.sign_up(ALICE, UserAttributes=address)))[1] == (
            "Username cannot be of email format, since user pool is configured for email alias."
        )
        await people.sign_up("alice", UserAttributes=address)
        first_code = api.last_code()
        await people.sign_up("mallory", UserAttributes=address)
        second_code = api.last_code()
        assert (await refused(people.sign_in(ALICE)))[0] == "NotAuthorizedException"
        await api("ConfirmSignUp", ClientId=people.client_id, Username="alice", ConfirmationCode=first_code)
        assert await people.tokens(ALICE)
        confirm = api("ConfirmSignUp", ClientId=people.client_id, Username="mallory", ConfirmationCode=second_code)
        assert (await refused(confirm))[0] == "AliasExistsException"


class TestPasswordPolicy:
    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("Short-7-word", None),
            ("Short-7-wor", "Password not long enough"),
            ("nocapital-7-here", "Password must have uppercase characters"),
            ("NOSMALL-7-LETTER", "Password must have lowercase characters"),
            ("No-number-in-here", "Password must have numeric characters"),
            ("NoSymbol7inHere", "Password must have symbol characters"),
        ],
    )
    async def test_given_a_policy_then_what_a_password_misses_is_named(
        self, people: Any, refused: Any, password: str, reason: str | None
    ) -> None:
        if reason is None:
            assert (await people.sign_up(password=password))["UserSub"]
        else:
            assert await refused(people.sign_up(password=password)) == (
                "InvalidPasswordException",
                f"Password did not conform with policy: {reason}",
            )


class TestAttributes:
    @pytest.mark.parametrize("name", ["email_verified", "name", "custom:rank", "sub", "dev:x"])
    async def test_given_an_attribute_that_the_client_may_not_write_then_it_is_refused(
        self, people: Any, refused: Any, name: str
    ) -> None:
        asked = people.sign_up(UserAttributes=[{"Name": name, "Value": "true"}])
        assert await refused(asked) == ("NotAuthorizedException", "A client attempted to write unauthorized attribute")

    async def test_given_a_required_attribute_then_sign_up_needs_it(self, make_people: Any, refused: Any) -> None:
        schema = [{"Name": "name", "Required": True, "Mutable": True, "AttributeDataType": "String"}]
        people = await make_people(pool={"Schema": schema}, client={"WriteAttributes": ["email", "name"]})
        assert await refused(people.sign_up()) == (
            "InvalidParameterException",
            "Attributes did not conform to the schema: name: The attribute is required\n",
        )

    async def test_given_a_custom_attribute_then_its_limits_hold_and_it_comes_back_in_the_id_token(
        self, make_people: Any, api: Any, refused: Any
    ) -> None:
        import jwt

        schema = [
            {
                "Name": "rank",
                "AttributeDataType": "Number",
                "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "9"},
            }
        ]
        people = await make_people(
            pool={"Schema": schema},
            client={"WriteAttributes": ["email", "custom:rank"], "ReadAttributes": ["email", "custom:rank"]},
        )
        for value in ("0", "10", "x", "1e1", "9" * 30):
            asked = people.sign_up(UserAttributes=[{"Name": "custom:rank", "Value": value}])
            assert (await refused(asked))[0] == "InvalidParameterException"
        await people.sign_up(UserAttributes=[{"Name": "custom:rank", "Value": "7"}])
        await api("ConfirmSignUp", ClientId=people.client_id, Username=ALICE, ConfirmationCode=api.last_code())
        claims = jwt.decode((await people.tokens())["IdToken"], options={"verify_signature": False})
        assert claims["custom:rank"] == "7"


class TestCodes:
    def confirm(self, people: Any, code: str) -> Any:
        return people.api("ConfirmSignUp", ClientId=people.client_id, Username=ALICE, ConfirmationCode=code)

    def wrong(self, people: Any) -> str:
        return "000000" if people.api.last_code() != "000000" else "000001"

    async def test_given_a_wrong_code_then_five_tries_an_hour_are_all(
        self, people: Any, api: Any, clock: Any, refused: Any
    ) -> None:
        await people.sign_up()
        right = api.last_code()
        for _ in range(5):
            assert await refused(self.confirm(people, self.wrong(people))) == (
                "CodeMismatchException",
                "Invalid verification code provided, please try again.",
            )
        exceeded = ("LimitExceededException", "Attempt limit exceeded, please try after some time.")
        assert await refused(self.confirm(people, right)) == exceeded
        await api.restart()
        await api("ResendConfirmationCode", ClientId=people.client_id, Username=ALICE)
        assert await refused(self.confirm(people, api.last_code())) == exceeded
        clock.advance(3600)
        assert await self.confirm(people, api.last_code()) == {}

    async def test_given_parallel_guesses_then_they_share_the_tries(self, people: Any, refused: Any) -> None:
        await people.sign_up()
        guesses = [refused(self.confirm(people, self.wrong(people))) for _ in range(20)]
        codes = [code for code, _ in await asyncio.gather(*guesses)]
        assert sorted(codes) == ["CodeMismatchException"] * 5 + ["LimitExceededException"] * 15

    async def test_given_a_day_then_the_code_has_expired(self, people: Any, api: Any, clock: Any, refused: Any) -> None:
        await people.sign_up()
        clock.advance(86_400)
        assert await refused(self.confirm(people, api.last_code())) == (
            "ExpiredCodeException",
            "Invalid code provided, please request a code again.",
        )

    async def test_given_a_new_code_then_the_old_one_is_worth_nothing(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.sign_up()
        old = api.last_code()
        await api("ResendConfirmationCode", ClientId=people.client_id, Username=ALICE)
        if api.last_code() != old:
            assert (await refused(self.confirm(people, old)))[0] == "CodeMismatchException"
        assert await self.confirm(people, api.last_code()) == {}

    async def test_given_an_hour_then_five_mails_are_all(self, people: Any, api: Any, clock: Any, refused: Any) -> None:
        await people.sign_up()
        for _ in range(4):
            await api("ResendConfirmationCode", ClientId=people.client_id, Username=ALICE)
        again = {"ClientId": people.client_id, "Username": ALICE}
        assert (await refused(api("ResendConfirmationCode", **again)))[0] == "LimitExceededException"
        clock.advance(3600)
        assert await api("ResendConfirmationCode", **again)

    async def test_given_a_confirmed_user_then_confirming_again_is_refused(self, people: Any, refused: Any) -> None:
        await people.confirmed()
        assert await refused(self.confirm(people, "123456")) == (
            "NotAuthorizedException",
            "User cannot be confirmed. Current status is CONFIRMED",
        )

    async def test_given_the_database_then_neither_codes_nor_passwords_nor_tokens_stand_in_it(
        self, people: Any, api: Any
    ) -> None:
        await people.sign_up()
        code = api.last_code()
        await self.confirm(people, code)
        tokens = await people.tokens()
        await api("ForgotPassword", ClientId=people.client_id, Username=ALICE)
        for file in (api.directory / "data").iterdir():
            data = file.read_bytes()
            assert file.stat().st_mode & 0o077 == 0
            for secret in (PASSWORD, tokens["RefreshToken"], tokens["AccessToken"]):
                assert secret.encode() not in data
        rows = api.service.database.reader.execute("SELECT digest FROM codes").fetchall()
        assert rows
        assert all(api.last_code().encode() not in digest for (digest,) in rows)


class TestPreSignUp:
    ARN = "arn:aws:lambda:eu-central-1:123456789012:function:check"

    @pytest.fixture
    async def people(self, make_people: Any) -> Any:
        return await make_people(pool={"LambdaConfig": {"PreSignUp": self.ARN}})

    def answers(self, people: Any, **response: bool) -> None:
        def function(params: dict[str, Any]) -> dict[str, Any]:
            event = json.loads(params["Payload"])
            event["response"].update(response)
            return {"StatusCode": 200, "Payload": json.dumps(event).encode()}

        people.api.caller.function = function

    async def test_given_a_trigger_then_it_is_asked_as_cognito_asks(self, people: Any) -> None:
        self.answers(people)
        signed_up = await people.sign_up(
            ValidationData=[{"Name": "captcha", "Value": "x"}], ClientMetadata={"from": "test"}
        )
        principal, operation, params, context = people.api.caller.calls[0]
        assert (principal.arn, operation) == ("cognito-idp.amazonaws.com", "lambda:Invoke")
        assert context["aws:SourceArn"] == (f"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/{people.pool_id}",)
        assert (params["FunctionName"], params["InvocationType"]) == (self.ARN, "RequestResponse")
        assert json.loads(params["Payload"]) == {
            "version": "1",
            "region": "eu-central-1",
            "userPoolId": people.pool_id,
            "userName": signed_up["UserSub"],
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": people.client_id},
            "triggerSource": "PreSignUp_SignUp",
            "request": {
                "userAttributes": {"email": ALICE},
                "validationData": {"captcha": "x"},
                "clientMetadata": {"from": "test"},
            },
            "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
        }

    async def test_given_it_confirms_and_verifies_then_no_code_is_needed(self, people: Any, api: Any) -> None:
        self.answers(people, autoConfirmUser=True, autoVerifyEmail=True)
        assert (await people.sign_up()).keys() == {"UserConfirmed", "UserSub"}
        assert api.mails() == []
        assert await people.tokens()

    async def test_given_it_refuses_then_there_is_no_user(self, people: Any, api: Any, refused: Any) -> None:
        api.caller.function = lambda params: {
            "FunctionError": "Unhandled",
            "Payload": b'{"errorMessage": "Not from this domain", "errorType": "Exception"}',
        }
        assert await refused(people.sign_up()) == (
            "UserLambdaValidationException",
            "PreSignUp failed with error Not from this domain.",
        )
        assert (await api("ListUsers", UserPoolId=people.pool_id))["Users"] == []

    @pytest.mark.parametrize("payload", [b"null", b"not json", b"[]", b"{}", b'{"response": 1}'])
    async def test_given_it_answers_no_event_then_that_is_said(self, people: Any, refused: Any, payload: bytes) -> None:
        people.api.caller.function = lambda params: {"Payload": payload}
        assert await refused(people.sign_up()) == ("InvalidLambdaResponseException", "Unrecognizable lambda output")

    async def test_given_it_may_not_be_called_then_that_is_said(self, people: Any, refused: Any) -> None:
        def denied(params: Any) -> Any:
            raise AwsError("AccessDeniedException", "no", 403)

        people.api.caller.function = denied
        assert await refused(people.sign_up()) == (
            "UnexpectedLambdaException",
            "PreSignUp invocation failed due to error AccessDeniedException.",
        )

    async def test_given_it_does_not_answer_then_it_is_asked_three_times_and_given_up(
        self, people: Any, clock: Any, refused: Any
    ) -> None:
        people.api.caller.function = lambda params: asyncio.Event().wait()
        asked = asyncio.create_task(refused(people.sign_up()))
        for attempt in range(1, 4):
            async with asyncio.timeout(5):
                while len(people.api.caller.calls) < attempt:  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0)
            clock.advance(5)
        assert await asked == (
            "UnexpectedLambdaException",
            "PreSignUp invocation failed due to error Socket timeout while invoking Lambda function.",
        )
        assert len(people.api.caller.calls) == 3


async def test_given_a_post_confirmation_trigger_then_it_hears_of_the_confirmed_user(
    make_people: Any, api: Any
) -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:welcome"
    people = await make_people(pool={"LambdaConfig": {"PostConfirmation": arn}})
    api.caller.function = lambda params: {"Payload": params["Payload"]}
    sub = await people.confirmed()
    event = json.loads(api.caller.calls[0][2]["Payload"])
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert event["request"]["userAttributes"] == {
        "sub": sub,
        "cognito:user_status": "CONFIRMED",
        "email": ALICE,
        "email_verified": "true",
    }


async def test_given_an_invitation_only_pool_then_nobody_signs_up(make_people: Any, refused: Any) -> None:
    people = await make_people(pool={"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}})
    assert await refused(people.sign_up()) == ("NotAuthorizedException", "SignUp is not permitted for this user pool")


async def test_given_a_template_then_the_mail_is_made_from_it(make_people: Any, api: Any) -> None:
    people = await make_people(
        pool={
            "EmailVerificationSubject": "Welcome",
            "EmailVerificationMessage": "Use {####} soon",
            "EmailConfiguration": {
                "EmailSendingAccount": "DEVELOPER",
                "SourceArn": "arn:aws:ses:eu-central-1:123456789012:identity/lists@example.org",
                "From": "MyTodoList <lists@example.org>",
                "ReplyToEmailAddress": "help@example.org",
            },
        }
    )
    await people.sign_up()
    mail = api.mails()[-1]
    assert (mail["Subject"], mail["To"], mail["From"], mail["Reply-To"]) == (
        "Welcome",
        ALICE,
        "MyTodoList <lists@example.org>",
        "help@example.org",
    )
    assert mail.get_content().strip() == f"Use {api.last_code()} soon"
