"""A Lambda service on its own: real worker processes, an STS that gives out names, CloudWatch Logs as a list."""

import asyncio
import base64
import io
import uuid
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from stratus.clock import Clock, SystemClock
from stratus.iam.principal import Kind, Principal
from stratus.service import Call, Surroundings
from stratus.services.lambda_.service import LambdaService
from stratus.services.lambda_.worker import State
from stratus.wire.errors import AwsError

ACCOUNT, REGION = "123456789012", "eu-central-1"
ADMIN = Principal(
    Kind.USER, f"arn:aws:iam::{ACCOUNT}:user/admin", ACCOUNT, identity=f"arn:aws:iam::{ACCOUNT}:user/admin"
)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"


@dataclass
class FakeCaller:
    """What Lambda asks of other services. `lambda` itself is reached as the real one would be."""

    clock: Clock
    calls: list[tuple[Principal, str, str, dict[str, Any]]] = field(default_factory=list)
    refuse_role: bool = False
    lifetime: float = 3600
    service: Any = None

    async def call(
        self, principal: Principal, region: str, service: str, operation: str, params: dict[str, Any], **_: Any
    ) -> Any:
        self.calls.append((principal, service, operation, params))
        if service == "sts":
            if self.refuse_role:
                raise AwsError("AccessDenied", "not authorized to perform: sts:AssumeRole", 403)
            return {
                "Credentials": {
                    "AccessKeyId": f"ASIA{len(self.calls)}",
                    "SecretAccessKey": "secret",
                    "SessionToken": "token",
                    "Expiration": self.clock.now() + self.lifetime,
                },
                "AssumedRoleUser": {
                    "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/{params['RoleSessionName']}",
                    "AssumedRoleId": f"AROA:{params['RoleSessionName']}",
                },
            }
        if service == "lambda":
            return await self.service.operations[operation].handler(self.service, call_of(operation, params, principal))
        return {}

    def log(self) -> list[str]:
        """Every line that reached CloudWatch Logs."""
        return [
            event["message"]
            for _, _, name, params in self.calls
            if name == "PutLogEvents"
            for event in params["logEvents"]
        ]


class FakeAddresses:
    endpoint = "http://localhost:4566"

    def localise(self, text: str) -> str:
        return text


def call_of(operation: str, params: dict[str, Any], principal: Principal = ADMIN) -> Call:
    return Call("lambda", operation, params, principal, REGION, ACCOUNT, str(uuid.uuid4()), 1_800_000_000.0)


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@dataclass
class Harness:
    service: LambdaService
    caller: FakeCaller

    async def do(self, operation: str, **params: Any) -> dict[str, Any]:
        result = await self.service.operations[operation].handler(self.service, call_of(operation, params))
        return result or {}

    async def create(self, name: str, source: str, **params: Any) -> dict[str, Any]:
        return await self.do(
            "CreateFunction",
            **{
                "FunctionName": name,
                "Role": ROLE,
                "Runtime": "python3.11",
                "Handler": "app.handler",
                "Timeout": 10,
                "Code": {"ZipFile": zipped({"app.py": source})},
                **params,
            },
        )

    async def invoke(self, name: str, event: Any = None, **params: Any) -> dict[str, Any]:
        return await self.do("Invoke", FunctionName=name, Payload=orjson.dumps(event), **params)

    async def ask(self, name: str, event: Any = None) -> Any:
        """The function's answer, parsed."""
        answer = await self.invoke(name, event, LogType="Tail")
        assert "FunctionError" not in answer, (answer["Payload"], base64.b64decode(answer["LogResult"]).decode())
        return orjson.loads(answer["Payload"])

    async def settled(self) -> None:
        """Returns when no asynchronous event is on its way: all are done, or wait for the clock."""
        quiet = 0
        while quiet < 10:
            tasks = self.service.queue._tasks
            if tasks:
                await asyncio.wait(tasks)
                quiet = 0
            await asyncio.sleep(0)
            quiet += 1

    async def idle(self) -> None:
        """Returns when every worker has asked for more work."""
        pool = self.service.invoker.pool
        while any(worker.state is not State.IDLE for worker in pool._workers.values()):  # noqa: ASYNC110 - turns of the loop, no waiting
            await asyncio.sleep(0)

    async def log(self) -> list[str]:
        await self.service.invoker.logs.flush()
        return self.caller.log()


@pytest.fixture
def make_call() -> Callable[..., Call]:
    return call_of


@pytest.fixture
def clock() -> Clock:
    return SystemClock()


@pytest.fixture
async def make_cloud(tmp_path: Path, clock: Clock) -> AsyncIterator[Callable[..., Any]]:
    """Starts Lambda services; the same `directory` again is a restart."""
    made: list[Harness] = []

    async def make(directory: str = "lambda", **options: Any) -> Harness:
        path = tmp_path / directory
        path.mkdir(mode=0o700, exist_ok=True)
        caller = FakeCaller(clock)
        service = LambdaService(Surroundings(REGION, ACCOUNT, path, clock, caller, FakeAddresses()), **options)
        caller.service = service
        await service.start()
        made.append(Harness(service, caller))
        return made[-1]

    yield make
    for harness in made:
        await harness.service.stop()


@pytest.fixture
async def cloud(make_cloud: Callable[..., Any]) -> Harness:
    return await make_cloud()
