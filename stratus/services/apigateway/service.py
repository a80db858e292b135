"""Amazon API Gateway, REST APIs: the control plane, and the front that takes an API's requests. One instance per region.

Source: https://docs.aws.amazon.com/apigateway/latest/api/. An API is made from an OpenAPI description, as SAM emits it; what the
description asks for beyond Lambda proxies, mocks, user pools and AWS_IAM is refused by name.
"""

import asyncio
from typing import ClassVar

from stratus.service import Surroundings
from stratus.services.apigateway.cognito_authorizer import TokenVerifier
from stratus.services.apigateway.deadlines import Deadlines
from stratus.services.apigateway.front import Front
from stratus.services.apigateway.invoke_permission import Gate
from stratus.services.apigateway.jwks import HttpKeySource, KeySource, PoolKeys
from stratus.services.apigateway.live_stage import Gateway
from stratus.services.apigateway.operations.account import AccountOperations
from stratus.services.apigateway.operations.deployments import DeploymentOperations
from stratus.services.apigateway.operations.gateway_responses import GatewayResponseOperations
from stratus.services.apigateway.operations.rest_apis import RestApiOperations
from stratus.services.apigateway.operations.stages import StageOperations
from stratus.services.apigateway.state import State
from stratus.services.apigateway.throttle import ACCOUNT_BURST, ACCOUNT_RATE, TokenBucket
from stratus.wire.message import Request, Response


class ApiGateway(
    RestApiOperations, DeploymentOperations, StageOperations, GatewayResponseOperations, AccountOperations
):
    """`gate` is IAM (`stratus.iam.gate.Iam`); `keys` fetches the public keys of user pools, over HTTP unless told otherwise."""

    name: ClassVar[str] = "apigateway"

    def __init__(self, surroundings: Surroundings, gate: Gate, keys: KeySource | None = None) -> None:
        clock = surroundings.clock
        source = keys or HttpKeySource(surroundings.addresses.endpoint)
        self.surroundings = surroundings
        self.state = State(surroundings.directory)
        self.gateway = Gateway(
            clock,
            surroundings.caller,
            gate,
            TokenVerifier(PoolKeys(source, clock), clock, surroundings.addresses),
            Deadlines(clock),
            TokenBucket(clock, ACCOUNT_RATE, ACCOUNT_BURST),
        )
        self.changing = asyncio.Lock()
        self._live = {}
        self._front = Front(self, clock)

    async def execute(self, api: str, request: Request) -> Response:
        """Answers one request to `https://{api}.execute-api...`: its path starts with the stage."""
        return await self._front.handle(api, request)

    async def stop(self) -> None:
        await self.gateway.deadlines.close()
        for stages in self._live.values():
            for stage in stages.values():
                await stage.close()
        await self.state.close()
