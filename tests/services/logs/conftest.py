"""CloudWatch Logs on its own, with a clock that tests move."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stratus.clock import ManualClock
from stratus.iam.principal import Kind, Principal
from stratus.service import Access, Call, Surroundings
from stratus.services.logs.service import LogsService

ACCOUNT, REGION = "123456789012", "eu-central-1"
ADMIN = Principal(Kind.USER, f"arn:aws:iam::{ACCOUNT}:user/admin", ACCOUNT)


@dataclass
class Logs:
    service: LogsService
    clock: ManualClock

    def _call(self, operation: str, params: dict[str, Any]) -> Call:
        return Call("logs", operation, params, ADMIN, REGION, ACCOUNT, str(uuid.uuid4()), self.clock.now())

    async def do(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.service.operations[operation].handler(self.service, self._call(operation, params)) or {}

    def access(self, operation: str, **params: Any) -> list[Access]:
        rule = self.service.operations[operation].access
        assert rule is not None
        return list(rule(self.service, self._call(operation, params)))

    @property
    def now(self) -> int:
        return int(self.clock.now() * 1000)

    async def put(self, *messages: str, group: str = "g", stream: str = "s", at: int | None = None) -> dict[str, Any]:
        start = self.now if at is None else at
        events = [{"timestamp": start + i, "message": message} for i, message in enumerate(messages)]
        return await self.do("PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)

    async def filter(self, pattern: str | None = None, **params: Any) -> list[str]:
        found: list[str] = []
        if pattern is not None:
            params["filterPattern"] = pattern
        while True:
            page = await self.do("FilterLogEvents", logGroupName="g", **params)
            found += [event["message"] for event in page["events"]]
            if "nextToken" not in page:
                return found
            params["nextToken"] = page["nextToken"]


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[Logs]:
    """With a group `g` and a stream `s` in it."""
    clock = ManualClock()
    service = LogsService(Surroundings(REGION, ACCOUNT, tmp_path, clock, None, None))  # type: ignore[arg-type]  # asks nobody
    made = Logs(service, clock)
    await made.do("CreateLogGroup", logGroupName="g")
    await made.do("CreateLogStream", logGroupName="g", logStreamName="s")
    yield made
    await service.stop()
