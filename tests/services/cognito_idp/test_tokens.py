"""What tokens are worth: the attack table, refresh, rotation, revocation, sign-out."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

ALICE = "alice@example.com"
INVALID = ("NotAuthorizedException", "Invalid Access Token")
REVOKED = ("NotAuthorizedException", "Access Token has been revoked")


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def signed(claims: dict[str, Any], key: RSAKey, kid: str | None = None) -> str:
    header = {"alg": "RS256", "kid": kid or key.kid}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["RS256"])


class Forger:
    """What somebody has who wants in: a token of their own, public keys, and a key that is not the pool's."""

    def __init__(self, people: Any, tokens: dict[str, str]) -> None:
        self.keys = people.api.service.pools[people.pool_id].keys
        self.own = tokens["AccessToken"]
        self.id_token = tokens["IdToken"]
        self.claims = claims_of(self.own)
        self.stranger = RSAKey.generate_key(2048, private=True)


def with_hmac(forger: Forger) -> str:
    head = f"{segment({'alg': 'HS256', 'kid': forger.keys.access_token.kid})}.{segment(forger.claims)}"
    mac = hmac.new(forger.keys.access_token.as_pem(private=False), head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def changed_payload(forger: Forger) -> str:
    header, _, signature = forger.own.split(".")
    return f"{header}.{segment({**forger.claims, 'sub': 'somebody-else'})}.{signature}"


ATTACKS: dict[str, Callable[[Forger], str]] = {
    "alg none": lambda f: f"{segment({'alg': 'none', 'kid': f.keys.access_token.kid})}.{segment(f.claims)}.",
    "HS256 keyed with the public key": with_hmac,
    "another key under the pool's kid": lambda f: signed(f.claims, f.stranger, f.keys.access_token.kid),
    "a kid of one's own": lambda f: signed(f.claims, f.stranger, "mine"),
    "key in the header": lambda f: jws.serialize_compact(
        {"alg": "RS256", "jwk": f.stranger.as_dict(private=False)}, json.dumps(f.claims).encode(), f.stranger
    ),
    "kid that is no text": lambda f: f"{segment({'alg': 'RS256', 'kid': ['x']})}.{segment(f.claims)}.AAAA",
    "ID token as access token": lambda f: f.id_token,
    "ID token's claims under the access key": lambda f: signed(claims_of(f.id_token), f.keys.access_token),
    "access claims under the ID key": lambda f: signed(f.claims, f.keys.id_token),
    "another issuer": lambda f: signed({**f.claims, "iss": "https://example.com"}, f.keys.access_token),
    "changed payload": changed_payload,
    "cut off": lambda f: f.own[:-4],
    "no signature": lambda f: f.own.rpartition(".")[0] + ".",
    "one part": lambda f: "x",
    "dots": lambda f: "...",
    "header that is no object": lambda f: f"{segment([])}.{segment({})}.AAAA",
    "too long": lambda f: "A" * 200_000,
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_given_a_forged_access_token_then_it_opens_nothing(
    people: Any, api: Any, refused: Any, attack: str
) -> None:
    await people.confirmed()
    forged = ATTACKS[attack](Forger(people, await people.tokens()))
    assert await refused(api("GetUser", AccessToken=forged)) == INVALID
    assert await refused(api("DeleteUser", AccessToken=forged)) == INVALID
    assert await people.tokens()


async def test_given_a_token_of_another_pool_then_its_user_is_its_own(people: Any, make_people: Any, api: Any) -> None:
    await people.confirmed()
    other = await make_people()
    await other.confirmed()
    mine = await api("GetUser", AccessToken=(await people.tokens())["AccessToken"])
    theirs = await api("GetUser", AccessToken=(await other.tokens())["AccessToken"])
    assert mine["Username"] != theirs["Username"]


async def test_given_fifteen_minutes_then_the_access_token_has_expired(
    people: Any, api: Any, clock: Any, refused: Any
) -> None:
    await people.confirmed()
    token = (await people.tokens())["AccessToken"]
    clock.advance(899)
    assert await api("GetUser", AccessToken=token)
    clock.advance(1)
    assert await refused(api("GetUser", AccessToken=token)) == ("NotAuthorizedException", "Access Token has expired")


class TestRefresh:
    def refresh(self, people: Any, token: str, client_id: str | None = None) -> Any:
        return people.api(
            "InitiateAuth",
            ClientId=client_id or people.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
        )

    async def test_given_a_refresh_token_then_it_gives_new_tokens_of_the_same_sign_in_also_after_a_restart(
        self, people: Any, api: Any, clock: Any
    ) -> None:
        await people.confirmed()
        first = await people.tokens()
        clock.advance(3600)
        await api.restart()
        second = (await self.refresh(people, first["RefreshToken"]))["AuthenticationResult"]
        assert "RefreshToken" not in second
        before, after = claims_of(first["IdToken"]), claims_of(second["IdToken"])
        assert (before["origin_jti"], before["auth_time"]) == (after["origin_jti"], after["auth_time"])
        assert after["iat"] == before["iat"] + 3600
        assert before["jti"] != after["jti"]
        assert await api("GetUser", AccessToken=second["AccessToken"])

    async def test_given_thirty_days_then_the_refresh_token_has_expired(
        self, people: Any, clock: Any, refused: Any
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["RefreshToken"]
        clock.advance(30 * 86_400 - 1)
        assert await self.refresh(people, token)
        clock.advance(1)
        assert await refused(self.refresh(people, token)) == ("NotAuthorizedException", "Refresh Token has expired")

    async def test_given_a_changed_or_foreign_refresh_token_then_it_is_invalid(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["RefreshToken"]
        invalid = ("NotAuthorizedException", "Invalid Refresh Token")
        flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
        for bad in (flipped, token[:-1], token + "A", token.swapcase(), "x"):
            assert await refused(self.refresh(people, bad)) == invalid
        other = await api("CreateUserPoolClient", UserPoolId=people.pool_id, ClientName="other")
        assert await refused(self.refresh(people, token, other["UserPoolClient"]["ClientId"])) == invalid

    async def test_given_rotation_then_each_token_works_once_and_the_one_before_only_in_its_grace(
        self, make_people: Any, api: Any, clock: Any, refused: Any
    ) -> None:
        people = await make_people(
            client={
                "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
                "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
            }
        )
        await people.confirmed()

        def rotate(token: str) -> Any:
            return api("GetTokensFromRefreshToken", ClientId=people.client_id, RefreshToken=token)

        first = (await people.tokens())["RefreshToken"]
        second = (await rotate(first))["AuthenticationResult"]["RefreshToken"]
        assert second != first
        clock.advance(9)
        third = (await rotate(second))["AuthenticationResult"]["RefreshToken"]
        assert await refused(rotate(first)) == ("NotAuthorizedException", "Invalid Refresh Token")
        clock.advance(11)
        assert await refused(rotate(second)) == ("NotAuthorizedException", "Invalid Refresh Token")
        assert await rotate(third)


class TestSignOut:
    async def test_given_a_revoked_refresh_token_then_everything_of_that_sign_in_is_revoked_and_nothing_else(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        sub = await people.confirmed()
        first, second = await people.tokens(), await people.tokens()
        for _ in range(2):
            await api("RevokeToken", ClientId=people.client_id, Token=first["RefreshToken"])
        await api("RevokeToken", ClientId=people.client_id, Token="unknown")
        await api.restart()
        assert await refused(api("GetUser", AccessToken=first["AccessToken"])) == REVOKED
        assert await refused(TestRefresh().refresh(people, first["RefreshToken"])) == (
            "NotAuthorizedException",
            "Refresh Token has been revoked",
        )
        assert await api("GetUser", AccessToken=second["AccessToken"])
        asks = api.service.is_signed_in
        assert not asks(people.pool_id, sub, claims_of(first["IdToken"])["origin_jti"])
        assert asks(people.pool_id, sub, claims_of(second["IdToken"])["origin_jti"])
        assert not asks("eu-central-1_other", sub, claims_of(second["IdToken"])["origin_jti"])
        assert not asks(people.pool_id, "somebody-else", claims_of(second["IdToken"])["origin_jti"])

    async def test_given_another_client_then_it_cannot_revoke(self, people: Any, api: Any, refused: Any) -> None:
        await people.confirmed()
        token = (await people.tokens())["RefreshToken"]
        other = (await api("CreateUserPoolClient", UserPoolId=people.pool_id, ClientName="other"))["UserPoolClient"]
        assert (await refused(api("RevokeToken", ClientId=other["ClientId"], Token=token)))[
            0
        ] == "UnauthorizedException"

    async def test_given_an_access_token_then_it_is_not_what_revoke_takes(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        token = (await people.tokens())["AccessToken"]
        code, _ = await refused(api("RevokeToken", ClientId=people.client_id, Token=token))
        assert code == "UnsupportedTokenTypeException"

    @pytest.mark.parametrize("by", ["the user", "an operator", "disabling", "deleting"])
    async def test_given_a_sign_out_everywhere_then_no_token_of_the_user_is_worth_anything(
        self, people: Any, api: Any, refused: Any, by: str
    ) -> None:
        sub = await people.confirmed()
        await people.confirmed("bob@example.com")
        tokens = [await people.tokens(), await people.tokens()]
        bob = await people.tokens("bob@example.com")
        named = {"UserPoolId": people.pool_id, "Username": ALICE}
        if by == "the user":
            await api("GlobalSignOut", AccessToken=tokens[0]["AccessToken"])
        elif by == "an operator":
            await api("AdminUserGlobalSignOut", **named)
        elif by == "disabling":
            await api("AdminDisableUser", **named)
        else:
            await api("AdminDeleteUser", **named)
        await api.restart()
        for each in tokens:
            code, _ = await refused(api("GetUser", AccessToken=each["AccessToken"]))
            assert code == ("UserNotFoundException" if by == "deleting" else "NotAuthorizedException")
            assert (await refused(TestRefresh().refresh(people, each["RefreshToken"])))[0] == "NotAuthorizedException"
            assert not api.service.is_signed_in(people.pool_id, sub, claims_of(each["IdToken"])["origin_jti"])
        assert await api("GetUser", AccessToken=bob["AccessToken"])
