"""`make bench`: every figure of docs/performance.md in one run, Stratus and its peers in turn, ratios taken in the run.

Takes about ten minutes on two cores. `python -m bench --write` puts the tables into docs/performance.md.
"""

import argparse
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench import application, dynamodb, s3, servers
from bench.driver import BadAnswers
from bench.footprint import idle_memory, start_to_ready
from bench.load import Outcome
from bench.servers import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- made by `make bench` -->", "<!-- end -->"
LARGE = 1_000_000


@dataclass(frozen=True)
class Row:
    """One line of the table: what, Stratus's figure, each peer's, and what is asked of it."""

    what: str
    ours: Outcome
    peers: dict[str, Outcome]
    wanted: str

    def cells(self) -> list[str]:
        peers = [f"{outcome.rate:,.0f}/s ({self.ours.rate / outcome.rate:.1f}×)" for outcome in self.peers.values()]
        return [
            self.what,
            f"{self.ours.rate:,.0f}/s",
            f"{self.ours.p50:.2f} / {self.ours.p99:.2f} ms",
            *peers,
            self.wanted,
        ]


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is ended too
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    arguments.add_argument("--items", type=int, default=LARGE, help="items in the large partition")
    given = arguments.parse_args()
    console = Console()
    lines = [
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}.",
        "",
    ]
    for title, table in _tables(given.items):
        console.rule(title)
        for line in table:
            console.print(line, highlight=False, soft_wrap=True)
        lines += [f"### {title}", "", *table, ""]
    if given.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(before + "\n".join([BEGIN, "", *lines, END]) + after)
    return 0


def _tables(items: int) -> Iterator[tuple[str, list[str]]]:
    yield "DynamoDB over HTTP, 16 connections", _dynamodb()
    yield "S3 over HTTP, 16 connections", _s3()
    yield "Warm `GET /todos` of 50 to-dos, signed in, 16 connections", _application()
    yield f"Query with Limit=1, partitions of 10 and of {items:,} items", _large(items)
    yield "Start and memory", _footprint()


def _dynamodb() -> list[str]:
    outcomes: dict[str, dict[str, Outcome]] = {}
    for server in (servers.stratus, servers.ministack, servers.dynamodb_local):
        with server() as running:
            dynamodb.prepare(running)
            outcomes[running.name] = _noted(running.name, dynamodb.operations(running))
    ours = outcomes.pop("stratus")
    rows = [
        Row(name, ours[name], {peer: done[name] for peer, done in outcomes.items()}, "4× ministack") for name in ours
    ]
    return _markdown(rows, list(outcomes))


def _noted(server: str, measured: Iterator[tuple[str, Outcome]]) -> dict[str, Outcome]:
    """The outcomes by name, each told on standard error as it comes."""
    outcomes = {}
    for name, outcome in measured:
        print(f"{server} {name}: {outcome.rate:,.0f}/s", file=sys.stderr)
        outcomes[name] = outcome
    return outcomes


def _s3() -> list[str]:
    outcomes: dict[str, dict[str, Outcome]] = {}
    for server in (servers.stratus, servers.ministack):
        with server() as running:
            s3.prepare(running)
            outcomes[running.name] = _noted(running.name, s3.operations(running))
    ours = outcomes.pop("stratus")
    rows = [
        Row(name, ours[name], {peer: done[name] for peer, done in outcomes.items()}, "1× ministack") for name in ours
    ]
    return _markdown(rows, list(outcomes))


def _application() -> list[str]:
    with servers.stratus() as running:
        ours = application.todolist(running)
    table = [f"Stratus: {ours.rate:,.0f}/s, p50 {ours.p50:.2f} ms, p99 {ours.p99:.2f} ms (wanted: 5× ministack).", ""]
    try:
        with servers.ministack() as running:
            theirs = application.peer(running)
    except BadAnswers as failed:
        return [*table, f"No figure of the peer: {failed}."]
    return [*table, f"ministack, with `peer.yaml`: {theirs.rate:,.0f}/s ({ours.rate / theirs.rate:.1f}×)."]


def _large(items: int) -> list[str]:
    with servers.stratus() as running:
        dynamodb.prepare(running)
        small, large = dynamodb.large_partition(running, items)
    return [
        f"{small:.2f} ms in the small one, {large:.2f} ms in the large one: {large / small:.2f}× (wanted: as fast)."
    ]


def _footprint() -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        with servers.stratus(data):
            pass
        seconds = start_to_ready(data)
        with servers.stratus(data) as running:
            megabytes = idle_memory(running)
    return [
        f"Start to ready on an existing data directory: {seconds:.2f} s (wanted: at most 2).",
        "",
        f"Idle memory of all processes, before the first invocation: {megabytes:.0f} MB (wanted: at most 150).",
    ]


def _markdown(rows: list[Row], peers: list[str]) -> list[str]:
    head = ["", "Stratus", "p50 / p99", *peers, "wanted"]
    table = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return [f"| {' | '.join(cells)} |" for cells in table]


if __name__ == "__main__":
    sys.exit(main())
