"""Runs the load in a process of its own, so that it does not share an interpreter with what prepares it."""

import json
import subprocess
import sys
from collections.abc import Sequence

from bench.load import Outcome
from bench.requests import to_file
from bench.servers import ROOT, Server

CONNECTIONS = 16
WITHIN = 60.0
"""Seconds in which all answers must have come."""


class BadAnswers(Exception):  # noqa: N818 - named for what happened
    """A server refused, or never answered, what it was to be measured by: such a figure says nothing."""


def measure(server: Server, requests: Sequence[bytes], count: int, *, port: int | None = None) -> Outcome:
    """Sends `count` requests, going round in `requests`, after a tenth of them as warm-up that is not sent again.

    Raises BadAnswers when one was not 2xx.
    """
    warm = len(requests) // 11
    _send(server, requests[:warm] or requests, count // 10, port)
    return _send(server, requests[warm:], count, port)


def _send(server: Server, requests: Sequence[bytes], count: int, port: int | None) -> Outcome:
    path = to_file(requests)
    command = [sys.executable, "-m", "bench.load", str(port or server.port), str(count), str(CONNECTIONS), str(path)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=WITHIN)
    except subprocess.TimeoutExpired:
        raise BadAnswers(f"{server.name} left requests without an answer for {WITHIN} s") from None
    finally:
        path.unlink()
    outcome = Outcome(**json.loads(done.stdout))
    if outcome.bad:
        raise BadAnswers(f"{server.name}: {outcome.bad} of {outcome.done}: {outcome.sample}")
    return outcome
