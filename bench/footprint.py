"""How long it takes to start, and how much memory it holds when nothing happens."""

import statistics
import time
from pathlib import Path

from bench import servers
from bench.servers import Server

RUNS = 5


def start_to_ready(data: Path) -> float:
    """Median seconds from the command to the ready file, on a data directory that has the application."""
    took = []
    for _ in range(RUNS):
        started = time.perf_counter()
        with servers.stratus(data):
            took.append(time.perf_counter() - started)
    return statistics.median(took)


def idle_memory(server: Server) -> float:
    """Megabytes of the process and its children: proportional set size, so that shared pages count once."""
    return sum(_pss(pid) for pid in _family(server.pid)) / 1024


def _family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
