"""A user pool service without a door: operations are called as the door would, answers and errors are the API's."""

import email
import email.policy
import functools
import inspect
import itertools
import re
import secrets
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from pycognito.aws_srp import AWSSRP

from stratus.clock import ManualClock
from stratus.iam.principal import ANONYMOUS, Principal
from stratus.mail.maildir import Maildir
from stratus.service import Call, Surroundings
from stratus.services.cognito_idp import CognitoIdp
from stratus.services.cognito_idp.pool import SigningKeys
from stratus.wire.constraints import Constraints
from stratus.wire.errors import AwsError

REGION, ACCOUNT = "eu-central-1", "123456789012"
PASSWORD = "Correct-horse-7-battery"


@functools.cache
def validator(operation: str) -> Callable[[Any], None]:
    """The wire's own check of the model's constraints, which the door makes before the service sees the call."""
    model = ServiceModel(Loader().load_service_model("cognito-idp", "service-2"), "cognito-idp")
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    return Constraints("cognito-idp").validator(shape)


class FakeLambda:
    """The in-process Caller: remembers what it was asked and runs `function` on the event."""

    def __init__(self) -> None:
        self.calls: list[tuple[Principal, str, dict[str, Any], Any]] = []
        self.function: Callable[[dict[str, Any]], Any] | None = None

    async def call(
        self,
        principal: Principal,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
        *,
        context: Any = None,
    ) -> dict[str, Any]:
        self.calls.append((principal, f"{service}:{operation}", params, context))
        assert self.function is not None
        answer = self.function(params)
        return await answer if inspect.isawaitable(answer) else answer


class SameAddresses:
    endpoint = "http://localhost:4566"

    def endpoint_of(self, host: str, *, secure: bool) -> str | None:
        return None

    def is_endpoint(self, url: str) -> bool:
        return False

    def localise(self, text: str) -> str:
        return text.replace("https://cognito-idp.eu-central-1.amazonaws.com", self.endpoint)


class Api:
    """Calls operations by their API names: `await api("SignUp", ClientId=..., ...)`."""

    def __init__(self, directory: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.directory = directory
        self.caller = FakeLambda()
        (directory / "data").mkdir(mode=0o700, exist_ok=True)
        self.open()

    def open(self) -> None:
        around = Surroundings(REGION, ACCOUNT, self.directory / "data", self.clock, self.caller, SameAddresses())
        self.mailbox = Maildir(self.directory / "mail", self.clock)
        self.service = CognitoIdp(around, self.mailbox)

    async def restart(self) -> None:
        """Like a new process on the same data."""
        await self.service.stop()
        self.open()

    async def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        call = Call("cognito-idp", operation, params, ANONYMOUS, REGION, ACCOUNT, str(uuid.uuid4()), self.clock.now())
        result = await self.service.operations[operation].handler(self.service, call)
        assert isinstance(result, dict)
        return result

    def mails(self) -> list[Any]:
        """Everything sent so far, oldest first."""
        files = sorted((self.directory / "mail" / "new").iterdir(), key=lambda file: file.stat().st_mtime_ns)
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]

    def last_code(self) -> str:
        found = re.search(r"\b(\d{6})\b", self.mails()[-1].get_content())
        assert found
        return found.group(1)


_KEYS: list[SigningKeys] = []


@pytest.fixture(autouse=True)
def known_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making RSA keys takes longer than all the rest: the n-th pool of every test gets the same n-th pair."""
    taken = itertools.count()
    generate = SigningKeys.generate

    def next_keys() -> SigningKeys:
        n = next(taken)
        while len(_KEYS) <= n:
            _KEYS.append(generate())
        return _KEYS[n]

    monkeypatch.setattr(SigningKeys, "generate", next_keys)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def api(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Api]:
    api = Api(tmp_path, clock)
    yield api
    await api.service.stop()


class People:
    """A pool as MyTodoList's template makes it, its client, and ways to have users in it."""

    def __init__(self, api: Api, pool: dict[str, Any], client: dict[str, Any]) -> None:
        self.api, self.pool, self.client = api, pool, client
        self.pool_id, self.client_id = pool["Id"], client["ClientId"]

    async def sign_up(self, name: str = "alice@example.com", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        return await self.api("SignUp", ClientId=self.client_id, Username=name, Password=password, **more)

    async def confirmed(self, name: str = "alice@example.com", password: str = PASSWORD) -> str:
        """The `sub` of a user who signed up and confirmed."""
        sub: str = (await self.sign_up(name, password))["UserSub"]
        await self.api("ConfirmSignUp", ClientId=self.client_id, Username=name, ConfirmationCode=self.api.last_code())
        return sub

    async def start_srp(self, srp: Any, **more: Any) -> dict[str, Any]:
        return await self.api(
            "InitiateAuth",
            ClientId=self.client_id,
            AuthFlow="USER_SRP_AUTH",
            AuthParameters=srp.get_auth_params(),
            **more,
        )

    async def answer_srp(self, srp: Any, started: dict[str, Any]) -> dict[str, Any]:
        answers = srp.process_challenge(started["ChallengeParameters"], srp.get_auth_params())
        return await self.api(
            "RespondToAuthChallenge",
            ClientId=self.client_id,
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses=answers,
        )

    def srp(self, name: str, password: str, secret: str | None = None) -> Any:
        """pycognito's half of SRP, with a shorter secret exponent than its own: it takes most of the time of these tests."""
        made = AWSSRP(name, password, self.pool_id, self.client_id, client=object(), client_secret=secret)
        made.small_a_value = secrets.randbits(256)
        made.large_a_value = made.calculate_a()
        return made

    async def sign_in(self, name: str = "alice@example.com", password: str = PASSWORD) -> dict[str, Any]:
        """The answer to a whole SRP sign-in: tokens or the next challenge."""
        srp = self.srp(name, password, self.client.get("ClientSecret"))
        return await self.answer_srp(srp, await self.start_srp(srp))

    async def tokens(self, name: str = "alice@example.com", password: str = PASSWORD) -> dict[str, str]:
        return (await self.sign_in(name, password))["AuthenticationResult"]


POOL: dict[str, Any] = {
    "PoolName": "people",
    "UsernameAttributes": ["email"],
    "UsernameConfiguration": {"CaseSensitive": False},
    "AutoVerifiedAttributes": ["email"],
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
    "Policies": {"PasswordPolicy": {"MinimumLength": 12, "TemporaryPasswordValidityDays": 3}},
}
CLIENT: dict[str, Any] = {
    "ClientName": "app",
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
    "ReadAttributes": ["email", "email_verified"],
    "WriteAttributes": ["email"],
    "TokenValidityUnits": {"IdToken": "minutes", "AccessToken": "minutes", "RefreshToken": "days"},
    "IdTokenValidity": 15,
    "AccessTokenValidity": 15,
    "RefreshTokenValidity": 30,
}


@pytest.fixture
def make_people(api: Api) -> Callable[..., Any]:
    async def make(pool: dict[str, Any] | None = None, client: dict[str, Any] | None = None) -> People:
        made = (await api("CreateUserPool", **{**POOL, **(pool or {})}))["UserPool"]
        app = await api("CreateUserPoolClient", UserPoolId=made["Id"], **{**CLIENT, **(client or {})})
        return People(api, made, app["UserPoolClient"])

    return make


@pytest.fixture
async def people(make_people: Callable[..., Any]) -> People:
    result: People = await make_people()
    return result


@pytest.fixture
def refused() -> Callable[[Any], Any]:
    """`await refused(awaitable)`: code and message of the AwsError that it must end in."""

    async def refused(awaitable: Any) -> tuple[str, str]:
        with pytest.raises(AwsError) as caught:
            await awaitable
        return caught.value.code, caught.value.message

    return refused
