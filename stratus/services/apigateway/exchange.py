"""One request on its way through the gateway, and the `$context` that templates and access logs see of it.

Source: API Gateway Developer Guide, "Variables for access logging" and "Context variables for data transformations".
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from stratus.iam.principal import Principal
from stratus.services.apigateway.errors import GatewayError
from stratus.wire.message import Request

Claims = dict[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an API lives: what is the same for every request of one stage."""

    account: str
    region: str
    api: str
    stage: str
    deployment: str
    variables: dict[str, str]

    @property
    def domain(self) -> str:
        return f"{self.api}.execute-api.{self.region}.amazonaws.com"

    def arn(self, verb: str, path: str) -> str:
        """The execute-api ARN of a method."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api}/{self.stage}/{verb}{path}"


@dataclass(slots=True)
class Exchange:
    """What is known of one request so far. `raw_path` is what follows the stage, as sent."""

    request: Request
    place: Place
    request_id: str
    extended_id: str
    started: float
    raw_path: str
    path: str = ""
    resource_path: str | None = None
    resource_id: str | None = None
    claims: Claims | None = None
    caller: Principal | None = None
    error: GatewayError | None = None
    body: bytes = b""
    path_parameters: dict[str, str] = field(default_factory=dict)
    status: int = 0
    response_length: int = 0
    finished: float = 0.0
    integration_ms: int | None = None
    integration_status: int | None = None
    _query: list[tuple[str, str]] | None = None

    def __post_init__(self) -> None:
        self.path = unquote(self.raw_path) if "%" in self.raw_path else self.raw_path

    @property
    def query(self) -> list[tuple[str, str]]:
        if self._query is None:
            self._query = parse_qsl(self.request.query, keep_blank_values=True) if self.request.query else []
        return self._query

    @property
    def user_agent(self) -> str | None:
        return self.request.headers.get("user-agent")

    @property
    def request_time(self) -> str:
        """`23/Nov/2026:06:34:50 +0000`, the time of the common log format."""
        return _log_time(int(self.started))

    def identity(self, name: str) -> str | None:
        """A field of `requestContext.identity` that comes from the signature."""
        caller = self.caller
        if caller is None:
            return None
        return {
            "accountId": caller.account,
            "accessKey": caller.access_key_id,
            "userArn": caller.arn,
            "caller": caller.context.get("aws:userid", ("",))[0],
            "user": caller.context.get("aws:userid", ("",))[0],
        }.get(name)


Read = Callable[[Exchange], Any]
"""Reads the value of one variable; None where there is none."""


def context_reader(name: str) -> Read:
    """What reads `$context.<name>`; a name that we do not know has no value."""
    if name.startswith("authorizer.claims."):
        claim = name.removeprefix("authorizer.claims.")
        return lambda exchange: None if exchange.claims is None else exchange.claims.get(claim)
    return _VARIABLES.get(name, _nothing)


def _nothing(exchange: Exchange) -> None:
    return None


@lru_cache(maxsize=8)
def _log_time(second: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))


def _error(exchange: Exchange, read: Callable[[GatewayError], Any]) -> Any:
    return None if exchange.error is None else read(exchange.error)


_VARIABLES: dict[str, Read] = {
    "accountId": lambda x: x.place.account,
    "apiId": lambda x: x.place.api,
    "authorizer.principalId": lambda x: None if x.claims is None else x.claims.get("sub"),
    "deploymentId": lambda x: x.place.deployment,
    "domainName": lambda x: x.place.domain,
    "domainPrefix": lambda x: x.place.api,
    "error.message": lambda x: _error(x, lambda error: error.message),
    "error.messageString": lambda x: _error(x, lambda error: orjson.dumps(error.message).decode()),
    "error.responseType": lambda x: _error(x, lambda error: error.kind),
    "error.validationErrorString": lambda x: _error(x, lambda error: error.detail or None),
    "extendedRequestId": lambda x: x.extended_id,
    "httpMethod": lambda x: x.request.method,
    "identity.accountId": lambda x: x.identity("accountId"),
    "identity.caller": lambda x: x.identity("caller"),
    "identity.sourceIp": lambda x: x.request.client,
    "identity.user": lambda x: x.identity("user"),
    "identity.userAgent": lambda x: x.user_agent,
    "identity.userArn": lambda x: x.identity("userArn"),
    "integrationLatency": lambda x: x.integration_ms,
    "integration.latency": lambda x: x.integration_ms,
    "integration.status": lambda x: x.integration_status,
    "integrationStatus": lambda x: x.integration_status,
    "path": lambda x: f"/{x.place.stage}{x.raw_path}",
    "protocol": lambda _: "HTTP/1.1",
    "requestId": lambda x: x.request_id,
    "requestTime": lambda x: x.request_time,
    "requestTimeEpoch": lambda x: int(x.started * 1000),
    "resourceId": lambda x: x.resource_id,
    "resourcePath": lambda x: x.resource_path,
    "responseLatency": lambda x: max(0, round((x.finished - x.started) * 1000)),
    "responseLength": lambda x: x.response_length,
    "stage": lambda x: x.place.stage,
    "status": lambda x: x.status,
}
