"""Who gets in: user pool tokens, AWS_IAM, the API's resource policy. Each row of an attack is refused in AWS's words."""

import base64
import hmac
from typing import Any

import orjson
import pytest

from stratus.iam.policy.evaluation import Denial, Layer
from stratus.iam.principal import ANONYMOUS, Kind, Principal
from stratus.service import Access
from stratus.services.apigateway.cognito_authorizer import MAX_CACHED, TokenVerifier
from stratus.services.apigateway.definition import CALLER_CREDENTIALS
from stratus.wire.errors import AwsError
from tests.services.apigateway.conftest import (
    ACCOUNT,
    POOL_ARN,
    REGION,
    Bench,
    FakePool,
    cognito,
    header,
    message,
    openapi,
    proxy,
)

FOREIGN_KEY = FakePool.new_key()


def secured(**more: Any) -> dict[str, Any]:
    paths = {
        "/mine": {"get": proxy() | {"security": [{"People": []}]}},
        "/scoped": {"get": proxy() | {"security": [{"People": ["todos/read", "aws.cognito.signin.user.admin"]}]}},
        "/signed": {"get": proxy() | {"security": [{"AWS_IAM": []}]}},
        "/as-caller": {"get": proxy(credentials=CALLER_CREDENTIALS) | {"security": [{"AWS_IAM": []}]}},
        "/open": {"get": proxy() | {"security": [{"NONE": []}]}},
    }
    return openapi(paths, components={"securitySchemes": cognito()}, **more)


@pytest.fixture
async def api(bench: Bench) -> Bench:
    await bench.deploy(secured())
    return bench


async def ask(bench: Bench, token: str | None, path: str = "/api/mine") -> Any:
    return await bench.send("GET", path, headers=None if token is None else {"authorization": token})


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer "])
async def test_an_id_token_gets_in_and_its_claims_reach_the_function_as_text(api: Bench, prefix: str) -> None:
    response = await ask(api, prefix + api.id_token())
    assert response.status == 200
    claims = api.caller.events[0]["requestContext"]["authorizer"]["claims"]
    assert claims["sub"] == "s-1"
    assert claims["email_verified"] == "true"
    assert claims["cognito:groups"] == "a,b"
    assert claims["auth_time"] == "1800000000"
    assert claims["exp"] == "Fri Jan 15 08:15:00 UTC 2027"


def unsigned(bench: Bench, alg: str) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")

    payload = bench.id_token().split(".")[1]
    return f"{part({'alg': alg, 'kid': bench.pool.key.kid})}.{payload}."


def with_public_key_as_secret(bench: Bench) -> str:
    """The classic confusion: an HMAC under the text of the public key."""
    signed = unsigned(bench, "HS256").removesuffix(".")
    code = hmac.digest(bench.pool.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


def tampered(bench: Bench) -> str:
    head, _, signature = bench.id_token().split(".")
    _, payload, _ = bench.id_token(sub="somebody else").split(".")
    return f"{head}.{payload}.{signature}"


ATTACKS: dict[str, Any] = {
    "no token": lambda bench: None,
    "empty": lambda bench: "",
    "nonsense": lambda bench: "nonsense",
    "two dots": lambda bench: "..",
    "not ascii": lambda bench: "é" * 50,
    "endless": lambda bench: "a" * 9000,
    "alg none": lambda bench: unsigned(bench, "none"),
    "alg None": lambda bench: unsigned(bench, "None"),
    "alg empty": lambda bench: unsigned(bench, ""),
    "public key as secret": with_public_key_as_secret,
    "tampered payload": tampered,
    "signature cut": lambda bench: bench.id_token()[:-20],
    "foreign key, own kid": lambda bench: bench.pool.token({"sub": "x"}, key=FOREIGN_KEY),
    "foreign key, pool's kid": lambda bench: bench.pool.token(
        {"iss": f"https://cognito-idp.{REGION}.amazonaws.com/eu-west-1_abcdefghi", "exp": 2e9, "token_use": "id"},
        key=FOREIGN_KEY,
        header={"kid": bench.pool.key.kid},
    ),
    "another pool's issuer": lambda bench: bench.id_token(
        iss=f"https://cognito-idp.{REGION}.amazonaws.com/eu-west-1_x"
    ),
    "issuer elsewhere": lambda bench: bench.id_token(iss="https://evil.example/eu-west-1_abcdefghi"),
    "no issuer": lambda bench: bench.id_token(iss=None),
    "no expiry": lambda bench: bench.id_token(exp=None),
    "expiry as text": lambda bench: bench.id_token(exp="2999999999"),
    "expiry true": lambda bench: bench.id_token(exp=True),
    "access token": lambda bench: bench.id_token(token_use="access"),
    "no token use": lambda bench: bench.id_token(token_use=None),
    "kid is a path": lambda bench: bench.pool.token({"sub": "x"}, header={"kid": "../../etc/passwd"}),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_bad_token_is_unauthorized(api: Bench, attack: str) -> None:
    response = await ask(api, ATTACKS[attack](api))
    assert (response.status, message(response)) == (401, {"message": "Unauthorized"})
    assert header(response, "x-amzn-ErrorType") == "UnauthorizedException"
    assert api.caller.events == []


async def test_of_two_tokens_none_is_taken_as_the_function_would_see_the_other_one(api: Bench) -> None:
    both = [("authorization", api.id_token()), ("authorization", api.id_token(sub="somebody else"))]
    assert (await api.send("GET", "/api/mine", headers=both)).status == 401
    assert api.caller.events == []


async def test_a_token_ends_when_its_time_is_over_also_one_that_was_seen_before(api: Bench) -> None:
    token = api.id_token()
    assert (await ask(api, token)).status == 200
    api.clock.advance(899)
    assert (await ask(api, token)).status == 200
    api.clock.advance(1)
    response = await ask(api, token)
    assert (response.status, message(response)) == (401, {"message": "The incoming token has expired"})


@pytest.mark.parametrize(
    ("use", "scope", "status"),
    [
        ("access", "aws.cognito.signin.user.admin", 200),
        ("access", "openid todos/read", 200),
        ("access", "todos/write", 401),
        ("access", None, 401),
        ("id", "todos/read", 401),
    ],
)
async def test_scopes_ask_for_an_access_token_that_has_one(
    api: Bench, use: str, scope: str | None, status: int
) -> None:
    assert (await ask(api, api.id_token(token_use=use, scope=scope), "/api/scoped")).status == status


async def test_keys_are_fetched_once_and_again_for_a_new_key_but_not_for_each_made_up_one(api: Bench) -> None:
    for number in range(5):
        assert (await ask(api, api.id_token(jti=str(number)))).status == 200
    assert api.pool.fetches == 1
    for _ in range(5):
        assert (await ask(api, api.pool.token({"sub": "x"}, key=FOREIGN_KEY))).status == 401
    assert api.pool.fetches == 1
    api.pool.published = [api.pool.key, FOREIGN_KEY]
    api.clock.advance(61)
    now = int(api.clock.now())
    iss = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL_ARN.rpartition('/')[2]}"
    rotated = api.pool.token({"iss": iss, "exp": now + 9, "token_use": "id"}, key=FOREIGN_KEY)
    assert (await ask(api, rotated)).status == 200
    assert api.pool.fetches == 2


async def test_when_the_pool_cannot_be_asked_the_authorizer_failed(api: Bench) -> None:
    api.pool.reachable = False
    response = await ask(api, api.id_token())
    assert (response.status, message(response)) == (500, {"message": "Internal server error"})
    api.pool.reachable = True
    assert (await ask(api, api.id_token())).status == 500
    assert api.pool.fetches == 1
    api.clock.advance(1)
    assert (await ask(api, api.id_token())).status == 200


async def test_the_cache_of_tokens_is_bounded(api: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratus.services.apigateway.cognito_authorizer.MAX_CACHED", 2)
    for number in range(4):
        await ask(api, api.id_token(jti=str(number)))
    verifier: TokenVerifier = api.service.gateway.verifier
    assert len(verifier._cache) == 2
    assert MAX_CACHED >= 1000


async def test_no_authorizer_lets_everybody_in(api: Bench) -> None:
    assert (await ask(api, None, "/api/open")).status == 200
    assert "authorizer" not in api.caller.events[0]["requestContext"]


@pytest.mark.parametrize(
    ("caller", "kind", "text"),
    [
        (None, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        ("forged", "InvalidSignatureException", "The request signature we calculated does not match."),
        ("expired", "ExpiredTokenException", "The security token included in the request is expired"),
    ],
)
async def test_aws_iam_refuses_bad_signatures(api: Bench, caller: str | None, kind: str, text: str) -> None:
    response = await api.send("GET", "/api/signed", headers={} if caller is None else {"x-caller": caller})
    assert (response.status, message(response)) == (403, {"message": text})
    assert header(response, "x-amzn-ErrorType") == kind


async def test_a_signed_body_that_is_too_large_is_not_called_a_bad_signature(api: Bench) -> None:
    response = await api.send("GET", "/api/signed", b"x" * (10 * 1024 * 1024 + 1), headers={"x-caller": "ann"})
    assert (response.status, message(response)) == (413, {"message": "Request Too Long"})


async def test_aws_iam_asks_for_execute_api_invoke_on_the_path_as_requested(api: Bench) -> None:
    asked: list[Access] = []

    def allow(principal: Principal, access: Access, policy: str | None) -> Denial | None:
        asked.append(access)
        return None

    api.gate.denied = allow
    response = await api.send("GET", "/api/signed", headers={"x-caller": "ann", "authorization": "AWS4-HMAC-SHA256 x"})
    assert response.status == 200
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.api_id}/api/GET/signed"
    assert [(access.action, access.resource) for access in asked] == [("execute-api:Invoke", arn)]
    event = api.caller.events[0]
    assert event["requestContext"]["identity"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert event["requestContext"]["identity"]["accessKey"] == "AKIA1"
    assert "authorization" not in event["headers"]


@pytest.mark.parametrize(("explicit", "end"), [(False, ""), (True, " with an explicit deny")])
async def test_aws_iam_denies_in_aws_s_words(api: Bench, explicit: bool, end: str) -> None:
    api.gate.denied = lambda principal, access, policy: Denial(Layer.IDENTITY, explicit)
    response = await api.send("GET", "/api/signed", headers={"x-caller": "ann"})
    arn = f"arn:aws:execute-api:{REGION}:********9012:{api.api_id}/api/GET/signed"
    sentence = f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: execute-api:Invoke on resource: {arn}{end}"
    assert (response.status, message(response)) == (403, {"message": sentence})
    assert header(response, "x-amzn-ErrorType") == "AccessDeniedException"


async def test_caller_credentials_invoke_the_function_as_the_caller(api: Bench) -> None:
    await api.send("GET", "/api/as-caller", headers={"x-caller": "ann"})
    await api.send("GET", "/api/signed", headers={"x-caller": "ann"})
    assert [principal.kind for principal, _, _ in api.caller.invocations] == [Kind.USER, Kind.SERVICE]


async def test_a_resource_policy_is_asked_for_everybody(bench: Bench) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "execute-api:/api/GET/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    await bench.deploy(secured(**{"x-amazon-apigateway-policy": policy}))
    seen: list[tuple[Principal, str | None]] = []

    def deny(principal: Principal, access: Access, text: str | None) -> Denial | None:
        seen.append((principal, text))
        return Denial(Layer.RESOURCE, True)

    bench.gate.denied = deny
    assert (await ask(bench, None, "/api/open")).status == 403
    assert (await ask(bench, bench.id_token())).status == 403
    assert [principal for principal, _ in seen] == [ANONYMOUS, ANONYMOUS]
    resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{bench.api_id}/api/GET/*"
    assert orjson.loads(seen[0][1] or "") == policy | {"Statement": [statement | {"Resource": [resource]}]}


@pytest.mark.parametrize("policy", ["x", [], {}, {"Statement": [7]}, {"Statement": [{"Effect": "Maybe"}]}])
async def test_what_is_no_policy_is_refused_and_not_left_away(bench: Bench, policy: Any) -> None:
    with pytest.raises(AwsError, match="Invalid policy document"):
        await bench.deploy(secured(**{"x-amazon-apigateway-policy": policy}))
