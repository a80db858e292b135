"""One region's API Gateway with everything around it in the test's hand: the clock, Lambda, logs, IAM, a user pool's keys."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from stratus.clock import ManualClock
from stratus.iam.gate import Authenticated
from stratus.iam.policy.evaluation import Denial
from stratus.iam.principal import ANONYMOUS, Kind, Principal
from stratus.service import Access, Call, Surroundings
from stratus.services.apigateway.service import ApiGateway
from stratus.wire.errors import AwsError
from stratus.wire.message import Body, BytesBody, Headers, Request, Response

REGION, ACCOUNT = "eu-west-1", "123456789012"
POOL = "eu-west-1_abcdefghi"
POOL_ARN = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL}"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:todos"
ADMIN = Principal(Kind.USER, f"arn:aws:iam::{ACCOUNT}:user/admin", ACCOUNT)

Function = Callable[[dict[str, Any]], Any]


@dataclass
class FakeCaller:
    """Lambda and CloudWatch Logs as the gateway sees them."""

    function: Callable[[dict[str, Any]], Any] = lambda event: {"statusCode": 200, "body": "ok"}
    events: list[dict[str, Any]] = field(default_factory=list)
    invocations: list[tuple[Principal, dict[str, Any], Any]] = field(default_factory=list)
    log_lines: list[str] = field(default_factory=list)
    logged: asyncio.Event = field(default_factory=asyncio.Event)
    invoked: asyncio.Event = field(default_factory=asyncio.Event)

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
        if service == "logs":
            if operation == "PutLogEvents":
                self.log_lines += [event["message"] for event in params["logEvents"]]
                self.logged.set()
            return {}
        assert (service, operation) == ("lambda", "Invoke")
        self.invocations.append((principal, params, context))
        event = orjson.loads(params["Payload"])
        self.events.append(event)
        self.invoked.set()
        answer = self.function(event)
        if isinstance(answer, Awaitable):
            answer = await answer
        return {"StatusCode": 200, "Payload": answer if isinstance(answer, bytes) else orjson.dumps(answer)}


@dataclass
class FakeGate:
    """IAM: who a request's `x-caller` header names is authenticated; `denied` decides."""

    denied: Callable[[Principal, Access, str | None], Denial | None] = lambda principal, access, policy: None

    async def authenticate(
        self, request: Request, service: str, *, region: str | None = None, body_limit: int = 0
    ) -> Authenticated:
        assert service == "execute-api"
        caller = request.headers.get("x-caller")
        if caller is None:
            raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        if caller == "forged":
            raise AwsError("InvalidSignatureException", "The request signature we calculated does not match.", 403)
        if caller == "expired":
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired", 403)
        principal = Principal(Kind.USER, f"arn:aws:iam::{ACCOUNT}:user/{caller}", ACCOUNT, access_key_id="AKIA1")
        return Authenticated(principal, region, BytesBody(await request.body.read(body_limit)))

    def denial(
        self, principal: Principal, access: Access, resource_policy_of: Any, *, region: str, request: Any = None
    ) -> Denial | None:
        return self.denied(principal, access, resource_policy_of(access.resource))


class FakePool:
    """A user pool's keys, and tokens as it signs them."""

    def __init__(self) -> None:
        self.key = self.new_key()
        self.published = [self.key]
        self.fetches = 0
        self.reachable = True

    @staticmethod
    def new_key() -> RSAKey:
        key = RSAKey.generate_key(2048, private=True)
        return RSAKey.import_key(key.as_pem(private=True), {"kid": key.thumbprint(), "alg": "RS256", "use": "sig"})

    async def fetch(self, pool_id: str) -> bytes:
        from stratus.services.apigateway.jwks import KeysUnavailable

        self.fetches += 1
        if not self.reachable:
            raise KeysUnavailable(pool_id)
        return orjson.dumps({"keys": [key.as_dict(private=False) for key in self.published]})

    def token(self, claims: dict[str, Any], *, key: RSAKey | None = None, header: dict[str, Any] | None = None) -> str:
        signer = key or self.key
        fields = {"alg": "RS256", "kid": signer.kid} | (header or {})
        return jws.serialize_compact(fields, orjson.dumps(claims), signer, algorithms=["RS256"])


@dataclass
class Bench:
    """API Gateway on a table of its own."""

    service: ApiGateway
    clock: ManualClock
    caller: FakeCaller
    gate: FakeGate
    pool: FakePool
    api_id: str = ""

    async def operate(self, name: str, /, **params: Any) -> Any:
        operation = ApiGateway.operations[name]
        call = Call("apigateway", name, params, ADMIN, REGION, ACCOUNT, "request", self.clock.now())
        assert operation.access is not None
        assert list(operation.access(self.service, call))
        return await operation.handler(self.service, call)

    async def deploy(self, document: dict[str, Any], *, settings: list[dict[str, str]] | None = None) -> str:
        """Makes an API of a description and puts it on the stage `api`."""
        made = await self.operate("ImportRestApi", body=orjson.dumps(document))
        self.api_id = made["id"]
        deployment = await self.operate("CreateDeployment", restApiId=self.api_id)
        await self.operate("CreateStage", restApiId=self.api_id, stageName="api", deploymentId=deployment["id"])
        if settings:
            await self.operate("UpdateStage", restApiId=self.api_id, stageName="api", patchOperations=settings)
        return self.api_id

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | Body = b"",
        *,
        query: str = "",
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
    ) -> Response:
        fields = list(headers.items()) if isinstance(headers, dict) else headers or []
        fields = [("host", "localhost:5000"), *fields]
        request = Request(
            method,
            path,
            query,
            Headers(fields),
            BytesBody(body) if isinstance(body, bytes) else body,
            "203.0.113.7",
            False,
        )
        return await self.service.execute(self.api_id, request)

    def id_token(self, **changes: Any) -> str:
        now = int(self.clock.now())
        claims = {
            "sub": "s-1",
            "iss": f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}",
            "aud": "client",
            "token_use": "id",
            "email_verified": True,
            "cognito:groups": ["a", "b"],
            "auth_time": now,
            "iat": now,
            "exp": now + 900,
        }
        return self.pool.token({name: value for name, value in (claims | changes).items() if value is not None})


class FakeAddresses:
    endpoint = "http://localhost:1"

    def endpoint_of(self, host: str, *, secure: bool) -> str | None:
        return None

    def is_endpoint(self, url: str) -> bool:
        return False

    def localise(self, text: str) -> str:
        return text


@pytest.fixture(scope="session")
def pool_keys() -> FakePool:
    """Making keys takes a while; one pool serves all tests."""
    return FakePool()


def make_bench(directory: Path, pool: FakePool, clock: ManualClock | None = None) -> Bench:
    clock, caller, gate = clock or ManualClock(), FakeCaller(), FakeGate()
    around = Surroundings(REGION, ACCOUNT, directory, clock, caller, FakeAddresses())
    return Bench(ApiGateway(around, gate, pool), clock, caller, gate, pool)


@pytest.fixture
async def bench(tmp_path: Path, pool_keys: FakePool) -> AsyncIterator[Bench]:
    pool_keys.reachable, pool_keys.fetches, pool_keys.published = True, 0, [pool_keys.key]
    made = make_bench(tmp_path, pool_keys)
    yield made
    await made.service.stop()


def proxy(function: str = FUNCTION, **more: Any) -> dict[str, Any]:
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
    return {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, **more}}


def openapi(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.0.1", "info": {"title": "todolist", "version": "1.0"}, "paths": paths, **more}


def cognito() -> dict[str, Any]:
    """Security schemes as SAM emits them."""
    return {
        "People": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": [POOL_ARN]},
        },
        "AWS_IAM": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
    }


def header(response: Response, name: str) -> str | None:
    return next((value for key, value in response.headers if key.lower() == name.lower()), None)


def message(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return orjson.loads(response.body)


__all__ = ["ANONYMOUS", "Bench", "cognito", "header", "make_bench", "message", "openapi", "proxy"]
