"""A server killed between 202 and delivery."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

SERVER = """
import asyncio, importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("harness", sys.argv[1])
harness = importlib.util.module_from_spec(spec)
sys.modules["harness"] = harness
spec.loader.exec_module(harness)

async def main():
    clock = harness.SystemClock()
    caller = harness.FakeCaller(clock)
    here = harness.Surroundings(harness.REGION, harness.ACCOUNT, Path(sys.argv[2]), clock, caller, harness.FakeAddresses())
    service = harness.LambdaService(here)
    await service.start()
    cloud = harness.Harness(service, caller)
    await cloud.create("f", "import time\\ndef handler(e, c):\\n    print('got', e)\\n    time.sleep(0.2)")
    for i in range(5):
        await cloud.do("Invoke", FunctionName="f", InvocationType="Event", Payload=b"%d" % i)
    print("accepted", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_crash_after_202_loses_no_event(make_cloud: Any, tmp_path: Path) -> None:
    # GIVEN a server that has accepted five events
    directory = tmp_path / "lambda"
    directory.mkdir(mode=0o700)
    harness = Path(__file__).with_name("conftest.py")
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(harness), str(directory), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    assert await server.stdout.readline() == b"accepted\n"
    # WHEN it is killed before it can have delivered them all
    os.kill(server.pid, signal.SIGKILL)
    await server.wait()
    # THEN nothing of it is left running: the zygote held the other end of the server's output, its workers died with it
    assert await server.stdout.read() == b""
    # AND after a restart those are delivered that were not yet
    cloud = await make_cloud()
    left = cloud.service.queue._size
    assert left > 0
    await cloud.settled()
    assert len([line for line in await cloud.log() if line.startswith("got")]) == left
    assert cloud.service.queue._size == 0
