"""boto3 and pycognito, unmodified, against the door."""

import email
import email.policy
import json
import re
import secrets
from typing import Any

import boto3
import httpx
import pyotp
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pycognito import Cognito
from pycognito.exceptions import SoftwareTokenMFAChallengeException

PASSWORD, OTHER = "Correct-horse-7-battery", "Another-horse-8-battery"


class Setting:
    """A pool, a client, and a trusting identity pool, made by an administrator with boto3."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.region = cloud.settings.regions[0]
        self.idp = cloud.client("cognito-idp")
        pool = self.idp.create_user_pool(
            PoolName="people",
            UsernameAttributes=["email"],
            UsernameConfiguration={"CaseSensitive": False},
            AutoVerifiedAttributes=["email"],
            Policies={"PasswordPolicy": {"MinimumLength": 12}},
        )["UserPool"]
        self.pool_id = pool["Id"]
        self.idp.set_user_pool_mfa_config(
            UserPoolId=self.pool_id,
            MfaConfiguration="OPTIONAL",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        self.client_id = self.idp.create_user_pool_client(
            UserPoolId=self.pool_id, ClientName="app", PreventUserExistenceErrors="ENABLED"
        )["UserPoolClient"]["ClientId"]
        self.provider = f"cognito-idp.{self.region}.amazonaws.com/{self.pool_id}"

    def unsigned(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name is one of boto3's
            region_name=self.region,
            endpoint_url=self.cloud.endpoint,
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        )

    def code(self, address: str) -> str:
        found = []
        for file in (self.cloud.mailbox / "new").iterdir():
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            if mail["To"] == address:
                match = re.search(r"\b\d{6}\b", mail.get_content())  # type: ignore[attr-defined]  # the policy makes EmailMessages
                assert match
                found.append((file.stat().st_mtime_ns, match.group()))
        return max(found)[1]

    def person(self) -> Cognito:
        """Somebody who signed up and confirmed, in pycognito's hands."""
        address = f"{secrets.token_hex(6)}@example.com"
        user = Cognito(
            self.pool_id, self.client_id, username=address, boto3_client_kwargs={"endpoint_url": self.cloud.endpoint}
        )
        user.set_base_attributes(email=address)
        user.register(address, PASSWORD)
        user.confirm_sign_up(self.code(address), username=address)
        return user


@pytest.fixture(scope="module")
def setting(cloud: Any) -> Setting:
    return Setting(cloud)


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_given_pycognito_then_a_whole_life_with_an_account_works(setting: Setting) -> None:
    user = setting.person()
    user.authenticate(PASSWORD)
    assert user.id_claims["email"] == user.username
    assert user.access_claims["token_use"] == "access"
    assert user.get_user().sub == user.id_claims["sub"]
    before = user.access_token
    user.renew_access_token()
    assert user.access_token != before
    user.change_password(PASSWORD, OTHER)
    user.authenticate(OTHER)
    user.initiate_forgot_password()
    user.confirm_forgot_password(setting.code(user.username), PASSWORD)
    user.authenticate(PASSWORD)
    token = user.access_token
    user.logout()
    with pytest.raises(ClientError) as caught:
        setting.unsigned("cognito-idp").get_user(AccessToken=token)
    assert code_of(caught) == "NotAuthorizedException"


def test_given_pycognito_and_an_authenticator_app_then_the_second_factor_is_asked_for(setting: Setting) -> None:
    user = setting.person()
    user.authenticate(PASSWORD)
    app = pyotp.TOTP(user.associate_software_token())
    now = setting.cloud.clock.now
    assert user.verify_software_token(app.at(int(now())), "phone")
    user.set_user_mfa_preference(sms_mfa=False, software_token_mfa=True, preferred="SOFTWARE_TOKEN")
    setting.cloud.advance(30)
    with pytest.raises(SoftwareTokenMFAChallengeException) as asked:
        user.authenticate(PASSWORD)
    user.respond_to_software_token_mfa_challenge(app.at(int(now())), asked.value.get_tokens())
    assert user.id_claims["cognito:username"]


def test_given_boto3_then_errors_are_the_modelled_exceptions(setting: Setting) -> None:
    client = setting.unsigned("cognito-idp")
    wrong = {"ClientId": setting.client_id, "Username": "x@example.com"}
    with pytest.raises(client.exceptions.CodeMismatchException):
        client.confirm_sign_up(**wrong, ConfirmationCode="000000")
    with pytest.raises(client.exceptions.InvalidPasswordException) as weak:
        client.sign_up(**wrong, Password="weakweak")
    assert weak.value.response["Error"]["Message"].startswith("Password did not conform with policy: ")
    assert weak.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.sign_up(ClientId="nobody", Username="x@example.com", Password=PASSWORD)
    with pytest.raises(client.exceptions.UserNotFoundException):
        setting.idp.admin_get_user(UserPoolId=setting.pool_id, Username="x@example.com")
    with pytest.raises(ClientError) as invalid:
        client.sign_up(ClientId=setting.client_id, Username="a b\u2028c", Password="x\ty" + PASSWORD)
    assert code_of(invalid) == "InvalidParameterException"
    assert invalid.value.response["Error"]["Message"].startswith("2 validation errors detected: Value")


@pytest.mark.parametrize("operation", ["AdminGetUser", "DescribeUserPool", "AdminDeleteUser", "ListUsers"])
def test_given_no_credentials_then_no_operator_s_call_gets_through(setting: Setting, operation: str) -> None:
    answer = httpx.post(
        setting.cloud.endpoint,
        headers={
            "x-amz-target": f"AWSCognitoIdentityProviderService.{operation}",
            "content-type": "application/x-amz-json-1.1",
        },
        content=json.dumps({"UserPoolId": setting.pool_id, "Username": "x"}),
    )
    assert answer.status_code in (400, 403)
    assert answer.json()["__type"].rpartition("#")[2] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("operation", ["AdminInitiateAuth", "CreateGroup", "CreateUserPoolDomain", "ConfirmDevice"])
def test_given_an_operation_that_is_not_done_then_it_is_refused_by_name(setting: Setting, operation: str) -> None:
    answer = httpx.post(
        setting.cloud.endpoint,
        headers={
            "x-amz-target": f"AWSCognitoIdentityProviderService.{operation}",
            "content-type": "application/x-amz-json-1.1",
        },
        content=b"{}",
    )
    assert answer.status_code == 501
    assert operation in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"ClientId": 1}',
        b'{"ClientId": "\xff"}',
        b'{"ClientId": "a", "Username": "\\ud800", "Password": "x"}',
        b'{"ClientId": "a", "UserAttributes": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"ClientId": "a", "UserAttributes": {"Name": "email"}}',
    ],
)
def test_given_a_malformed_body_then_it_is_refused_and_the_server_lives(setting: Setting, body: bytes) -> None:
    answer = httpx.post(
        setting.cloud.endpoint,
        headers={
            "x-amz-target": "AWSCognitoIdentityProviderService.SignUp",
            "content-type": "application/x-amz-json-1.1",
        },
        content=body,
    )
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    assert setting.idp.describe_user_pool(UserPoolId=setting.pool_id)


class TestIdentityPool:
    """The enhanced flow with a role whose trust policy is really evaluated."""

    def role(self, setting: Setting, pool_id: str, conditions: dict[str, Any] | None = None) -> str:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": conditions
                    or {
                        "StringEquals": {"cognito-identity.amazonaws.com:aud": pool_id},
                        "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
                    },
                }
            ],
        }
        name = f"signed-in-{secrets.token_hex(4)}"
        made = setting.cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        arn: str = made["Role"]["Arn"]
        return arn

    def pool(self, setting: Setting, conditions: dict[str, Any] | None = None) -> str:
        admin = setting.cloud.client("cognito-identity")
        provider = {"ProviderName": setting.provider, "ClientId": setting.client_id, "ServerSideTokenCheck": True}
        pool_id: str = admin.create_identity_pool(
            IdentityPoolName="files", AllowUnauthenticatedIdentities=False, CognitoIdentityProviders=[provider]
        )["IdentityPoolId"]
        role = self.role(setting, pool_id, conditions)
        admin.set_identity_pool_roles(IdentityPoolId=pool_id, Roles={"authenticated": role})
        return pool_id

    def credentials(self, setting: Setting, pool_id: str, token: str) -> dict[str, Any]:
        client, logins = setting.unsigned("cognito-identity"), {setting.provider: token}
        identity = client.get_id(IdentityPoolId=pool_id, Logins=logins)["IdentityId"]
        found: dict[str, Any] = client.get_credentials_for_identity(IdentityId=identity, Logins=logins)
        return found

    def test_given_a_signed_in_user_then_their_credentials_are_a_session_of_the_role(self, setting: Setting) -> None:
        user = setting.person()
        user.authenticate(PASSWORD)
        found = self.credentials(setting, self.pool(setting), user.id_token)["Credentials"]
        caller = setting.cloud.client(
            "sts",
            {
                "aws_access_key_id": found["AccessKeyId"],
                "aws_secret_access_key": found["SecretKey"],
                "aws_session_token": found["SessionToken"],
            },
        ).get_caller_identity()
        assert re.search(r":assumed-role/signed-in-\w+/CognitoIdentityCredentials$", caller["Arn"])

    @pytest.mark.parametrize(
        "conditions",
        [
            {"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:another-pool"}},
            {"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "unauthenticated"}},
            {"StringEquals": {"cognito-identity.amazonaws.com:sub": "us-east-1:another-identity"}},
        ],
    )
    def test_given_a_trust_policy_that_does_not_fit_then_there_are_no_credentials(
        self, setting: Setting, conditions: dict[str, Any]
    ) -> None:
        user = setting.person()
        user.authenticate(PASSWORD)
        pool_id = self.pool(setting, conditions)
        with pytest.raises(ClientError) as caught:
            self.credentials(setting, pool_id, user.id_token)
        assert code_of(caught) == "InvalidIdentityPoolConfigurationException"

    @pytest.mark.parametrize("by", ["sign-out", "deletion", "disabling"])
    def test_given_a_user_who_is_gone_then_their_token_gets_no_credentials(self, setting: Setting, by: str) -> None:
        user = setting.person()
        user.authenticate(PASSWORD)
        pool_id, named = self.pool(setting), {"UserPoolId": setting.pool_id, "Username": user.username}
        assert self.credentials(setting, pool_id, user.id_token)
        if by == "sign-out":
            setting.idp.admin_user_global_sign_out(**named)
        elif by == "deletion":
            setting.idp.admin_delete_user(**named)
        else:
            setting.idp.admin_disable_user(**named)
        with pytest.raises(ClientError) as caught:
            self.credentials(setting, pool_id, user.id_token)
        assert code_of(caught) == "NotAuthorizedException"

    def test_given_tokens_of_the_user_pool_then_sts_itself_takes_none_of_them(self, setting: Setting) -> None:
        user = setting.person()
        user.authenticate(PASSWORD)
        role = self.role(setting, self.pool(setting))
        for token in (user.id_token, user.access_token, user.refresh_token):
            with pytest.raises(ClientError) as caught:
                setting.unsigned("sts").assume_role_with_web_identity(
                    RoleArn=role, RoleSessionName="probe", WebIdentityToken=token
                )
            assert code_of(caught) == "InvalidIdentityToken"
