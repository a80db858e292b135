"""The zygote buries the dead."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, socket, sys
from stratus.services.lambda_ import zygote
from stratus.services.lambda_.sandbox import Abilities

_, control = socket.socketpair()
served = zygote.Zygote.__new__(zygote.Zygote)
served._control, served._abilities, served._workers, served._loaded = control, Abilities(False, False, 0), {}, True

swept = []
zygote._kill_group = swept.append
zygote._children = lambda: swept.append("orphans") or []

for number in range(50):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
served._workers[pid] = "worker"
served._reap()
assert swept == [pid, "orphans"], swept
assert served._workers == {}
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are adopted on Linux")
def test_given_a_worker_that_forked_without_end_when_it_dies_then_its_orphans_are_buried_at_once() -> None:
    """Not one after the other, each with a look at all the rest: no other worker could start meanwhile."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
