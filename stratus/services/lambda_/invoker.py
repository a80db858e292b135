"""Runs functions: what Invoke, the asynchronous queue and other services' calls have in common."""

import asyncio
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stratus.service import Surroundings
from stratus.services.lambda_ import code
from stratus.services.lambda_.credentials import MARGIN, RoleCredentials
from stratus.services.lambda_.environment import worker_environment
from stratus.services.lambda_.functions import Function
from stratus.services.lambda_.log_shipper import LogShipper
from stratus.services.lambda_.outcome import Invocation, Outcome
from stratus.services.lambda_.pool import Plan, Pool
from stratus.services.lambda_.zygote_client import Death, ZygoteClient
from stratus.wire.errors import AwsError

RESCAN_SECONDS = 1.0
"""How soon a change of an author's code is noticed."""


@dataclass(slots=True)
class _Watched:
    """A function whose code is watched: as it was stored, and with the revision of its files."""

    stored: Function
    scanned: float
    current: Function


class Invoker:
    """Everything between an event and its outcome. `warnings` are the walls that this system lacks, for `up` to print."""

    def __init__(self, surroundings: Surroundings, max_workers: int) -> None:
        self._surroundings = surroundings
        self.credentials = RoleCredentials(surroundings.caller, surroundings.clock, surroundings.region)
        self.logs = LogShipper(surroundings.caller, surroundings.clock, surroundings.region)
        self.warnings: list[str] = []
        self._zygote = ZygoteClient(surroundings.directory / "scratch", self._on_death)
        self.pool = Pool(self._zygote, surroundings.clock, self._plan, max_workers)
        self._watched: dict[str, _Watched] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def _on_death(self, worker: str, death: Death) -> None:
        self.pool.on_death(worker, death)

    async def start(self) -> None:
        self.warnings = (await self._zygote.start()).warnings()
        self._tasks = [asyncio.ensure_future(self.logs.run()), asyncio.ensure_future(self.pool.reap())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pool.stop()
        await self.logs.flush()

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Runs one invocation. Raises TooManyRequestsException, or AwsError when the role cannot be assumed."""
        if function.watched:
            function = await self._as_it_stands(function)
        return await self.pool.invoke(function, invocation)

    def retire(self, name: str) -> None:
        """The function was changed or deleted: no warm worker of before serves again."""
        self._watched.pop(name, None)
        self.credentials.forget(name)
        self.pool.retire(name)

    async def _as_it_stands(self, function: Function) -> Function:
        """A watched function with the revision of its files, looked at once a second at most."""
        known = self._watched.get(function.name)
        now = time.monotonic()
        if known is not None and known.stored is function and now - known.scanned < RESCAN_SECONDS:
            return known.current
        signature, _ = await asyncio.get_running_loop().run_in_executor(None, code.scan, Path(function.code_path))
        current = replace(function, revision=f"{function.revision} {signature}")
        self._watched[function.name] = _Watched(function, now, current)
        return current

    async def _plan(self, function: Function) -> Plan:
        here = self._surroundings
        try:
            credentials = await self.credentials.get(function.role, function.name)
        except AwsError as error:
            if error.code not in ("AccessDenied", "AccessDeniedException"):
                raise
            raise AwsError(
                "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.", 403
            ) from error
        stream = _log_stream_name(here.clock.now())
        log = self.logs.stream(function.log_group, stream, credentials.principal)

        def environment(runtime_port: int) -> dict[str, str]:
            return worker_environment(
                function,
                credentials,
                region=here.region,
                endpoint=here.addresses.endpoint,
                log_stream=stream,
                runtime_port=runtime_port,
            )

        return Plan(environment, log.emit, credentials.expires - MARGIN)


def _log_stream_name(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
