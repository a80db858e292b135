"""CloudWatch Logs, one instance per region: log groups, streams and events, kept as long as their group says.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
"""

import asyncio
from typing import ClassVar

from stratus.service import Surroundings
from stratus.services.logs.base import milliseconds
from stratus.services.logs.operations.events import EventOperations
from stratus.services.logs.operations.groups import GroupOperations
from stratus.services.logs.store import LogStore

RETENTION_PAUSE = 3600.0
"""Seconds between two looks for expired events."""
_DAY = 86_400_000


_DELIVERY_POLICY = """{{
  "Version": "2012-10-17",
  "Statement": [{{
    "Sid": "AWSLogDeliveryWrite20150319",
    "Effect": "Allow",
    "Principal": {{"Service": "delivery.logs.amazonaws.com"}},
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "arn:aws:logs:{region}:{account}:log-group:*",
    "Condition": {{
      "StringEquals": {{"aws:SourceAccount": "{account}"}},
      "ArnLike": {{"aws:SourceArn": "arn:aws:logs:{region}:{account}:*"}}
    }}
  }}]
}}"""
"""What AWS puts on log groups that receive vended logs (CloudWatch Logs User Guide, "Enable logging from AWS services")."""


class LogsService(GroupOperations, EventOperations):
    name: ClassVar[str] = "logs"

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.store = LogStore(surroundings.directory)
        self._expiry: asyncio.Task[None] | None = None
        self._policy = _DELIVERY_POLICY.format(region=surroundings.region, account=surroundings.account)

    def resource_policy(self, resource: str) -> str | None:
        return self._policy

    async def start(self) -> None:
        self._expiry = asyncio.ensure_future(self._expire_for_ever())

    async def stop(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            await asyncio.gather(self._expiry, return_exceptions=True)
        await self.store.close()

    async def expire(self) -> None:
        """Deletes what its group no longer keeps."""
        await self.store.purge_deleted()
        now = milliseconds(self.surroundings.clock.now())
        after = ""
        while found := self.store.groups("", "", after, 100):
            for group in found:
                if group.retention is not None:
                    await self.store.purge(group.id, before=now - group.retention * _DAY)
            after = found[-1].name

    async def _expire_for_ever(self) -> None:
        while True:
            await self.expire()
            await self.surroundings.clock.sleep(RETENTION_PAUSE)
