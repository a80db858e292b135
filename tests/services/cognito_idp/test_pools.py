"""Pools, clients and operators: what the template engine and an administrator call."""

from typing import Any

import pytest

ALICE = "alice@example.com"
LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:f"


class TestPools:
    async def test_given_a_pool_then_it_is_described_with_its_defaults_also_after_a_restart(
        self, people: Any, api: Any
    ) -> None:
        await api.restart()
        described = (await api("DescribeUserPool", UserPoolId=people.pool_id))["UserPool"]
        assert described["Arn"] == f"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/{people.pool_id}"
        assert (described["Name"], described["MfaConfiguration"], described["EstimatedNumberOfUsers"]) == (
            "people",
            "OFF",
            0,
        )
        assert described["Policies"]["PasswordPolicy"] == {
            "MinimumLength": 12,
            "RequireUppercase": True,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": True,
            "TemporaryPasswordValidityDays": 3,
        }
        assert {entry["Name"] for entry in described["SchemaAttributes"]} >= {"sub", "email", "email_verified"}

    async def test_given_deletion_protection_then_the_pool_stays_until_it_is_off(
        self, make_people: Any, api: Any, refused: Any
    ) -> None:
        people = await make_people(pool={"DeletionProtection": "ACTIVE"})
        await people.confirmed()
        delete = {"UserPoolId": people.pool_id}
        assert (await refused(api("DeleteUserPool", **delete)))[0] == "InvalidParameterException"
        await api("UpdateUserPool", **delete, DeletionProtection="INACTIVE")
        await api("DeleteUserPool", **delete)
        await api.restart()
        assert await refused(api("DescribeUserPool", **delete)) == (
            "ResourceNotFoundException",
            f"User pool {people.pool_id} does not exist.",
        )
        assert (await refused(people.sign_in()))[0] == "ResourceNotFoundException"

    async def test_given_an_update_then_what_it_leaves_out_goes_back_to_its_default_but_names_and_mfa_stay(
        self, people: Any, api: Any
    ) -> None:
        mfa = {"MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": {"Enabled": True}}
        await api("SetUserPoolMfaConfig", UserPoolId=people.pool_id, **mfa)
        await api("UpdateUserPool", UserPoolId=people.pool_id)
        described = (await api("DescribeUserPool", UserPoolId=people.pool_id))["UserPool"]
        assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
        assert described["UsernameAttributes"] == ["email"]
        assert described["Name"] == "people"
        assert await api("GetUserPoolMfaConfig", UserPoolId=people.pool_id) == mfa

    @pytest.mark.parametrize(
        "asked",
        [
            {"LambdaConfig": {"PreTokenGeneration": LAMBDA}},
            {"LambdaConfig": {"CustomMessage": LAMBDA}},
            {"LambdaConfig": {"UserMigration": LAMBDA}},
            {"AutoVerifiedAttributes": ["phone_number"]},
            {"UsernameAttributes": ["phone_number"]},
            {"AliasAttributes": ["preferred_username"], "UsernameAttributes": []},
            {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}},
            {"UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"}},
            {"UserPoolTier": "PLUS"},
            {"Policies": {"PasswordPolicy": {"PasswordHistorySize": 3}}},
            {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}},
            {"VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_LINK"}},
            {"AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_phone_number", "Priority": 1}]}},
        ],
    )
    async def test_given_a_setting_that_is_not_done_then_it_is_refused_by_name(
        self, make_people: Any, refused: Any, asked: dict[str, Any]
    ) -> None:
        code, message = await refused(make_people(pool=asked))
        assert code == "NotImplemented"
        assert next(iter(asked)) in message

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            ({"AliasAttributes": ["email"]}, "InvalidParameterException"),
            ({"MfaConfiguration": "ON"}, "InvalidParameterException"),
            ({"AutoVerifiedAttributes": []}, "InvalidParameterException"),
            ({"EmailConfiguration": {"EmailSendingAccount": "DEVELOPER"}}, "InvalidParameterException"),
            ({"Schema": [{"Name": "x", "Required": True}]}, "InvalidParameterException"),
        ],
    )
    async def test_given_settings_that_contradict_each_other_then_they_are_refused(
        self, make_people: Any, refused: Any, asked: dict[str, Any], code: str
    ) -> None:
        assert (await refused(make_people(pool=asked)))[0] == code

    async def test_given_pools_then_they_are_listed_page_by_page(self, make_people: Any, api: Any) -> None:
        made = {(await make_people()).pool_id for _ in range(3)}
        seen, more = [], {}
        while True:
            page = await api("ListUserPools", MaxResults=2, **more)
            seen += [pool["Id"] for pool in page["UserPools"]]
            if "NextToken" not in page:
                break
            more = {"NextToken": page["NextToken"]}
        assert (sorted(seen), len(seen)) == (sorted(made), 3)

    async def test_given_tags_then_they_come_and_go(self, people: Any, api: Any, refused: Any) -> None:
        arn = {"ResourceArn": people.pool["Arn"]}
        await api("TagResource", **arn, Tags={"a": "1", "b": "2"})
        await api("UntagResource", **arn, TagKeys=["a"])
        assert await api("ListTagsForResource", **arn) == {"Tags": {"b": "2"}}
        other = people.pool["Arn"].replace("123456789012", "210987654321")
        assert (await refused(api("ListTagsForResource", ResourceArn=other)))[0] == "ResourceNotFoundException"

    async def test_given_a_custom_attribute_added_later_then_it_is_known(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        added = {"UserPoolId": people.pool_id, "CustomAttributes": [{"Name": "rank", "AttributeDataType": "String"}]}
        await api("AddCustomAttributes", **added)
        assert (await refused(api("AddCustomAttributes", **added)))[0] == "InvalidParameterException"
        described = (await api("DescribeUserPool", UserPoolId=people.pool_id))["UserPool"]
        assert "custom:rank" in [entry["Name"] for entry in described["SchemaAttributes"]]


class TestClients:
    async def test_given_a_client_then_it_is_described_updated_listed_and_deleted(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        named = {"UserPoolId": people.pool_id, "ClientId": people.client_id}
        await api("UpdateUserPoolClient", **named, ClientName="renamed")
        await api.restart()
        described = (await api("DescribeUserPoolClient", **named))["UserPoolClient"]
        assert (described["ClientName"], described["RefreshTokenValidity"]) == ("renamed", 30)
        assert "ClientSecret" not in described
        listed = (await api("ListUserPoolClients", UserPoolId=people.pool_id))["UserPoolClients"]
        assert [client["ClientId"] for client in listed] == [people.client_id]
        await api("DeleteUserPoolClient", **named)
        assert (await refused(api("DescribeUserPoolClient", **named)))[0] == "ResourceNotFoundException"

    async def test_given_a_client_of_another_pool_then_it_is_not_found(
        self, make_people: Any, api: Any, refused: Any
    ) -> None:
        mine, other = await make_people(), await make_people()
        named = {"UserPoolId": mine.pool_id, "ClientId": other.client_id}
        for operation in ("DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient"):
            assert (await refused(api(operation, **named)))[0] == "ResourceNotFoundException"

    @pytest.mark.parametrize(
        "asked",
        [
            {"AllowedOAuthFlows": ["code"]},
            {"SupportedIdentityProviders": ["Google"]},
            {"EnableTokenRevocation": False},
            {"ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]},
            {"ExplicitAuthFlows": ["ALLOW_USER_AUTH"]},
            {"AnalyticsConfiguration": {"ApplicationId": "x"}},
        ],
    )
    async def test_given_a_setting_that_is_not_done_then_it_is_refused_by_name(
        self, make_people: Any, refused: Any, asked: dict[str, Any]
    ) -> None:
        code, message = await refused(make_people(client=asked))
        assert code == "NotImplemented"
        assert next(iter(asked)) in message

    @pytest.mark.parametrize(
        "asked",
        [
            {"AccessTokenValidity": 4},
            {"IdTokenValidity": 25, "TokenValidityUnits": {"IdToken": "hours"}},
            {"RefreshTokenValidity": 59, "TokenValidityUnits": {"RefreshToken": "minutes"}},
            {"WriteAttributes": ["email_verified"]},
            {"WriteAttributes": ["sub"]},
            {"ReadAttributes": ["custom:unknown"]},
        ],
    )
    async def test_given_a_setting_out_of_range_then_it_is_refused(
        self, make_people: Any, refused: Any, asked: dict[str, Any]
    ) -> None:
        assert (await refused(make_people(client=asked)))[0] == "InvalidParameterException"


class TestOperators:
    async def test_given_users_then_they_are_found_by_filter_and_listed_page_by_page(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        for n in range(5):
            await people.sign_up(f"user{n}@example.com")
        sub = await people.confirmed("zoe@example.com")

        async def found(filter_: str) -> list[str]:
            page = await api("ListUsers", UserPoolId=people.pool_id, Filter=filter_)
            return [user["Username"] for user in page["Users"]]

        assert await found('email = "zoe@example.com"') == [sub]
        assert await found(f'sub = "{sub}"') == await found(f'username="{sub}"') == [sub]
        assert await found('cognito:user_status = "CONFIRMED"') == [sub]
        assert len(await found('email ^= "user"')) == 5
        assert len(await found('status = "Enabled"')) == 6
        assert await found('email = "zoe"') == []
        for bad in ("email", 'custom:x = "1"', "email = zoe", 'email = "a" or sub = "b"', 'email <> "a"'):
            assert (await refused(found(bad)))[0] == "InvalidParameterException"
        seen: list[str] = []
        more: dict[str, Any] = {}
        while True:
            page = await api("ListUsers", UserPoolId=people.pool_id, Limit=2, AttributesToGet=["sub"], **more)
            seen += [user["Username"] for user in page["Users"]]
            assert all([each["Name"] for each in user["Attributes"]] == ["sub"] for user in page["Users"])
            if "PaginationToken" not in page:
                break
            more = {"PaginationToken": page["PaginationToken"]}
        assert len(seen) == len(set(seen)) == 6

    async def test_given_an_operator_then_users_are_confirmed_changed_and_deleted(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        sub = (await people.sign_up())["UserSub"]
        named = {"UserPoolId": people.pool_id, "Username": sub}
        await api("AdminConfirmSignUp", **named)
        assert (await refused(api("AdminConfirmSignUp", **named)))[0] == "NotAuthorizedException"
        await api("AdminUpdateUserAttributes", **named, UserAttributes=[{"Name": "name", "Value": "Alice"}])
        await api("AdminUpdateUserAttributes", **named, UserAttributes=[{"Name": "email_verified", "Value": "true"}])
        user = await api("AdminGetUser", **named)
        assert (user["Username"], user["UserStatus"], user["Enabled"]) == (sub, "CONFIRMED", True)
        assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]
        await api("AdminDeleteUserAttributes", **named, UserAttributeNames=["name"])
        assert "Alice" not in str((await api("AdminGetUser", **named))["UserAttributes"])
        await api("AdminDeleteUser", **named)
        for operation in ("AdminGetUser", "AdminDeleteUser"):
            assert await refused(api(operation, **named)) == ("UserNotFoundException", "User does not exist.")

    async def test_given_a_permanent_password_then_it_signs_in_and_a_temporary_one_must_be_changed(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        named = {"UserPoolId": people.pool_id, "Username": ALICE}
        await api("AdminSetUserPassword", **named, Password="Permanent-7-word", Permanent=True)
        assert await people.tokens(ALICE, "Permanent-7-word")
        await api("AdminSetUserPassword", **named, Password="Temporary-7-word")
        assert (await people.sign_in(ALICE, "Temporary-7-word"))["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
        weak = api("AdminSetUserPassword", **named, Password="weakweak")
        assert (await refused(weak))[0] == "InvalidPasswordException"

    async def test_given_a_taken_address_then_no_operator_can_give_it_away(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        sub = await people.confirmed("bob@example.com")
        update = {"UserAttributes": [{"Name": "email", "Value": ALICE}]}
        request = api("AdminUpdateUserAttributes", UserPoolId=people.pool_id, Username=sub, **update)
        assert (await refused(request))[0] == "AliasExistsException"
        assert (await refused(api("AdminCreateUser", UserPoolId=people.pool_id, Username=ALICE)))[0] == (
            "UsernameExistsException"
        )

    async def test_given_a_new_address_by_an_operator_then_it_counts_at_once_only_if_declared_verified(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        named = {"UserPoolId": people.pool_id, "Username": ALICE}
        new = [{"Name": "email", "Value": "new@example.com"}]
        await api("AdminUpdateUserAttributes", **named, UserAttributes=new)
        assert api.mails()[-1]["To"] == "new@example.com"
        assert await people.tokens(ALICE)
        verified = {"Name": "email_verified", "Value": "true"}
        await api("AdminUpdateUserAttributes", **named, UserAttributes=[*new, verified])
        assert await people.tokens("new@example.com")

    async def test_given_an_invitation_then_it_can_be_sent_again_until_it_was_followed(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        named = {"UserPoolId": people.pool_id, "Username": ALICE}
        created = (await api("AdminCreateUser", **named))["User"]
        assert created["UserStatus"] == "FORCE_CHANGE_PASSWORD"
        await api("AdminCreateUser", **named, MessageAction="RESEND")
        assert [mail["To"] for mail in api.mails()] == [ALICE, ALICE]
        await people.confirmed("bob@example.com")
        again = {"UserPoolId": people.pool_id, "Username": "bob@example.com", "MessageAction": "RESEND"}
        assert (await refused(api("AdminCreateUser", **again)))[0] == "UnsupportedUserStateException"

    async def test_given_a_lost_phone_then_an_operator_turns_the_second_factor_off(self, people: Any, api: Any) -> None:
        import pyotp

        mfa = {"MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": {"Enabled": True}}
        await api("SetUserPoolMfaConfig", UserPoolId=people.pool_id, **mfa)
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        app = pyotp.TOTP((await api("AssociateSoftwareToken", AccessToken=token))["SecretCode"])
        await api("VerifySoftwareToken", AccessToken=token, UserCode=app.at(int(api.clock.now())))
        named = {"UserPoolId": people.pool_id, "Username": ALICE}
        await api("AdminSetUserMFAPreference", **named, SoftwareTokenMfaSettings={"Enabled": True})
        assert (await people.sign_in())["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
        await api("AdminSetUserMFAPreference", **named, SoftwareTokenMfaSettings={"Enabled": False})
        assert await people.tokens()


def test_what_takes_no_credentials_is_what_botocore_s_model_says(api: Any) -> None:
    from botocore.loaders import Loader

    model = Loader().load_service_model("cognito-idp", "service-2")["operations"]
    for name, operation in api.service.operations.items():
        public = model[name].get("authtype") == "none"
        assert (operation.access is None) == public, name


def test_what_an_administrator_calls_is_authorised_on_the_pool(api: Any) -> None:
    class Asked:
        params = {"UserPoolId": "eu-central-1_x"}  # noqa: RUF012

    (wanted,) = api.service.operations["AdminDeleteUser"].access(api.service, Asked)
    assert (wanted.action, wanted.resource) == (
        "cognito-idp:AdminDeleteUser",
        "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_x",
    )
