"""SIGKILL at random points under writes to every service: what was acknowledged is there after the restart."""

import os
import random
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cloud_under_test import free_ports
from tests.durability.stratus_process import StratusProcess
from tests.durability.writers import ALL, Writer


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(5, id="a few", marks=pytest.mark.timeout(300)),
        pytest.param(
            int(os.environ.get("KILLS", "200")), id="many", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]
        ),
    ],
)
def test_what_was_acknowledged_survives(tmp_path: Path, kills: int) -> None:
    with StratusProcess(tmp_path / "data", free_ports(20)) as server:
        server.start()
        writers = [kind(server) for kind in ALL]
        for writer in writers:
            writer.prepare()
        for _ in range(kills):
            write_until_killed(server, writers)
            server.start()
        for writer in writers:
            writer.check()
        counts = {type(writer).__name__: len(writer.acknowledged) for writer in writers}
        print(f"{kills} kills; acknowledged and found again: {counts}")
        assert all(counts.values())
        assert server.stop() == 0


def write_until_killed(server: StratusProcess, writers: Sequence[Writer]) -> None:
    """Checks what the last round left, then writes everywhere at once until the server dies at some moment."""
    for writer in writers:
        writer.check()
    threads = [threading.Thread(target=writer.run, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    threading.Event().wait(random.uniform(0.05, 1.0))
    server.kill()
    for thread in threads:
        thread.join(60)
