"""Two regions behind one endpoint: an unsigned call names no region, and reaches the one that knows what it names."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cloud_under_test import CloudUnderTest

HOME, AWAY = "eu-central-1", "eu-west-1"
PASSWORD = "Correct-horse-1"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudUnderTest]:
    running = CloudUnderTest(tmp_path_factory.mktemp("two"), regions=(HOME, AWAY)).start()
    yield running
    running.stop()


def administrator(two: CloudUnderTest, service: str, region: str) -> Any:
    admin = two.cloud.administrator
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service's name is one of boto3's
        endpoint_url=two.endpoint,
        region_name=region,
        aws_access_key_id=admin.access_key_id,
        aws_secret_access_key=admin.secret_access_key,
    )


@pytest.fixture(scope="module")
def unsigned(two: CloudUnderTest) -> Any:
    """A client like a page's: the local endpoint, no credentials; the region that it is configured with reaches nobody."""
    return lambda service: boto3.client(
        service, endpoint_url=two.endpoint, region_name=HOME, config=Config(signature_version=UNSIGNED)
    )


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_given_a_client_of_a_region_when_its_users_sign_in_then_they_are_found_there(
    two: CloudUnderTest, unsigned: Any, region: str
) -> None:
    idp = administrator(two, "cognito-idp", region)
    pool = idp.create_user_pool(PoolName="p")["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = idp.create_user_pool_client(UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows)
    client_id = client["UserPoolClient"]["ClientId"]
    page = unsigned("cognito-idp")
    page.sign_up(ClientId=client_id, Username="ann", Password=PASSWORD)
    idp.admin_confirm_sign_up(UserPoolId=pool, Username="ann")
    tokens = page.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    assert page.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    page.global_sign_out(AccessToken=tokens["AccessToken"])


def test_given_a_session_alone_when_it_sets_up_its_totp_then_it_is_found_in_its_region(
    two: CloudUnderTest, unsigned: Any
) -> None:
    idp = administrator(two, "cognito-idp", AWAY)
    pool = idp.create_user_pool(PoolName="totp")["UserPool"]["Id"]
    idp.set_user_pool_mfa_config(
        UserPoolId=pool, MfaConfiguration="ON", SoftwareTokenMfaConfiguration={"Enabled": True}
    )
    client = idp.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )["UserPoolClient"]["ClientId"]
    page = unsigned("cognito-idp")
    page.sign_up(ClientId=client, Username="ann", Password=PASSWORD)
    idp.admin_confirm_sign_up(UserPoolId=pool, Username="ann")
    challenge = page.initiate_auth(
        ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": "ann", "PASSWORD": PASSWORD}
    )
    assert challenge["ChallengeName"] == "MFA_SETUP"
    assert page.associate_software_token(Session=challenge["Session"])["SecretCode"]


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_given_an_identity_pool_when_a_guest_asks_then_its_own_region_refuses(
    two: CloudUnderTest, unsigned: Any, region: str
) -> None:
    pools = administrator(two, "cognito-identity", region)
    pool = pools.create_identity_pool(IdentityPoolName="p", AllowUnauthenticatedIdentities=False)["IdentityPoolId"]
    with pytest.raises(ClientError, match="Unauthenticated access is not supported"):
        unsigned("cognito-identity").get_id(IdentityPoolId=pool)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("sign_up", {"ClientId": "nobodysclient", "Username": "a", "Password": PASSWORD}),
        ("get_user", {"AccessToken": "no-token"}),
        ("get_user", {"AccessToken": "eyJraWQiOiJ4In0.e30.AA"}),
        ("associate_software_token", {"Session": "s" * 40}),
        ("associate_software_token", {}),
    ],
)
def test_given_what_no_region_knows_then_it_is_refused_as_in_one(
    unsigned: Any, operation: str, params: dict[str, str]
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(unsigned("cognito-idp"), operation)(**params)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
