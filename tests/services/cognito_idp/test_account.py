"""What users do with their own account: passwords, attributes, deletion."""

from typing import Any

import pytest

ALICE, NEW = "alice@example.com", "alice@elsewhere.org"
PASSWORD, OTHER = "Correct-horse-7-battery", "Another-horse-8-battery"
WRONG = ("NotAuthorizedException", "Incorrect username or password.")


class TestForgottenPassword:
    async def forgot(self, people: Any) -> str:
        await people.api("ForgotPassword", ClientId=people.client_id, Username=ALICE)
        code: str = people.api.last_code()
        return code

    def confirm(self, people: Any, code: str, password: str = OTHER) -> Any:
        return people.api(
            "ConfirmForgotPassword",
            ClientId=people.client_id,
            Username=ALICE,
            ConfirmationCode=code,
            Password=password,
        )

    async def test_given_the_code_then_the_new_password_counts_and_a_lockout_ends(
        self, people: Any, refused: Any
    ) -> None:
        await people.confirmed()
        for _ in range(5):
            await refused(people.sign_in(ALICE, "Wrong-horse-7-battery"))
        code = await self.forgot(people)
        assert (await refused(self.confirm(people, code, "weak")))[0] == "InvalidPasswordException"
        assert await self.confirm(people, code) == {}
        assert await people.tokens(ALICE, OTHER)
        assert await refused(people.sign_in()) == WRONG
        assert (await refused(self.confirm(people, code)))[0] == "ExpiredCodeException"

    async def test_given_an_hour_then_the_code_has_expired(self, people: Any, clock: Any, refused: Any) -> None:
        await people.confirmed()
        code = await self.forgot(people)
        clock.advance(3600)
        assert (await refused(self.confirm(people, code)))[0] == "ExpiredCodeException"

    async def test_given_wrong_codes_then_five_an_hour_are_all_whatever_is_mailed_anew(
        self, people: Any, refused: Any
    ) -> None:
        await people.confirmed()
        for _ in range(5):
            code = await self.forgot(people)
            wrong = "000000" if code != "000000" else "000001"
            assert (await refused(self.confirm(people, wrong)))[0] == "CodeMismatchException"
        assert (await refused(self.confirm(people, code)))[0] == "LimitExceededException"
        assert (await refused(self.forgot(people)))[0] == "LimitExceededException"

    async def test_given_a_sign_up_code_then_it_resets_no_password(self, people: Any, api: Any, refused: Any) -> None:
        await people.sign_up()
        assert (await refused(self.confirm(people, api.last_code())))[0] == "ExpiredCodeException"

    async def test_given_a_pool_where_only_admins_reset_then_that_is_said(self, make_people: Any, refused: Any) -> None:
        people = await make_people(
            pool={"AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]}}
        )
        await people.confirmed()
        assert await refused(self.forgot(people)) == (
            "NotAuthorizedException",
            "Contact administrator to reset password.",
        )

    async def test_given_an_operator_s_reset_then_only_the_mailed_code_lets_in(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        await api("AdminResetUserPassword", UserPoolId=people.pool_id, Username=ALICE)
        assert (await refused(people.sign_in()))[0] == "PasswordResetRequiredException"
        await self.confirm(people, api.last_code())
        assert await people.tokens(ALICE, OTHER)


class TestChangedPassword:
    def change(self, people: Any, token: str, previous: str = PASSWORD, proposed: str = OTHER) -> Any:
        return people.api("ChangePassword", AccessToken=token, PreviousPassword=previous, ProposedPassword=proposed)

    async def test_given_the_old_password_then_the_new_one_counts(self, people: Any, refused: Any) -> None:
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        assert (await refused(self.change(people, token, proposed="weak")))[0] == "InvalidPasswordException"
        assert await self.change(people, token) == {}
        assert await people.tokens(ALICE, OTHER)
        assert await refused(people.sign_in()) == WRONG

    async def test_given_a_stolen_access_token_then_the_old_password_cannot_be_guessed(
        self, people: Any, refused: Any
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        for _ in range(5):
            assert await refused(self.change(people, token, previous="Wrong-horse-7-battery")) == WRONG
        assert await refused(self.change(people, token)) == ("NotAuthorizedException", "Password attempts exceeded")


class TestAttributes:
    async def test_given_a_token_then_the_user_sees_what_the_client_may_read(self, people: Any, api: Any) -> None:
        sub = await people.confirmed()
        answer = await api("GetUser", AccessToken=(await people.tokens())["AccessToken"])
        assert answer == {
            "Username": sub,
            "UserAttributes": [
                {"Name": "sub", "Value": sub},
                {"Name": "email", "Value": ALICE},
                {"Name": "email_verified", "Value": "true"},
            ],
        }

    def update(self, people: Any, token: str, value: str = NEW, name: str = "email") -> Any:
        return people.api("UpdateUserAttributes", AccessToken=token, UserAttributes=[{"Name": name, "Value": value}])

    async def test_given_a_new_address_then_the_old_one_counts_until_the_code_came_back(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        answer = await self.update(people, token)
        assert answer["CodeDeliveryDetailsList"][0]["Destination"] == "a***@e***"
        assert api.mails()[-1]["To"] == NEW
        assert await people.tokens(ALICE)
        assert await refused(people.sign_in(NEW)) == WRONG
        wrong = "000000" if api.last_code() != "000000" else "000001"
        verify = {"AccessToken": token, "AttributeName": "email"}
        assert (await refused(api("VerifyUserAttribute", **verify, Code=wrong)))[0] == "CodeMismatchException"
        await api("VerifyUserAttribute", **verify, Code=api.last_code())
        assert await people.tokens(NEW)
        assert await refused(people.sign_in(ALICE)) == WRONG

    async def test_given_somebody_else_s_address_then_it_is_refused_now_and_when_the_code_comes_back(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        await people.confirmed("bob@example.com")
        token = (await people.tokens())["AccessToken"]
        assert (await refused(self.update(people, token, "BOB@example.com")))[0] == "AliasExistsException"
        await self.update(people, token, NEW)
        code = api.last_code()
        await people.confirmed(NEW)
        verify = api("VerifyUserAttribute", AccessToken=token, AttributeName="email", Code=code)
        assert (await refused(verify))[0] == "AliasExistsException"

    async def test_given_a_code_for_one_address_then_it_verifies_no_other(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        for n in range(5):
            await self.update(people, token, f"mine{n}@example.com")
        code = api.last_code()
        assert (await refused(self.update(people, token, "victim@example.com")))[0] == "LimitExceededException"
        await api("VerifyUserAttribute", AccessToken=token, AttributeName="email", Code=code)
        assert await people.tokens("mine4@example.com")
        assert await refused(people.sign_in("victim@example.com")) == WRONG

    async def test_given_a_changed_address_then_a_code_sent_to_the_old_one_resets_no_password(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        sub = await people.confirmed()
        await api("ForgotPassword", ClientId=people.client_id, Username=ALICE)
        code = api.last_code()
        changed = [{"Name": "email", "Value": NEW}, {"Name": "email_verified", "Value": "true"}]
        await api("AdminUpdateUserAttributes", UserPoolId=people.pool_id, Username=sub, UserAttributes=changed)
        confirm = {"ClientId": people.client_id, "Username": NEW, "ConfirmationCode": code, "Password": OTHER}
        assert (await refused(api("ConfirmForgotPassword", **confirm)))[0] == "CodeMismatchException"

    @pytest.mark.parametrize("name", ["email_verified", "name", "sub", "cognito:user_status"])
    async def test_given_an_attribute_that_the_client_may_not_write_then_it_is_refused(
        self, people: Any, refused: Any, name: str
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        assert (await refused(self.update(people, token, "true", name)))[0] == "NotAuthorizedException"

    async def test_given_codes_without_end_then_five_mails_an_hour_are_all(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        request = {"AccessToken": (await people.tokens())["AccessToken"], "AttributeName": "email"}
        for _ in range(5):
            assert await api("GetUserAttributeVerificationCode", **request)
        assert (await refused(api("GetUserAttributeVerificationCode", **request)))[0] == "LimitExceededException"

    async def test_given_the_sign_in_address_then_it_cannot_be_deleted(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        request = api("DeleteUserAttributes", AccessToken=token, UserAttributeNames=["email"])
        assert (await refused(request))[0] == "InvalidParameterException"

    async def test_given_an_own_attribute_then_it_comes_and_goes(self, make_people: Any, api: Any) -> None:
        people = await make_people(client={"WriteAttributes": ["email", "name"], "ReadAttributes": ["name"]})
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        await self.update(people, token, "Alice", "name")
        assert {"Name": "name", "Value": "Alice"} in (await api("GetUser", AccessToken=token))["UserAttributes"]
        await api("DeleteUserAttributes", AccessToken=token, UserAttributeNames=["name"])
        assert "name" not in str((await api("GetUser", AccessToken=token))["UserAttributes"])


async def test_given_a_deleted_user_then_the_address_is_free_and_nothing_is_left(people: Any, api: Any) -> None:
    sub = await people.confirmed()
    token = (await people.tokens())["AccessToken"]
    await api("DeleteUser", AccessToken=token)
    for table in ("users", "names", "grants", "codes", "tallies", "sessions"):
        assert api.service.database.reader.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    assert (await people.sign_up())["UserSub"] != sub
