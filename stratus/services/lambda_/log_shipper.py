"""Takes what functions print to CloudWatch Logs, in their role's name and in batches, never in the way of an answer."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from stratus.clock import Clock
from stratus.iam.principal import Principal
from stratus.service import Caller
from stratus.wire.errors import AwsError

PAUSE = 0.25
"""Seconds between two deliveries: how late a line may be in `stratus logs -f`."""
MAX_WAITING = 10_000
MAX_WAITING_BYTES = 8 * 1024 * 1024
"""Lines, and characters, kept of one worker until they are delivered; more are dropped and counted."""
_MAX_BATCH = 1000
_MAX_BATCH_BYTES = 900_000
_EVENT_OVERHEAD = 26
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LogStream:
    """One worker's log stream on its way."""

    group: str
    name: str
    principal: Principal
    clock: Clock
    shipper: "LogShipper"
    waiting: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0
    last: int = 0
    made: bool = False
    refused: bool = False

    def emit(self, message: str) -> None:
        """Queues a line."""
        if self.refused or len(self.waiting) >= MAX_WAITING or self.size >= MAX_WAITING_BYTES:
            self.shipper.dropped += 1
            return
        if not message:
            return
        if not self.waiting:
            self.shipper.dirty.append(self)
        # the machine's clock may be set back; a batch has to be in order
        self.last = max(self.last, int(self.clock.now() * 1000))
        self.size += len(message)
        self.waiting.append({"timestamp": self.last, "message": message})

    def take(self) -> list[dict[str, Any]]:
        """What waits, to be delivered."""
        waiting, self.waiting, self.size = self.waiting, [], 0
        return waiting


class LogShipper:
    """Delivers the lines of every stream. `dropped` counts lines that the role may not write, or that were too many."""

    def __init__(self, caller: Caller, clock: Clock, region: str) -> None:
        self._caller = caller
        self._clock = clock
        self._region = region
        self.dirty: list[LogStream] = []
        self.dropped = 0

    def stream(self, group: str, name: str, principal: Principal) -> LogStream:
        return LogStream(group, name, principal, self._clock, self)

    async def run(self) -> None:
        """Delivers for ever; run as a task. Real time: a test waits for what it expects, it does not move this."""
        while True:
            await asyncio.sleep(PAUSE)
            await self.flush()

    async def flush(self) -> None:
        """Delivers what waits now."""
        dirty, self.dirty = self.dirty, []
        for stream in dirty:
            waiting = stream.take()
            try:
                await self._deliver(stream, waiting)
            except AwsError as error:
                # a role without logs permissions writes no logs, as on AWS; anything else is tried with the next lines
                stream.refused = error.code in ("AccessDeniedException", "AccessDenied")
                self.dropped += len(waiting)
            except Exception:  # noqa: BLE001 - a full disk, say: these lines are lost, later ones need not be
                self.dropped += len(waiting)
                _log.exception("lines of %s could not be written", stream.group)

    async def _deliver(self, stream: LogStream, waiting: list[dict[str, Any]]) -> None:
        for batch in _batches(waiting):
            if not stream.made:
                await self._make(stream)
                stream.made = True
            where = {"logGroupName": stream.group, "logStreamName": stream.name, "logEvents": batch}
            try:
                await self._call(stream, "PutLogEvents", where)
            except AwsError as error:
                if error.code != "ResourceNotFoundException":
                    raise
                await self._make(stream)  # somebody deleted it meanwhile
                await self._call(stream, "PutLogEvents", where)

    async def _make(self, stream: LogStream) -> None:
        where = {"logGroupName": stream.group, "logStreamName": stream.name}
        try:
            await self._call(stream, "CreateLogStream", where)
        except AwsError as error:
            if error.code == "ResourceAlreadyExistsException":
                return
            if error.code != "ResourceNotFoundException":
                raise
            try:
                await self._call(stream, "CreateLogGroup", {"logGroupName": stream.group})
            except AwsError as meanwhile:
                if meanwhile.code != "ResourceAlreadyExistsException":
                    raise
            await self._call(stream, "CreateLogStream", where)

    async def _call(self, stream: LogStream, operation: str, params: dict[str, Any]) -> None:
        await self._caller.call(stream.principal, self._region, "logs", operation, params)


def _batches(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    batches: list[list[dict[str, Any]]] = []
    size = _MAX_BATCH_BYTES
    for event in events:
        cost = 3 * len(event["message"]) // 2 + _EVENT_OVERHEAD
        if size + cost > _MAX_BATCH_BYTES or len(batches[-1]) >= _MAX_BATCH:
            batches.append([])
            size = 0
        batches[-1].append(event)
        size += cost
    return batches
