"""The application's API: tokens"""

import base64
import hashlib
import hmac
import json
import re
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.jwk import RSAKey
from pycognito.aws_srp import AWSSRP

from tests.attacks.table import attack
from tests.attacks.world import World
from tests.end_to_end.conftest import TodoList

REFUSED = "401 unauthorized"


def _ask(world: World, token: str, prefix: str = "Bearer ") -> httpx.Response:
    return httpx.get(f"{world.api_url}/todos", headers={"Authorization": prefix + token})


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, claims, signature = token.split(".")
    return _decoded(header), _decoded(claims), signature


def _decoded(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def _encoded(value: dict[str, Any] | bytes) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _owners_claims(world: World) -> dict[str, Any]:
    return _parts(world.owner.tokens["IdToken"])[1]


def _jwks(world: World) -> list[dict[str, Any]]:
    url = f"{world.endpoint}/{world.todolist.outputs['UserPoolId']}/.well-known/jwks.json"
    keys: list[dict[str, Any]] = httpx.get(url).json()["keys"]
    return keys


def _public_pem(world: World) -> bytes:
    kid = _parts(world.owner.tokens["IdToken"])[0]["kid"]
    (key,) = [key for key in _jwks(world) if key["kid"] == kid]
    return RSAKey.import_key(key).as_pem(private=False)


@attack("200")
def control_right_token(world: World) -> Any:
    """Nothing wrong, for comparison: their own ID token."""
    return _ask(world, world.stranger.tokens["IdToken"])


@attack({"": REFUSED, "nonsense": REFUSED, "a.b.c": REFUSED, "..": REFUSED, "null": REFUSED})
def no_token(world: World, token: str) -> Any:
    """Sends {} as token."""
    return _ask(world, token, prefix="")


@attack(REFUSED)
def no_header(world: World) -> Any:
    """Sends no Authorization header."""
    return httpx.get(f"{world.api_url}/todos")


@attack(dict.fromkeys(["none", "None", "NONE", "nOnE", ""], REFUSED))
def alg_none(world: World, alg: str) -> Any:
    """Writes the owner's claims into a token with `alg` {} and no signature."""
    kid = _parts(world.owner.tokens["IdToken"])[0]["kid"]
    return _ask(world, f"{_encoded({'alg': alg, 'kid': kid})}.{_encoded(_owners_claims(world))}.")


@attack(dict.fromkeys(["PEM", "JWK", "modulus"], REFUSED))
def public_key_as_secret(world: World, form: str) -> Any:
    """Signs the owner's claims with HS256 and the pool's public key (as {}) as the secret."""
    header = _parts(world.owner.tokens["IdToken"])[0]
    jwk = next(key for key in _jwks(world) if key["kid"] == header["kid"])
    secret = {"PEM": _public_pem(world), "JWK": json.dumps(jwk).encode(), "modulus": jwk["n"].encode()}[form]
    signed = f"{_encoded({**header, 'alg': 'HS256'})}.{_encoded(_owners_claims(world))}"
    return _ask(world, f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}")


@attack(REFUSED)
def empty_secret(world: World) -> Any:
    """Signs with HS256 and an empty secret."""
    header = {**_parts(world.owner.tokens["IdToken"])[0], "alg": "HS256"}
    signed = f"{_encoded(header)}.{_encoded(_owners_claims(world))}"
    return _ask(world, f"{signed}.{_encoded(hmac.digest(b'', signed.encode(), hashlib.sha256))}")


def _own_key_token(world: World, **header: Any) -> str:
    key = RSAKey.import_key(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    protected = {**_parts(world.owner.tokens["IdToken"])[0], **header}
    if header.get("jwk") == "own":
        protected["jwk"] = key.as_dict(private=False)
    payload = json.dumps(_owners_claims(world)).encode()
    return jws.serialize_compact(
        protected, payload, key, registry=jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    )


@attack(REFUSED)
def own_key(world: World) -> Any:
    """Signs the owner's claims with a key of their own under the pool's key id."""
    return _ask(world, _own_key_token(world))


@attack(REFUSED)
def own_key_in_the_token(world: World) -> Any:
    """Brings the key that verifies the token along, as `jwk`."""
    return _ask(world, _own_key_token(world, jwk="own"))


@attack(REFUSED)
def own_key_at_an_address(world: World) -> Any:
    """Names an address where the verifying key lies, as `jku` and `x5u`."""
    return _ask(world, _own_key_token(world, jku=f"{world.endpoint}/keys", x5u=f"{world.endpoint}/cert"))


@attack(dict.fromkeys(["../../../../dev/null", "/dev/null", "' OR 1=1 --", "\x00", "", "x" * 4000], REFUSED))
def strange_key_id(world: World, kid: str) -> Any:
    """Names {} as key id."""
    header = {**_parts(world.owner.tokens["IdToken"])[0], "kid": kid}
    return _ask(world, f"{_encoded(header)}.{_encoded(_owners_claims(world))}.{_encoded(b'x' * 256)}")


@attack(dict.fromkeys(["no", "a list", "a number"], REFUSED))
def key_id_of_another_type(world: World, kind: str) -> Any:
    """Gives {} as key id."""
    header = {"alg": "RS256", "no": {}, "a list": {"kid": ["a"]}, "a number": {"kid": 1}}[kind]
    return _ask(
        world, f"{_encoded({'alg': 'RS256', **header} if isinstance(header, dict) else {})}.{_encoded({})}.AAAA"
    )


@attack(REFUSED)
def claims_changed(world: World) -> Any:
    """Puts the owner's `sub` into their own token and keeps the signature."""
    header, claims, signature = _parts(world.stranger.tokens["IdToken"])
    claims["sub"] = _owners_claims(world)["sub"]
    return _ask(world, f"{_encoded(header)}.{_encoded(claims)}.{signature}")


@attack(REFUSED)
def signature_cut(world: World) -> Any:
    """Sends the owner's token without its signature."""
    return _ask(world, world.owner.tokens["IdToken"].rpartition(".")[0] + ".")


@attack(REFUSED)
def access_token_for_id_token(world: World) -> Any:
    """Sends the access token in place of the ID token."""
    return _ask(world, world.stranger.tokens["AccessToken"])


@attack(REFUSED)
def refresh_token_for_id_token(world: World) -> Any:
    """Sends the refresh token in place of the ID token."""
    return _ask(world, world.stranger.tokens["RefreshToken"])


@attack("401 unauthorized")
def expired_token(world: World) -> Any:
    """Sends the ID token 15 minutes after it was issued."""
    token = world.stranger.tokens["IdToken"]
    with world.later(901):
        return _ask(world, token)


@attack(REFUSED)
def token_in_the_query(world: World) -> Any:
    """Sends the token as a query parameter, where logs would keep it."""
    return httpx.get(f"{world.api_url}/todos?Authorization={world.owner.tokens['IdToken']}")


@attack(REFUSED)
def token_in_a_cookie(world: World) -> Any:
    """Sends the token as a cookie."""
    return httpx.get(f"{world.api_url}/todos", headers={"Cookie": f"Authorization={world.owner.tokens['IdToken']}"})


@attack("431 RequestHeaderFieldsTooLargeException")
def giant_token(world: World) -> Any:
    """Sends a token of 60 kB."""
    return httpx.get(f"{world.api_url}/todos", headers={"Authorization": "Bearer " + "a" * 60_000})


@attack(REFUSED)
def pool_of_their_own(world: World) -> Any:
    """Signs in at another user pool of the same cloud."""
    return _ask(world, _foreign_token(world))


def _foreign_token(world: World) -> str:
    """The ID token of a user of a pool that is not the application's."""
    idp = world.admin("cognito-idp")
    pool = idp.create_user_pool(PoolName=world.name("foreign"))["UserPool"]["Id"]
    client = idp.create_user_pool_client(UserPoolId=pool, ClientName="foreign")["UserPoolClient"]["ClientId"]
    idp.admin_create_user(UserPoolId=pool, Username="mallory", MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=pool, Username="mallory", Password="Aa1!aaaaaaaa", Permanent=True)
    srp = AWSSRP("mallory", "Aa1!aaaaaaaa", pool, client, client=world.todolist.idp)
    return str(srp.authenticate_user()["AuthenticationResult"]["IdToken"])


def _logins(todolist: TodoList, token: str) -> dict[str, str]:
    return {todolist.provider: token}


@attack("400 NotAuthorizedException")
def foreign_pool_at_the_identity_pool(world: World) -> Any:
    """Shows the identity pool a token of another user pool, under the name of the right one."""
    todolist = world.todolist
    logins = _logins(todolist, _foreign_token(world))
    return todolist.identity.get_id(IdentityPoolId=todolist.outputs["IdentityPoolId"], Logins=logins)


@attack("400 NotAuthorizedException")
def access_token_at_the_identity_pool(world: World) -> Any:
    """Shows the identity pool an access token."""
    todolist = world.todolist
    logins = _logins(todolist, world.stranger.tokens["AccessToken"])
    return todolist.identity.get_id(IdentityPoolId=todolist.outputs["IdentityPoolId"], Logins=logins)


@attack("400 NotAuthorizedException")
def unsigned_token_at_the_identity_pool(world: World) -> Any:
    """Shows the identity pool the owner's claims under `alg: none`."""
    todolist = world.todolist
    forged = f"{_encoded({'alg': 'none'})}.{_encoded(_owners_claims(world))}."
    return todolist.identity.get_id(IdentityPoolId=todolist.outputs["IdentityPoolId"], Logins=_logins(todolist, forged))


@attack("400 NotAuthorizedException")
def guest(world: World) -> Any:
    """Asks the identity pool for an identity without signing in."""
    return world.todolist.identity.get_id(IdentityPoolId=world.todolist.outputs["IdentityPoolId"])


@attack("400 NotAuthorizedException")
def token_after_signing_out_everywhere(world: World) -> Any:
    """Shows the identity pool an ID token that has not expired, after its user signed out everywhere (ServerSideTokenCheck)."""
    person, todolist = world.someone_new(), world.todolist
    todolist.idp.global_sign_out(AccessToken=person.tokens["AccessToken"])
    logins = _logins(todolist, person.tokens["IdToken"])
    return todolist.identity.get_credentials_for_identity(IdentityId=person.identity_id, Logins=logins)


@attack("400 NotAuthorizedException")
def access_token_after_signing_out(world: World) -> Any:
    """Uses an access token after its user signed out everywhere."""
    person = world.someone_new()
    world.todolist.idp.global_sign_out(AccessToken=person.tokens["AccessToken"])
    return world.todolist.idp.get_user(AccessToken=person.tokens["AccessToken"])


@attack("400 NotAuthorizedException")
def refresh_after_signing_out(world: World) -> Any:
    """Refreshes after its user signed out everywhere."""
    person = world.someone_new()
    world.todolist.idp.global_sign_out(AccessToken=person.tokens["AccessToken"])
    return _refresh(world, person.tokens["RefreshToken"])


@attack("400 NotAuthorizedException")
def refresh_after_revocation(world: World) -> Any:
    """Refreshes with a token that was revoked."""
    person = world.someone_new()
    client = world.todolist.outputs["UserPoolClientId"]
    world.todolist.idp.revoke_token(Token=person.tokens["RefreshToken"], ClientId=client)
    return _refresh(world, person.tokens["RefreshToken"])


@attack("400 NotAuthorizedException")
def refresh_with_an_id_token(world: World) -> Any:
    """Refreshes with an ID token."""
    return _refresh(world, world.stranger.tokens["IdToken"])


@attack("400 NotAuthorizedException")
def refresh_after_thirty_days(world: World) -> Any:
    """Refreshes when the refresh token is older than 30 days."""
    token = world.stranger.tokens["RefreshToken"]
    with world.later(30 * 86_400 + 1):
        return _refresh(world, token)


def _refresh(world: World, token: str) -> Any:
    return world.todolist.idp.initiate_auth(
        ClientId=world.todolist.outputs["UserPoolClientId"],
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": token},
    )


@attack("400 NotAuthorizedException")
def id_token_for_access_token(world: World) -> Any:
    """Asks the user pool for the owner's attributes with an ID token."""
    return world.todolist.idp.get_user(AccessToken=world.owner.tokens["IdToken"])


@attack(REFUSED)
def token_of_a_deleted_pool_id(world: World) -> Any:
    """Names a pool that does not exist in a token's `iss`, with the right signature's form."""
    header, claims, signature = _parts(world.stranger.tokens["IdToken"])
    claims["iss"] = re.sub(r"_\w+$", "_AAAAAAAAA", claims["iss"])
    return _ask(world, f"{_encoded(header)}.{_encoded(claims)}.{signature}")


@attack("400 InvalidIdentityToken")
def identity_token_forged_for_sts(world: World) -> Any:
    """Takes the signed-in user's role at STS with a token of the user pool, which is not the identity pool's."""
    role = world.admin("cognito-identity").get_identity_pool_roles(
        IdentityPoolId=world.todolist.outputs["IdentityPoolId"]
    )["Roles"]["authenticated"]
    return world.unsigned("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="mallory", WebIdentityToken=world.stranger.tokens["IdToken"]
    )
