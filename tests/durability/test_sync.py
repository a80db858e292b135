"""The system calls of the whole server: between a write's request and its answer lies a finished sync of what was written."""

import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cloud_under_test import free_ports
from tests.durability.stratus_process import StratusProcess
from tests.durability.writers import Apis, Events, Identities, Invocations, Items, Objects, SignUps, Users, Writer

TRACED = "trace=read,recvfrom,write,writev,sendto,sendmsg,fsync,fdatasync"
WRITERS: dict[str, Callable[[StratusProcess], Writer]] = {
    kind.__name__: kind for kind in (Items, Objects, SignUps, Users, Identities, Events, Apis, Invocations)
}

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace; CI installs it"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StratusProcess, Path]]:
    folder = tmp_path_factory.mktemp("traced")
    trace = folder / "trace"
    with StratusProcess(folder / "data", free_ports(20)) as server:
        server.start(prefix=("strace", "-f", "-yy", "-s", "200", "--seccomp-bpf", "-o", str(trace), "-e", TRACED))
        yield server, trace
        server.stop()


@pytest.mark.parametrize("name", WRITERS)
def test_an_answer_comes_after_a_sync(traced: tuple[StratusProcess, Path], name: str) -> None:
    server, trace = traced
    writer = WRITERS[name](server)
    writer.prepare()
    writer.connect()
    before = trace.stat().st_size
    for _ in range(3):
        writer.write(secrets.token_hex(8))
    deadline = time.monotonic() + 10
    exchanges: list[bool] = []
    while len(exchanges) < 3 and time.monotonic() < deadline:  # strace is a little behind
        with trace.open() as file:
            file.seek(before)
            exchanges = list(between_request_and_answer(file.read(), server))
    assert len(exchanges) >= 3
    assert all(synced for synced in exchanges), exchanges


_READ = re.compile(r"(?:read|recvfrom)\(\d+<TCP:\[(?P<socket>[^\]]+)\]>")
_ANSWER = re.compile(r'(?:write|writev|sendto|sendmsg)\(\d+<TCP:\[(?P<socket>[^\]]+)\]>.*"HTTP/1\.1 2')
_SYNC = re.compile(r"f(?:data)?sync\(\d+<(?P<path>[^>]+)>")
_WRITE_REQUEST = re.compile(r'"(?:POST|PUT|DELETE) ')


def between_request_and_answer(trace: str, server: StratusProcess) -> Iterator[bool]:
    """For each request to the AWS endpoint that was answered 2xx: whether a sync of a data file began after it and ended before."""
    endpoint, data = f"127.0.0.1:{server.port_base}->", str(server.data)
    reading: dict[str, str] = {}
    waiting: dict[str, bool] = {}
    syncing: dict[str, set[str]] = {}
    for line in trace.splitlines():
        thread = line.split(" ", 1)[0]
        if found := _READ.search(line):
            reading[thread] = found["socket"]
        if (found or "read resumed>" in line or "recvfrom resumed>" in line) and _WRITE_REQUEST.search(line):
            if reading.get(thread, "").startswith(endpoint):
                waiting[reading[thread]] = False
        elif (found := _SYNC.search(line)) and found["path"].startswith(data):
            if "<unfinished" in line:
                syncing[thread] = set(waiting)
            else:
                waiting = dict.fromkeys(waiting, True)
        elif "sync resumed>" in line:
            for socket in syncing.pop(thread, set()) & waiting.keys():
                waiting[socket] = True
        elif (found := _ANSWER.search(line)) and found["socket"] in waiting:
            yield waiting.pop(found["socket"])
