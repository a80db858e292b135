"""A whole cloud for tests that use real clients: in a thread of its own, on free ports, with time that the test moves."""

import asyncio
import contextlib
import fcntl
import os
import socket
import tempfile
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import boto3
import uvloop
from botocore.config import Config

from stratus.clock import ManualClock
from stratus.cloud import Cloud, Settings

T = TypeVar("T")


_claims: list[int] = []
"""Descriptors of the locks that keep other test processes off our ports, until this one ends."""


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nobody listens on, and no other test process will, while this one lives."""
    folder = Path(tempfile.gettempdir()) / "stratus-test-ports"
    folder.mkdir(exist_ok=True)
    for base in range(20_000, 32_000, count):
        claim = os.open(folder / str(base), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.ExitStack() as stack:
                for port in range(base, base + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
        except OSError:
            os.close(claim)
            continue
        _claims.append(claim)
        return base
    raise RuntimeError("no free ports")


class CloudUnderTest:
    """Runs a `Cloud` in a thread; `run` runs a coroutine there."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.clock = ManualClock(time.time())
        self.settings = Settings(data, port_base=settings.pop("port_base", None) or free_ports(20), **settings)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> "CloudUnderTest":
        self._thread.start()

        async def start() -> Cloud:
            cloud = Cloud(self.settings, self.clock)
            try:
                await cloud.start()
            except BaseException:
                await cloud.stop()
                raise
            return cloud

        try:
            self.cloud = self.run(start())
        except BaseException:
            self._end_loop()
            raise
        return self

    def stop(self) -> None:
        try:
            self.run(self.cloud.stop())
        finally:
            self._end_loop()

    def _end_loop(self) -> None:
        """Nothing of the loop outlives the test, whatever went wrong: threads left over would keep the interpreter from ending."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def advance(self, seconds: float) -> None:
        """Moves the cloud's time, and lets what was waiting for it start."""

        async def advance() -> None:
            self.clock.advance(seconds)
            await asyncio.sleep(0)

        self.run(advance())

    @property
    def endpoint(self) -> str:
        return f"http://localhost:{self.settings.port_base}"

    @property
    def secure_endpoint(self) -> str:
        return f"https://localhost:{self.settings.port_base + 1}"

    @property
    def mailbox(self) -> Path:
        return self.cloud.mailbox

    def client(self, service: str, credentials: dict[str, str] | None = None, **config: Any) -> Any:
        """A boto3 client: as the administrator, or with `credentials` as boto3 names them."""
        admin = self.cloud.administrator
        keys = credentials or {
            "aws_access_key_id": admin.access_key_id,
            "aws_secret_access_key": admin.secret_access_key,
        }
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name is one of boto3's
            endpoint_url=self.endpoint,
            region_name=self.settings.regions[0],
            config=Config(retries={"total_max_attempts": 1}, **config),
            **keys,
        )
