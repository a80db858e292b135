"""Who gets which identity, and the credentials behind it."""

import base64
import hashlib
import hmac
import json
import re
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from stratus.wire.errors import AwsError

USER_POOL = "eu-central-1_People123"
PROVIDER = f"cognito-idp.eu-central-1.amazonaws.com/{USER_POOL}"
FORBIDDEN = "Logins don't match. Please include at least one valid login for this identity or identity pool."


async def test_given_the_same_user_then_the_identity_is_the_same_also_after_a_restart(api: Any, pool_id: str) -> None:
    first = await api("GetId", IdentityPoolId=pool_id, Logins=api.login("alice"))
    other = await api("GetId", IdentityPoolId=pool_id, Logins=api.login("bob"))
    await api.restart()
    again = await api("GetId", IdentityPoolId=pool_id, Logins=api.login("alice"))
    assert re.fullmatch(r"eu-central-1:[0-9a-f-]{36}", first["IdentityId"])
    assert first == again != other


async def test_given_a_login_when_credentials_are_asked_for_then_sts_is_given_the_identity_s_token(
    api: Any, pool_id: str
) -> None:
    identity = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login()))["IdentityId"]

    answer = await api("GetCredentialsForIdentity", IdentityId=identity, Logins=api.login())

    assert answer["IdentityId"] == identity
    assert answer["Credentials"]["AccessKeyId"] == "ASIAEXAMPLE"
    assert answer["Credentials"]["SecretKey"] == "secret"
    _, operation, params = api.sts.calls[0]
    assert operation == "sts:AssumeRoleWithWebIdentity"
    assert params["RoleArn"] == "arn:aws:iam::123456789012:role/signed-in"
    claims = opened(api, params["WebIdentityToken"])
    assert (claims["iss"], claims["sub"], claims["aud"]) == (
        "https://cognito-identity.amazonaws.com",
        identity,
        pool_id,
    )
    assert claims["amr"] == ["authenticated", PROVIDER, f"{PROVIDER}:CognitoSignIn:alice"]


async def test_given_a_trust_policy_that_denies_then_the_pool_says_that_its_roles_do_not_fit(
    api: Any, pool_id: str
) -> None:
    identity = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login()))["IdentityId"]
    api.sts.refusal = AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    code, message = await refused(api("GetCredentialsForIdentity", IdentityId=identity, Logins=api.login()))
    assert code == "InvalidIdentityPoolConfigurationException"
    assert message == "Invalid identity pool configuration. Check assigned IAM roles for this pool."


async def test_given_somebody_else_s_identity_then_no_login_opens_it(api: Any, pool_id: str) -> None:
    alice = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login("alice")))["IdentityId"]
    for operation in ("GetCredentialsForIdentity", "GetOpenIdToken"):
        assert await refused(api(operation, IdentityId=alice, Logins=api.login("bob"))) == (
            "NotAuthorizedException",
            FORBIDDEN,
        )
        assert (await refused(api(operation, IdentityId=alice)))[0] == "NotAuthorizedException"
    assert api.sts.calls == []


async def test_given_no_login_then_there_are_no_guests(api: Any, pool_id: str) -> None:
    assert await refused(api("GetId", IdentityPoolId=pool_id)) == (
        "NotAuthorizedException",
        "Unauthenticated access is not supported for this identity pool.",
    )


async def test_given_a_user_who_signed_out_everywhere_then_the_token_is_worth_nothing(api: Any, pool_id: str) -> None:
    identity = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login()))["IdentityId"]
    api.people.signed_out.add("alice")
    for request in (
        api("GetId", IdentityPoolId=pool_id, Logins=api.login()),
        api("GetCredentialsForIdentity", IdentityId=identity, Logins=api.login()),
    ):
        assert (await refused(request))[0] == "NotAuthorizedException"


async def test_given_the_classic_flow_is_off_then_no_open_id_token_is_handed_out(api: Any, pool_id: str) -> None:
    identity = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login()))["IdentityId"]
    assert await refused(api("GetOpenIdToken", IdentityId=identity, Logins=api.login())) == (
        "InvalidParameterException",
        "Basic (classic) flow is not enabled, please use enhanced flow.",
    )


async def test_given_the_classic_flow_is_on_then_the_open_id_token_lives_ten_minutes(api: Any, pool_id: str) -> None:
    await api(
        "UpdateIdentityPool",
        IdentityPoolId=pool_id,
        IdentityPoolName="files",
        AllowUnauthenticatedIdentities=False,
        AllowClassicFlow=True,
        CognitoIdentityProviders=[{"ProviderName": PROVIDER, "ClientId": "7app7client"}],
    )
    identity = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login()))["IdentityId"]
    token = (await api("GetOpenIdToken", IdentityId=identity, Logins=api.login()))["Token"]
    claims = opened(api, token)
    assert (claims["sub"], claims["exp"]) == (identity, int(api.clock.now()) + 600)


async def test_given_identities_when_they_are_deleted_then_they_are_gone_and_deleting_again_is_no_error(
    api: Any, pool_id: str
) -> None:
    alice = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login("alice")))["IdentityId"]
    bob = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login("bob")))["IdentityId"]
    assert (await api("DescribeIdentity", IdentityId=alice))["Logins"] == [PROVIDER]
    first = await api("ListIdentities", IdentityPoolId=pool_id, MaxResults=1)
    second = await api("ListIdentities", IdentityPoolId=pool_id, MaxResults=1, NextToken=first["NextToken"])
    assert {page["Identities"][0]["IdentityId"] for page in (first, second)} == {alice, bob}
    for _ in range(2):
        assert (await api("DeleteIdentities", IdentityIdsToDelete=[alice]))["UnprocessedIdentityIds"] == []
    assert (await refused(api("DescribeIdentity", IdentityId=alice)))[0] == "ResourceNotFoundException"
    assert (await api("GetId", IdentityPoolId=pool_id, Logins=api.login("alice")))["IdentityId"] != alice


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("guests", {"AllowUnauthenticatedIdentities": True}),
        ("SamlProviderARNs", {"SamlProviderARNs": ["arn:aws:iam::123456789012:saml-provider/x"]}),
        ("DeveloperProviderName", {"DeveloperProviderName": "x"}),
        ("SupportedLoginProviders", {"SupportedLoginProviders": {"graph.facebook.com": "1"}}),
    ],
)
async def test_given_a_pool_with_what_is_not_there_then_it_is_refused_by_name(api: Any, what: str, asked: Any) -> None:
    wanted = {"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": False, **asked}
    code, message = await refused(api("CreateIdentityPool", **wanted))
    assert code == "NotImplemented"
    assert what in message


def test_setting_roles_needs_leave_to_pass_them(api: Any) -> None:
    class Asked:
        params = {"IdentityPoolId": "p", "Roles": {"authenticated": "arn:aws:iam::123456789012:role/r"}}  # noqa: RUF012

    wanted = list(api.service.operations["SetIdentityPoolRoles"].access(api.service, Asked))
    assert ("iam:PassRole", "arn:aws:iam::123456789012:role/r") in [(a.action, a.resource) for a in wanted]


# ---- the attack table: each row is a login that must open nothing -------------------------------------------------------


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _alg_none(api: Any, sign: Any, key: Any, stranger: Any) -> str:
    return f"{_segment({'alg': 'none', 'kid': 'pool-key'})}.{_segment(api.claims())}."


def _hmac_with_public_key(api: Any, sign: Any, key: Any, stranger: Any) -> str:
    signed = f"{_segment({'alg': 'HS256', 'kid': 'pool-key'})}.{_segment(api.claims())}"
    mac = hmac.new(key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


ATTACKS = {
    "alg none": _alg_none,
    "HS256 keyed with the public key": _hmac_with_public_key,
    "another key under a known kid": lambda api, sign, key, stranger: sign(api.claims(), stranger),
    "unknown kid": lambda api, sign, key, stranger: sign(
        api.claims(), key, {"alg": "RS256", "kid": "../../etc/passwd"}
    ),
    "no kid": lambda api, sign, key, stranger: sign(api.claims(), key, {"alg": "RS256"}),
    "another pool's issuer": lambda api, sign, key, stranger: sign(
        api.claims(iss="https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other")
    ),
    "another client": lambda api, sign, key, stranger: sign(api.claims(aud="another")),
    "expired": lambda api, sign, key, stranger: sign(api.claims(exp=int(api.clock.now()))),
    "access token": lambda api, sign, key, stranger: sign(
        api.claims(token_use="access", aud=None, client_id="7app7client")
    ),
    "access token dressed up with an audience": lambda api, sign, key, stranger: sign(api.claims(token_use="access")),
    "no subject": lambda api, sign, key, stranger: sign(api.claims(sub=None)),
    "no expiry": lambda api, sign, key, stranger: sign(api.claims(exp=None)),
    "changed payload": lambda api, sign, key, stranger: _changed(sign(api.claims()), api.claims("bob")),
    "not a token": lambda api, sign, key, stranger: "x",
    "three dots": lambda api, sign, key, stranger: "...",
    "not ASCII": lambda api, sign, key, stranger: "é.é.é",
    "far too long": lambda api, sign, key, stranger: "x" * 60_000,
    "deeply nested": lambda api, sign, key, stranger: f"{'eyJh' * 10_000}.e30.x",
}


def _changed(token: str, claims: dict[str, Any]) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{_segment(claims)}.{signature}"


@pytest.mark.parametrize("attack", ATTACKS)
async def test_given_a_bad_login_then_it_opens_nothing(api: Any, pool_id: str, attack: str, forge: Any) -> None:
    alice = (await api("GetId", IdentityPoolId=pool_id, Logins=api.login("alice")))["IdentityId"]
    login = {PROVIDER: forge(ATTACKS[attack])}
    for request in (
        api("GetId", IdentityPoolId=pool_id, Logins=login),
        api("GetCredentialsForIdentity", IdentityId=alice, Logins=login),
    ):
        code, message = await refused(request)
        assert code == "NotAuthorizedException"
        assert message.startswith("Invalid login token. ")
    assert api.sts.calls == []


@pytest.mark.parametrize(
    "provider", ["graph.facebook.com", "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other", ""]
)
async def test_given_a_provider_that_the_pool_does_not_trust_then_its_login_opens_nothing(
    api: Any, pool_id: str, provider: str
) -> None:
    login = {provider: next(iter(api.login().values()))}
    assert await refused(api("GetId", IdentityPoolId=pool_id, Logins=login)) == (
        "NotAuthorizedException",
        "Token is not from a supported provider of this identity pool.",
    )


def opened(api: Any, token: str) -> dict[str, Any]:
    """The claims of an OpenID token, verified with the published key."""
    keys = KeySet.import_key_set(api.service.open_id_tokens.jwks())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


async def refused(awaitable: Any) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        await awaitable
    return caught.value.code, caught.value.message
