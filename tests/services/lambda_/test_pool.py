"""The lives of workers: warm, idle, out of date, gone; on a clock that the tests move."""

import asyncio
import os
import signal
from typing import Any

import pytest

from stratus.clock import ManualClock

PID = "import os\ndef handler(e, c): return [os.getpid(), os.environ['AWS_ACCESS_KEY_ID']]"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def deaths(cloud: Any, left: int) -> None:
    """Returns when only so many workers are left; they die in their own time."""
    pool = cloud.service.invoker.pool
    changed = asyncio.Event()
    tell = cloud.service.invoker._zygote._on_death

    def told(worker: str, death: Any) -> None:
        tell(worker, death)
        changed.set()

    cloud.service.invoker._zygote._on_death = told
    while pool.size > left:
        await changed.wait()
        changed.clear()


async def test_idle_workers_end_after_ten_minutes(cloud: Any, clock: ManualClock) -> None:
    await cloud.create("f", PID)
    await cloud.ask("f")
    await cloud.idle()
    clock.advance(599)
    await asyncio.sleep(0)
    assert cloud.service.invoker.pool.size == 1
    clock.advance(61)
    await deaths(cloud, 0)
    # AND a minute later the zygote has gone, too, until it is needed
    clock.advance(60)
    while cloud.service.invoker._zygote._control is not None:
        await asyncio.wait([cloud.service.invoker._zygote._listening])
    assert isinstance((await cloud.ask("f"))[0], int)


async def test_credentials_are_renewed_before_they_end(cloud: Any, clock: ManualClock) -> None:
    await cloud.create("f", PID)
    pid, key = await cloud.ask("f")
    assert await cloud.ask("f") == [pid, key]
    # WHEN less than the longest invocation is left of them
    clock.advance(3600 - 899)
    other, new_key = await cloud.ask("f")
    # THEN a new worker has new ones
    assert other != pid
    assert new_key != key


async def test_the_zygote_may_be_killed(cloud: Any) -> None:
    await cloud.create("f", "import os, time\ndef handler(e, c):\n    time.sleep(e)\n    return os.getppid()")
    zygote = await cloud.ask("f", 0)
    await cloud.idle()
    # WHEN it dies under a running invocation
    running = asyncio.ensure_future(cloud.invoke("f", 5))
    await asyncio.sleep(0)
    os.kill(cloud.service.invoker._zygote._process.pid, signal.SIGKILL)
    # THEN that one fails, and the next finds a new zygote
    assert b"signal: killed" in (await running)["Payload"]
    assert await cloud.ask("f", 0) != zygote
    assert cloud.service.invoker.pool.size == 1


async def test_a_caller_that_leaves_does_not_stop_the_worker(cloud: Any) -> None:
    await cloud.create("f", "n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    return n")
    await cloud.ask("f")
    await cloud.idle()
    leaving = asyncio.ensure_future(cloud.invoke("f"))
    await asyncio.sleep(0)
    leaving.cancel()
    await cloud.idle()
    assert await cloud.ask("f") == 3


async def test_one_caller_after_another_needs_one_worker(cloud: Any) -> None:
    # a worker that has answered but not asked again is waited for
    await cloud.create("f", PID)
    assert len({(await cloud.ask("f"))[0] for _ in range(20)}) == 1
    assert cloud.service.invoker.pool.size == 1


async def test_common_libraries_fit_into_the_smallest_memory(cloud: Any) -> None:
    # GIVEN a function of 128 MB that makes clients of both kinds and calls with them
    await cloud.create(
        "f",
        "import boto3, botocore.config, pydynox\n"
        "def handler(e, c):\n"
        "    once = botocore.config.Config(retries={'total_max_attempts': 1}, connect_timeout=2)\n"
        "    boto3.client('s3', config=once)\n"
        "    table = boto3.client('dynamodb', config=once, endpoint_url='http://localhost:9')\n"
        "    try: table.list_tables()\n"
        "    except Exception as error: return type(error).__name__\n",
    )
    assert await cloud.ask("f") == "EndpointConnectionError"
