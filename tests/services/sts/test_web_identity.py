"""AssumeRoleWithWebIdentity: tokens verified, the trust policy's conditions evaluated on what they say."""

import json

import pytest
from botocore.exceptions import ClientError
from joserfc.jwk import OctKey, RSAKey

PROVIDER = "cognito-identity.amazonaws.com"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{PROVIDER}:aud": "eu-central-1:pool"},
                "ForAnyValue:StringLike": {f"{PROVIDER}:amr": "authenticated"},
            },
        }
    ],
}


@pytest.fixture
def assume(account):
    iam = account.client("iam")
    arn = iam.create_role(RoleName="SignedIn", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    own = "arn:aws:iam::*:user/${" + PROVIDER + ":sub}"
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:GetUser", "Resource": own}]}
    iam.put_role_policy(RoleName="SignedIn", PolicyName="own", PolicyDocument=json.dumps(policy))

    def call(token=None, role=arn, **options):
        token = token or account.issuer.token(account.clock.now())
        params = {"RoleArn": role, "RoleSessionName": "web", "WebIdentityToken": token} | options
        return account.client("sts").assume_role_with_web_identity(**params)

    return call


def refused(call, **params) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**params)
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_given_a_token_of_the_pool_then_a_session_that_knows_its_identity(account, assume):
    answer = assume()
    assert answer["SubjectFromWebIdentityToken"] == "eu-central-1:identity"
    assert (answer["Audience"], answer["Provider"]) == ("eu-central-1:pool", PROVIDER)
    client = account.client("iam", answer["Credentials"])
    admin = account.client("iam")
    admin.create_user(UserName="eu-central-1.identity")
    with pytest.raises(ClientError) as error:
        client.get_user(UserName="eu-central-1.identity")
    assert error.value.response["Error"]["Code"] == "AccessDenied"


def test_given_a_role_that_trusts_someone_else_then_denied(account, assume):
    iam = account.client("iam")
    trust = json.dumps(TRUST).replace(
        '"Federated": "cognito-identity.amazonaws.com"', '"Federated": "accounts.google.com"'
    )
    arn = iam.create_role(RoleName="Other", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert refused(assume, role=arn) == ("AccessDenied", 403)
    assert refused(assume, role=account.arn("role/None")) == ("AccessDenied", 403)


FORGED = {
    "another pool": ({"aud": "eu-central-1:other"}, ("AccessDenied", 403)),
    "a guest": ({"amr": ["unauthenticated"]}, ("AccessDenied", 403)),
    "no method": ({"amr": None}, ("AccessDenied", 403)),
    "a method that is no list": ({"amr": "authenticated"}, ("AccessDenied", 403)),
    "expired": ({"exp": 1_000_000_000}, ("ExpiredTokenException", 400)),
    "no expiry": ({"exp": None}, ("InvalidIdentityToken", 400)),
    "an expiry that is no number": ({"exp": "9999999999"}, ("InvalidIdentityToken", 400)),
    "issued in the future": ({"iat": 9_999_999_999}, ("InvalidIdentityToken", 400)),
    "another issuer": ({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/pool"}, ("InvalidIdentityToken", 400)),
    "no subject": ({"sub": None}, ("InvalidIdentityToken", 400)),
    "audiences": ({"aud": ["eu-central-1:pool"]}, ("InvalidIdentityToken", 400)),
}


@pytest.mark.parametrize("case", FORGED)
def test_given_a_token_that_says_something_else_then_refused(account, assume, case):
    claims, expected = FORGED[case]
    assert refused(assume, token=account.issuer.token(account.clock.now(), **claims)) == expected


def test_given_a_token_of_another_key_then_refused(account, assume):
    forged = account.issuer.token(account.clock.now(), key=RSAKey.generate_key(2048, parameters={"kid": "1"}))
    assert refused(assume, token=forged) == ("InvalidIdentityToken", 400)


@pytest.mark.filterwarnings("ignore:This key should not be used")
def test_given_a_token_signed_with_the_public_key_as_a_secret_then_refused(account, assume):
    secret = OctKey.import_key(account.issuer.key.as_pem(private=False).replace(b"BEGIN PUBLIC", b"BEGIN A PUBLIC"))
    forged = account.issuer.token(account.clock.now(), key=secret, header={"alg": "HS256"})
    assert refused(assume, token=forged) == ("InvalidIdentityToken", 400)


@pytest.mark.parametrize("token", ["abcd", "a.b.c", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.", "ey.." * 500])
def test_given_no_token_or_an_unsigned_one_then_refused(assume, token):
    assert refused(assume, token=token) == ("InvalidIdentityToken", 400)


def test_given_a_longer_duration_than_the_role_allows_then_refused(assume):
    assert refused(assume, DurationSeconds=7200) == ("ValidationError", 400)


def test_given_a_provider_id_then_refused_by_name(assume):
    assert refused(assume, ProviderId="www.amazon.com") == ("NotImplemented", 501)
