"""One worker process as the server sees it: it starts, asks for work, answers, and ends."""

import asyncio
import os
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from stratus.services.lambda_ import outcome, platform_log
from stratus.services.lambda_.functions import Function
from stratus.services.lambda_.outcome import Invocation, Outcome
from stratus.services.lambda_.output import Output
from stratus.services.lambda_.peer import belongs_to
from stratus.services.lambda_.runtime_api import RuntimeConnection, RuntimeListener
from stratus.services.lambda_.zygote_client import Death

INIT_LIMIT = 10.0
"""Seconds that AWS gives the init phase; past them it goes on within the function's own timeout."""
ASKS_AGAIN_WITHIN = 5.0
"""Seconds after its answer in which a runtime has to ask for the next event."""
MAX_RESPONSE = 6 * 1024 * 1024 + 100
"""6,291,556 bytes, as AWS's own error message says."""
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class State(Enum):
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ANSWERED = "answered"
    ENDING = "ending"


class Manager(Protocol):
    """Who owns the workers (the pool)."""

    def ready(self, worker: "Worker") -> None:
        """The worker waits for an invocation."""
        ...

    def answered(self, worker: "Worker") -> None:
        """The worker has answered an invocation, and will ask for the next."""
        ...

    def init_failed(self, worker: "Worker", outcome: Callable[[str], Outcome]) -> None:
        """The function could not be loaded; `outcome` makes the answer for a request id."""
        ...

    def kill(self, worker: "Worker") -> None: ...


class Worker:
    """The server's half of a worker process. Answers the worker's Runtime API and holds it to its deadline."""

    def __init__(
        self, name: str, function: Function, manager: Manager, emit: Callable[[str], None], expires: float
    ) -> None:
        self.name = name
        self.function = function
        self.state = State.STARTING
        self.expires = expires
        self.idle_since = 0.0
        self.listener = RuntimeListener(self)
        self.output = Output(emit)
        self._log_format = platform_log.of(function)
        self._manager = manager
        self._loop = asyncio.get_running_loop()
        self._pid: int | None = None
        self._unknown: list[RuntimeConnection] = []
        self._waiting: RuntimeConnection | None = None
        self._invocation: Invocation | None = None
        self._answer: asyncio.Future[Outcome] | None = None
        self._verdict: Callable[[str], Outcome] | None = None
        self._begun = time.monotonic()
        self._init_ms: float | None = None
        self._memory_file: int | None = None
        self._deadline = self._loop.call_later(INIT_LIMIT + function.timeout, self._init_timed_out)

    def started(self, pid: int) -> None:
        """The process lives, or has lived."""
        if self.state is State.ENDING:
            return
        self._pid = pid
        self.output.start()
        for connection in self._unknown:
            self._admit(connection, pid)
        self._unknown.clear()
        try:
            self._memory_file = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._memory_file = None  # not Linux, or dead already

    def abandoned(self) -> None:
        """There is no process, and there will be none."""
        self.state = State.ENDING
        self._deadline.cancel()
        self.listener.close()
        self.output.close()

    def run(self, invocation: Invocation) -> asyncio.Future[Outcome]:
        """Gives the waiting worker an invocation. The future never fails."""
        assert self._waiting is not None
        self.state = State.BUSY
        self._invocation = invocation
        self._answer = self._loop.create_future()
        self._begun = time.monotonic()
        timeout = self.function.timeout
        self._deadline = self._loop.call_later(timeout, self._timed_out)
        self.output.begin()
        for line in self._log_format.start(invocation.request_id):
            self.output.note(line)
        headers = [
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + timeout) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace_id),
        ]
        if invocation.client_context:
            headers.append(("Lambda-Runtime-Client-Context", invocation.client_context))
        connection, self._waiting = self._waiting, None
        connection.give(headers, invocation.payload)
        return self._answer

    def died(self, death: Death) -> None:
        """The process has ended, for whatever reason."""
        self.output.drain()
        if self.state is State.STARTING:
            self._manager.init_failed(self, self._verdict or (lambda request_id: outcome.exited(request_id, death)))
        elif self._invocation is not None:
            request_id = self._invocation.request_id
            ended = self._verdict(request_id) if self._verdict else outcome.exited(request_id, death)
            if self._verdict is None:
                self.output.note(f"RequestId: {request_id} Error: {outcome.exit_reason(death)}")
            self._finish(ended)
        self.state = State.ENDING
        self._deadline.cancel()
        self.listener.close()
        self.output.close()
        if self._memory_file is not None:
            os.close(self._memory_file)
            self._memory_file = None

    # The worker's requests (runtime_api.Runtime)

    def connected(self, connection: RuntimeConnection) -> None:
        connection.pause()
        if self._pid is None:
            self._unknown.append(connection)
        else:
            self._admit(connection, self._pid)

    def _admit(self, connection: RuntimeConnection, pid: int) -> None:
        """Only the worker itself may speak for it, whoever else finds the port."""
        if connection.transport is not None and belongs_to(pid, *connection.ports):
            connection.resume()
        else:
            connection.abort()

    def next(self, connection: RuntimeConnection) -> None:
        if self._invocation is not None or self.state is State.ENDING:
            self._manager.kill(self)
            return
        self._waiting = connection
        self._deadline.cancel()
        if self.state is State.STARTING:
            self._init_ms = (time.monotonic() - self._begun) * 1000
        self.state = State.IDLE
        self._manager.ready(self)

    def respond(self, request_id: str, body: bytes) -> bool:
        if not self._is_current(request_id):
            return False
        if len(body) > MAX_RESPONSE:
            self.too_large(request_id, len(body))
        else:
            self._finish(Outcome(body))
        return True

    def fail(self, request_id: str, body: bytes) -> bool:
        if not self._is_current(request_id):
            return False
        if b'"errorType": "MemoryError"' in body:
            # AWS ends a function that needs more memory than it has; one that asked in vain is ended here
            self._verdict = lambda request_id: outcome.exited(request_id, Death(None, 9))
            self._manager.kill(self)
            return True
        self._finish(outcome.failed(body))
        return True

    def fail_init(self, body: bytes) -> bool:
        if self.state is not State.STARTING:
            return False
        self._verdict = lambda _: outcome.failed(body)
        return True

    def too_large(self, request_id: str, size: int) -> None:
        if self._is_current(request_id):
            self._finish(outcome.too_large(request_id, size, MAX_RESPONSE))

    # Ends

    def _is_current(self, request_id: str) -> bool:
        return self._invocation is not None and self._invocation.request_id == request_id

    def _timed_out(self) -> None:
        timeout = self.function.timeout
        self._verdict = lambda request_id: outcome.timed_out(request_id, timeout)
        assert self._invocation is not None
        self.output.drain()
        self.output.note(platform_log.timed_out(self._invocation.request_id, timeout))
        self._manager.kill(self)

    def _init_timed_out(self) -> None:
        timeout = self.function.timeout
        self._verdict = lambda request_id: outcome.timed_out(request_id, timeout)
        self._manager.kill(self)

    def _finish(self, ended: Outcome) -> None:
        invocation, answer = self._invocation, self._answer
        assert invocation is not None
        assert answer is not None
        self._invocation = self._answer = None
        self._deadline.cancel()
        self._deadline = self._loop.call_later(ASKS_AGAIN_WITHIN, self._manager.kill, self)
        self.output.drain()
        for line in self._end_lines(invocation.request_id, failed=ended.error is not None):
            self.output.note(line)
        ended.log_tail = self.output.tail()
        self.state = State.ANSWERED
        self._manager.answered(self)
        if not answer.done():
            answer.set_result(ended)

    # The platform's own log lines

    def _end_lines(self, request_id: str, *, failed: bool) -> list[str]:
        report = platform_log.Report(
            duration_ms=(time.monotonic() - self._begun) * 1000,
            init_ms=self._init_ms,
            memory_mb=self.function.memory,
            used_mb=self._memory_mb(),
            failed=failed,
        )
        self._init_ms = None
        return self._log_format.end(request_id, report)

    def _memory_mb(self) -> int:
        if self._memory_file is None:
            return self.function.memory
        try:
            resident = int(os.pread(self._memory_file, 64, 0).split()[1])
        except (OSError, IndexError):
            return self.function.memory
        return min(resident * _PAGE_KB // 1024, self.function.memory)
