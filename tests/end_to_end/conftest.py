"""MyTodoList on a cloud of its own, and people who use it with clients that know nothing of us."""

import email
import email.policy
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from pycognito.aws_srp import AWSSRP

from tests.cloud_under_test import CloudUnderTest

APP = Path(__file__).resolve().parents[2] / "apps" / "todolist"


@dataclass
class Person:
    """Somebody signed in: `api` sends their ID token, `s3` signs with their own temporary credentials."""

    mail: str
    password: str
    tokens: dict[str, Any]
    identity_id: str
    credentials: dict[str, str]
    api: httpx.Client
    s3: Any

    @property
    def folder(self) -> str:
        return f"private/{self.identity_id}/"


@dataclass
class TodoList:
    """The application's stack, as its outputs describe it."""

    cloud: CloudUnderTest
    outputs: dict[str, str] = field(default_factory=dict)

    def deploy(self, template: Path = APP / "template.yaml", **parameters: str) -> None:
        async def deploy() -> dict[str, str]:
            stacks = self.cloud.cloud.stacks(self.cloud.settings.regions[0])
            given = {"RequireTls": "false", "ThrottleRate": "10000", "ThrottleBurst": "5000", **parameters}
            deployed = await stacks.deploy("todolist", template, given)
            await self.cloud.cloud.open_apis()
            return deployed.outputs

        self.outputs = self.cloud.run(deploy())

    @property
    def region(self) -> str:
        return self.outputs["Region"]

    def unsigned(self, service: str, url: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name is one of boto3's
            region_name=self.region,
            endpoint_url=url,
            config=Config(signature_version=UNSIGNED),
        )

    @property
    def idp(self) -> Any:
        return self.unsigned("cognito-idp", self.outputs["CognitoIdpUrl"])

    @property
    def identity(self) -> Any:
        return self.unsigned("cognito-identity", self.outputs["CognitoIdentityUrl"])

    @property
    def provider(self) -> str:
        return f"cognito-idp.{self.region}.amazonaws.com/{self.outputs['UserPoolId']}"

    def code_for(self, address: str) -> str:
        """The code in the newest mail to `address`."""
        for path in sorted((self.cloud.mailbox / "new").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if message["To"] == address:
                body = message.get_body()
                assert body is not None
                found = re.search(r"\b\d{6}\b", body.get_content())
                assert found
                return found[0]
        raise AssertionError(f"no mail to {address}")

    def new_person(self, mail: str | None = None) -> Person:
        """Signs up, confirms with the mailed code, signs in by SRP, gets credentials from the identity pool."""
        mail = mail or f"{secrets.token_hex(6)}@example.org"
        password = f"Aa1!{secrets.token_hex(8)}"
        client_id = self.outputs["UserPoolClientId"]
        self.idp.sign_up(
            ClientId=client_id, Username=mail, Password=password, UserAttributes=[{"Name": "email", "Value": mail}]
        )
        self.idp.confirm_sign_up(ClientId=client_id, Username=mail, ConfirmationCode=self.code_for(mail))
        return self.sign_in(mail, password)

    def sign_in(self, mail: str, password: str) -> Person:
        srp = AWSSRP(
            username=mail,
            password=password,
            pool_id=self.outputs["UserPoolId"],
            client_id=self.outputs["UserPoolClientId"],
            client=self.idp,
        )
        tokens = srp.authenticate_user()["AuthenticationResult"]
        logins = {self.provider: tokens["IdToken"]}
        identity_id = self.identity.get_id(IdentityPoolId=self.outputs["IdentityPoolId"], Logins=logins)["IdentityId"]
        issued = self.identity.get_credentials_for_identity(IdentityId=identity_id, Logins=logins)["Credentials"]
        credentials = {
            "aws_access_key_id": issued["AccessKeyId"],
            "aws_secret_access_key": issued["SecretKey"],
            "aws_session_token": issued["SessionToken"],
        }
        return Person(
            mail=mail,
            password=password,
            tokens=tokens,
            identity_id=identity_id,
            credentials=credentials,
            api=httpx.Client(base_url=self.outputs["ApiUrl"], headers={"Authorization": tokens["IdToken"]}, timeout=30),
            s3=self.cloud.client("s3", credentials),
        )


@pytest.fixture(scope="session")
def todolist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TodoList]:
    cloud = CloudUnderTest(tmp_path_factory.mktemp("todolist")).start()
    app = TodoList(cloud)
    app.deploy()
    yield app
    cloud.stop()
