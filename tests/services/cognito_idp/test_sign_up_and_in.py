"""From sign-up to tokens, with pycognito's half of SRP and PyJWT's verification."""

import json
from typing import Any

import jwt

from stratus.wire.message import Headers, Request


async def test_given_a_new_user_when_they_confirm_then_pycognito_s_srp_gives_tokens_that_pyjwt_verifies(
    people: Any, api: Any
) -> None:
    signed_up = await people.sign_up("Alice@Example.com")
    assert signed_up["UserConfirmed"] is False
    assert signed_up["CodeDeliveryDetails"] == {
        "Destination": "A***@E***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    await api(
        "ConfirmSignUp", ClientId=people.client_id, Username="alice@example.com", ConfirmationCode=api.last_code()
    )

    result = await people.tokens("alice@EXAMPLE.com")

    assert (result["TokenType"], result["ExpiresIn"]) == ("Bearer", 900)
    jwks = await published(api, f"/{people.pool_id}/.well-known/jwks.json")
    issuer = f"https://cognito-idp.eu-central-1.amazonaws.com/{people.pool_id}"
    identity = verified(result["IdToken"], jwks, issuer, people.client_id)
    assert identity["sub"] == identity["cognito:username"] == signed_up["UserSub"]
    assert (identity["token_use"], identity["email"], identity["email_verified"]) == ("id", "Alice@Example.com", True)
    assert identity["exp"] - identity["iat"] == 900
    access = verified(result["AccessToken"], jwks, issuer, None)
    assert access["client_id"] == people.client_id
    assert access["scope"] == "aws.cognito.signin.user.admin"
    assert access["origin_jti"] == identity["origin_jti"]
    names = "sub iss client_id origin_jti event_id token_use scope auth_time exp iat jti username"
    assert set(access) == set(names.split())


async def test_given_a_pool_then_discovery_names_its_issuer_and_a_reachable_key_document(people: Any, api: Any) -> None:
    found = await published(api, f"/{people.pool_id}/.well-known/openid-configuration")
    assert found["issuer"] == f"https://cognito-idp.eu-central-1.amazonaws.com/{people.pool_id}"
    assert found["jwks_uri"] == f"http://localhost:4566/{people.pool_id}/.well-known/jwks.json"


async def test_given_another_path_then_nothing_is_published(people: Any, api: Any) -> None:
    for path in (f"/{people.pool_id}/.well-known/x", "/eu-central-1_nobody/.well-known/jwks.json", "/", "/jwks.json"):
        assert await api.service.http(Request("GET", path, "", Headers())) is None


async def published(api: Any, path: str) -> Any:
    response = await api.service.http(Request("GET", path, "", Headers()))
    assert response.status == 200
    return json.loads(response.body)


def verified(token: str, jwks: Any, issuer: str, audience: str | None) -> dict[str, Any]:
    keys = {key["kid"]: jwt.PyJWK(key) for key in jwks["keys"]}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": audience is not None}
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], issuer=issuer, audience=audience, options=options
    )
    return claims
