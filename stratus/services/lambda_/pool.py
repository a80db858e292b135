"""The workers of a region: warm ones reused, new ones forked as the queue asks, at most so many on the machine."""

import asyncio
import os
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from stratus.clock import Clock
from stratus.services.lambda_.environment import local_ports
from stratus.services.lambda_.functions import Function
from stratus.services.lambda_.outcome import Invocation, Outcome
from stratus.services.lambda_.worker import State, Worker
from stratus.services.lambda_.zygote_client import Birth, Death, ZygoteClient
from stratus.wire.errors import AwsError

MAX_QUEUED = 1000
QUEUE_SECONDS = 30.0
IDLE_SECONDS = 600.0
"""How long a worker is kept warm without work."""


def default_workers() -> int:
    """The machine-wide bound on workers, where nobody says otherwise."""
    return max(4, 2 * (os.cpu_count() or 1))


@dataclass(slots=True)
class Plan:
    """What a new worker is made from."""

    environment: Callable[[int], dict[str, str]]
    """The environment for a worker whose Runtime API listens on the given port."""
    emit: Callable[[str], None]
    expires: float


MakePlan = Callable[[Function], Awaitable[Plan]]


@dataclass(slots=True)
class _Waiting:
    invocation: Invocation
    answer: asyncio.Future[Outcome]
    since: float
    timer: asyncio.TimerHandle


@dataclass(slots=True)
class _Group:
    """The workers and the queue of one function as it stands (one revision)."""

    function: Function
    idle: list[Worker] = field(default_factory=list)
    queue: deque[_Waiting] = field(default_factory=deque)
    coming: set[str] = field(default_factory=set)
    """Workers that will ask for work at any moment: they start, or have just answered."""

    @property
    def empty(self) -> bool:
        return not self.idle and not self.queue and not self.coming


class Pool:
    """Runs invocations. `make_plan` gives credentials, environment and log stream for a new worker, or raises AwsError."""

    def __init__(self, zygote: ZygoteClient, clock: Clock, make_plan: MakePlan, max_workers: int) -> None:
        self._zygote = zygote
        self._clock = clock
        self._make_plan = make_plan
        self._max_workers = max_workers
        self._groups: dict[str, _Group] = {}
        self._current: dict[str, str] = {}
        self._workers: dict[str, Worker] = {}
        self._places: set[str] = set()
        self._running: dict[str, int] = {}
        self._queued = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        """Workers there are or are about to be."""
        return len(self._places)

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Runs one invocation to its end. Raises TooManyRequestsException when there is no room for it."""
        running = self._running.get(function.name, 0)
        reserved = function.reserved_concurrency
        if reserved is not None and running >= reserved:
            raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        self._running[function.name] = running + 1
        try:
            return await self._run(function, invocation)
        finally:
            self._running[function.name] -= 1
            if not self._running[function.name]:
                del self._running[function.name]

    async def _run(self, function: Function, invocation: Invocation) -> Outcome:
        group = self._group(function)
        while group.idle:
            worker = group.idle.pop()
            if worker.state is State.IDLE and worker.expires > self._clock.now():
                return await worker.run(invocation)
            self.kill(worker)
        if self._queued >= MAX_QUEUED:
            raise throttled("ConcurrentInvocationLimitExceeded")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        timer = loop.call_later(QUEUE_SECONDS, self._give_up, group, answer)
        group.queue.append(_Waiting(invocation, answer, loop.time(), timer))
        self._queued += 1
        self._scale()
        return await answer

    def retire(self, name: str) -> None:
        """Takes a function's idle workers away; busy ones end with their invocation."""
        self._current.pop(name, None)
        for group in [group for group in self._groups.values() if group.function.name == name]:
            while group.idle:
                self.kill(group.idle.pop())
            self._forget_if_empty(group)

    async def reap(self) -> None:
        """Ends idle workers whose time has come, for ever; run as a task."""
        while True:
            await self._clock.sleep(IDLE_SECONDS / 10)
            now = self._clock.now()
            for group in list(self._groups.values()):
                for worker in [w for w in group.idle if now - w.idle_since >= IDLE_SECONDS or w.expires <= now]:
                    group.idle.remove(worker)
                    self.kill(worker)
                self._forget_if_empty(group)
            if not self.size:
                await self._zygote.stop()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._zygote.stop()
        for worker in list(self._workers.values()):
            self.on_death(worker.name, Death(None, 9))

    # Called by workers (worker.Manager) and the zygote

    def ready(self, worker: Worker) -> None:
        group = self._groups.get(worker.function.revision)
        if group is None or worker.expires <= self._clock.now():
            self.kill(worker)
            return
        group.coming.discard(worker.name)
        waiting = self._take(group)
        if waiting is not None:
            _pass_on(worker.run(waiting.invocation), waiting.answer)
        elif self._current.get(group.function.name) != group.function.revision:
            self.kill(worker)
            self._forget_if_empty(group)
        else:
            worker.idle_since = self._clock.now()
            group.idle.append(worker)
            self._scale()

    def answered(self, worker: Worker) -> None:
        group = self._groups.get(worker.function.revision)
        if group is not None:
            group.coming.add(worker.name)

    def init_failed(self, worker: Worker, outcome: Callable[[str], Outcome]) -> None:
        group = self._groups.get(worker.function.revision)
        waiting = self._take(group) if group is not None else None
        if waiting is not None:
            ended = outcome(waiting.invocation.request_id)
            ended.log_tail = worker.output.tail()
            waiting.answer.set_result(ended)

    def kill(self, worker: Worker) -> None:
        self._zygote.kill(worker.name)
        if worker.state is State.IDLE:
            worker.state = State.ENDING

    def on_death(self, name: str, death: Death) -> None:
        """The zygote says that a worker has ended."""
        self._places.discard(name)
        worker = self._workers.pop(name, None)
        if worker is None:
            return
        group = self._groups.get(worker.function.revision)
        if group is not None and worker in group.idle:
            group.idle.remove(worker)
        worker.died(death)
        if group is not None:
            group.coming.discard(name)
        if group is not None and self._current.get(group.function.name) != group.function.revision:
            self._forget_if_empty(group)
        self._scale()

    # Growing

    def _group(self, function: Function) -> _Group:
        group = self._groups.get(function.revision)
        if group is None:
            self.retire(function.name)
            group = self._groups[function.revision] = _Group(function)
            self._current[function.name] = function.revision
        return group

    def _forget_if_empty(self, group: _Group) -> None:
        if group.empty:
            self._groups.pop(group.function.revision, None)

    def _take(self, group: _Group) -> _Waiting | None:
        while group.queue:
            waiting = group.queue.popleft()
            self._queued -= 1
            waiting.timer.cancel()
            if not waiting.answer.done():
                return waiting
        return None

    def _give_up(self, group: _Group, answer: asyncio.Future[Outcome]) -> None:
        for waiting in group.queue:
            if waiting.answer is answer:
                group.queue.remove(waiting)
                self._queued -= 1
                break
        if not answer.done():
            answer.set_exception(throttled("ConcurrentInvocationLimitExceeded"))

    def _scale(self) -> None:
        """Starts workers while there is somebody waiting for one and room for it, the longest wait first."""
        while self._queued:
            wanting = [group for group in self._groups.values() if len(group.queue) > len(group.coming)]
            if not wanting:
                return
            if self.size >= self._max_workers:
                self._make_room()
                return
            group = min(wanting, key=lambda group: group.queue[len(group.coming)].since)
            name = uuid.uuid4().hex
            group.coming.add(name)
            self._places.add(name)
            task = asyncio.ensure_future(self._start(group, name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _make_room(self) -> None:
        """Ends the worker that has been idle longest; its place is free once it is dead."""
        if any(worker.state is State.ENDING for worker in self._workers.values()):
            return
        idle = [worker for group in self._groups.values() for worker in group.idle]
        if idle:
            worker = min(idle, key=lambda worker: worker.idle_since)
            self._groups[worker.function.revision].idle.remove(worker)
            self.kill(worker)

    async def _start(self, group: _Group, name: str) -> None:
        worker: Worker | None = None
        try:
            plan = await self._make_plan(group.function)
            worker = Worker(name, group.function, self, plan.emit, plan.expires)
            await worker.listener.open()
            environment = plan.environment(worker.listener.port)
            birth = Birth(
                worker=name,
                code=Path(group.function.code_path),
                handler=group.function.handler,
                environment=environment,
                memory=group.function.memory << 20,
                tmp=group.function.ephemeral << 20,
                ports=local_ports(environment),
            )
            self._workers[name] = worker
            worker.started(await self._zygote.spawn(birth, worker.output.write_end))
        except OSError as error:
            refusal = AwsError("ServiceException", f"The function's process could not be started: {error}", 500)
            self._not_started(group, name, worker, refusal)
        except Exception as error:  # noqa: BLE001 - becomes the answer of whoever waits for this worker
            self._not_started(group, name, worker, error)

    def _not_started(self, group: _Group, name: str, worker: Worker | None, error: Exception) -> None:
        self._places.discard(name)
        self._workers.pop(name, None)
        group.coming.discard(name)
        waiting = self._take(group)
        if waiting is not None:
            waiting.answer.set_exception(error)
        if worker is not None:
            worker.abandoned()
        self._scale()


def throttled(reason: str) -> AwsError:
    """TooManyRequestsException, as Invoke answers it."""
    return AwsError("TooManyRequestsException", "Rate Exceeded.", 429, members={"Reason": reason, "Type": "User"})


def _pass_on(running: asyncio.Future[Outcome], answer: asyncio.Future[Outcome]) -> None:
    def done(running: asyncio.Future[Outcome]) -> None:
        if not answer.done():
            answer.set_result(running.result())

    running.add_done_callback(done)
