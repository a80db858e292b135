"""An identity pool service without a door, a user pool whose key the tests hold, and an STS that remembers what it was asked."""

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from stratus.clock import ManualClock
from stratus.iam.principal import ANONYMOUS
from stratus.service import Call, Surroundings
from stratus.services.cognito_identity import CognitoIdentity
from stratus.wire.errors import AwsError

REGION, ACCOUNT = "eu-central-1", "123456789012"
USER_POOL = "eu-central-1_People123"
PROVIDER = f"cognito-idp.eu-central-1.amazonaws.com/{USER_POOL}"
CLIENT = "7app7client"
ROLE = "arn:aws:iam::123456789012:role/signed-in"
KEY = RSAKey.generate_key(2048, {"kid": "pool-key"}, private=True, auto_kid=False)
STRANGERS_KEY = RSAKey.generate_key(2048, {"kid": "pool-key"}, private=True, auto_kid=False)


class People:
    """A user pool: its public key, and who is signed in."""

    def __init__(self) -> None:
        self.signed_out: set[str] = set()

    def jwks(self, pool_id: str) -> dict[str, Any] | None:
        return {"keys": [KEY.as_dict(private=False)]} if pool_id == USER_POOL else None

    def is_issuer(self, pool_id: str, text: object) -> bool:
        return text == f"https://cognito-idp.{pool_id.partition('_')[0]}.amazonaws.com/{pool_id}"

    def is_signed_in(self, pool_id: str, subject: str, origin_jti: str) -> bool:
        return pool_id == USER_POOL and subject not in self.signed_out


class Sts:
    """Takes every token that verifies, unless `refusal` is set."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.refusal: AwsError | None = None

    async def call(
        self, principal: Any, region: str, service: str, operation: str, params: Any, *, context: Any = None
    ) -> Any:
        self.calls.append((principal, f"{service}:{operation}", params))
        if self.refusal:
            raise self.refusal
        return {
            "Credentials": {
                "AccessKeyId": "ASIAEXAMPLE",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": datetime(2027, 1, 15, tzinfo=UTC),
            }
        }


class SameAddresses:
    endpoint = "http://localhost:4566"

    def endpoint_of(self, host: str, *, secure: bool) -> str | None:
        return None

    def is_endpoint(self, url: str) -> bool:
        return False

    def localise(self, text: str) -> str:
        return text


class Api:
    """Calls operations by their API names: `await api("GetId", IdentityPoolId=..., ...)`."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.people, self.sts = People(), Sts()
        self.directory = directory
        self.open()

    def open(self) -> None:
        around = Surroundings(REGION, ACCOUNT, self.directory, self.clock, self.sts, SameAddresses())
        self.service = CognitoIdentity(around, {REGION: self.people})

    async def restart(self) -> None:
        await self.service.stop()
        self.open()
        await self.service.start()

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        call = Call(
            "cognito-identity", operation, params, ANONYMOUS, REGION, ACCOUNT, str(uuid.uuid4()), self.clock.now()
        )
        result = await self.service.operations[operation].handler(self.service, call)
        assert isinstance(result, dict)
        return result

    def claims(self, subject: str = "alice", **changed: Any) -> dict[str, Any]:
        """The claims of a good ID token; a value of None leaves the claim out."""
        now = int(self.clock.now())
        claims = {
            "sub": subject,
            "iss": f"https://{PROVIDER}",
            "aud": CLIENT,
            "token_use": "id",
            "origin_jti": f"grant of {subject}",
            "exp": now + 900,
            "iat": now,
        }
        return {name: value for name, value in {**claims, **changed}.items() if value is not None}

    def login(self, subject: str = "alice", **changed: Any) -> dict[str, str]:
        return {PROVIDER: sign(self.claims(subject, **changed))}


def sign(claims: dict[str, Any], key: RSAKey = KEY, header: dict[str, Any] | None = None) -> str:
    header = header or {"alg": "RS256", "kid": "pool-key"}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["RS256"])


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    api = Api(tmp_path)
    await api.service.start()
    yield api
    await api.service.stop()


@pytest.fixture
async def pool_id(api: Api) -> str:
    """A pool as MyTodoList's template makes it."""
    made = await api(
        "CreateIdentityPool",
        IdentityPoolName="files",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": PROVIDER, "ClientId": CLIENT, "ServerSideTokenCheck": True}],
    )
    await api("SetIdentityPoolRoles", IdentityPoolId=made["IdentityPoolId"], Roles={"authenticated": ROLE})
    pool_id: str = made["IdentityPoolId"]
    return pool_id


@pytest.fixture
def forge(api: Api) -> Any:
    """Makes a token by one of the attack table's recipes."""
    return lambda recipe: recipe(api, sign, KEY, STRANGERS_KEY)
