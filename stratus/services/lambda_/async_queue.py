"""Asynchronous invocations: on disk before they are accepted, tried up to three times, then told to a destination.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html. A crash at any moment means that an event
is delivered once more, never that it is lost.
"""

import asyncio
import heapq
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stratus.clock import Clock
from stratus.services.lambda_.destinations import Destinations, Ended
from stratus.services.lambda_.functions import Function, FunctionStore
from stratus.services.lambda_.invoker import Invoker
from stratus.services.lambda_.outcome import Invocation
from stratus.storage.database import Database
from stratus.wire.errors import AwsError

MAX_EVENTS = 10_000
"""Events of a region that may wait; more are answered with TooManyRequestsException."""
DEFAULT_RETRIES = 2
DEFAULT_MAX_AGE = 21_600
_RETRY_DELAYS = (60.0, 120.0)
_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 300.0
_DESTINATION_TRIES = 10

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  id TEXT PRIMARY KEY, function TEXT NOT NULL, arn TEXT NOT NULL, payload BLOB NOT NULL, accepted REAL NOT NULL, due REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, deferrals INTEGER NOT NULL DEFAULT 0, destination TEXT, record BLOB
) WITHOUT ROWID
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it waits. With a `record` the function is done with it, and only its destination is left to be told."""

    id: str
    function: str
    arn: str
    payload: bytes
    accepted: float
    due: float
    attempts: int
    deferrals: int
    destination: str | None
    record: bytes | None


class AsyncQueue:
    """The asynchronous events of a region. `concurrency` bounds how many run at once."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        functions: FunctionStore,
        invoker: Invoker,
        destinations: Destinations,
        concurrency: int,
    ) -> None:
        self._database = Database(directory / "events.sqlite", _SCHEMA)
        self._clock = clock
        self._functions = functions
        self._invoker = invoker
        self._destinations = destinations
        self._places = asyncio.Semaphore(concurrency)
        self._due: list[tuple[float, str]] = []
        self._size = 0
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Takes up what was left when the server last stopped, however it stopped."""
        self._due = self._database.reader.execute("SELECT due, id FROM events").fetchall()
        heapq.heapify(self._due)
        self._size = len(self._due)
        self._running = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Events on their way stay in the queue, and run again after the next start."""
        for task in (self._running, *self._tasks):
            if task is not None:
                task.cancel()
        await asyncio.gather(
            *(task for task in (self._running, *self._tasks) if task is not None), return_exceptions=True
        )
        await self._database.close()

    async def put(self, function: Function, invocation: Invocation) -> None:
        """Returns when the event is on disk. Raises TooManyRequestsException when too many wait."""
        if self._size >= MAX_EVENTS:
            raise AwsError(
                "TooManyRequestsException", "Rate Exceeded.", 429, members={"Reason": "CallerRateLimitExceeded"}
            )
        now = self._clock.now()
        values = (invocation.request_id, function.name, invocation.arn, invocation.payload, now, now)
        self._size += 1
        try:
            await self._database.write(
                lambda db: db.execute(
                    "INSERT INTO events (id, function, arn, payload, accepted, due) VALUES (?, ?, ?, ?, ?, ?)", values
                ),
                savepoint=False,
            )
        except BaseException:
            self._size -= 1
            raise
        self._schedule(now, invocation.request_id)

    # Delivery

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            while self._due and self._due[0][0] <= self._clock.now():
                await self._places.acquire()
                _, event_id = heapq.heappop(self._due)
                task = asyncio.ensure_future(self._deliver(event_id))
                self._tasks.add(task)
                task.add_done_callback(self._done)
            await self._next_moment()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.release()

    async def _next_moment(self) -> None:
        """Waits until an event is due or a new one comes."""
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._woken.wait())]
        if self._due:
            waits.append(asyncio.ensure_future(self._clock.sleep(max(self._due[0][0] - self._clock.now(), 0.001))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _deliver(self, event_id: str) -> None:
        try:
            await self._advance(event_id)
        except Exception:  # noqa: BLE001 - a full disk, say: reported, and the event stays in the queue
            _log.exception("event %s could not be handled; it is tried again", event_id)
            self._schedule(self._clock.now() + _LONGEST_BACKOFF, event_id)

    async def _advance(self, event_id: str) -> None:
        """Takes an event one step on, whatever that is."""
        row = self._database.reader.execute(
            "SELECT id, function, arn, payload, accepted, due, attempts, deferrals, destination, record FROM events WHERE id = ?",
            (event_id,),
        ).fetchone()
        event = Event(*row)
        function = self._functions.get(event.function)
        if function is None:
            await self._forget(event)
        elif event.record is not None:
            await self._tell(event, function)
        else:
            await self._attempt(event, function)

    async def _attempt(self, event: Event, function: Function) -> None:
        settings = function.event_invoke
        if self._clock.now() - event.accepted > settings.get("MaximumEventAgeInSeconds", DEFAULT_MAX_AGE):
            await self._end(event, function, Ended("EventAgeExceeded", event.attempts, None))
            return
        try:
            outcome = await self._invoker.invoke(function, Invocation(event.id, event.payload, event.arn))
        except AwsError:
            # no room, or a role that cannot be assumed just now: not the function's fault, so not one of its attempts
            delay = min(_FIRST_BACKOFF * 2**event.deferrals, _LONGEST_BACKOFF)
            await self._again(event, delay, attempts=event.attempts, deferrals=min(event.deferrals + 1, 20))
            return
        attempts = event.attempts + 1
        if outcome.error is None:
            await self._end(event, function, Ended("Success", attempts, outcome))
        elif attempts > settings.get("MaximumRetryAttempts", DEFAULT_RETRIES):
            await self._end(event, function, Ended("RetriesExhausted", attempts, outcome))
        else:
            await self._again(event, _RETRY_DELAYS[attempts - 1], attempts=attempts, deferrals=0)

    async def _end(self, event: Event, function: Function, ended: Ended) -> None:
        """The function is done with the event. What its destination is to be told is on disk before it is told."""
        destination = self._destinations.of(function, ended)
        if destination is None:
            await self._forget(event)
            return
        record = self._destinations.record(function, event.id, event.payload, ended, self._clock.now())
        await self._database.write(
            lambda db: db.execute(
                "UPDATE events SET record = ?, destination = ?, deferrals = 0 WHERE id = ?",
                (record, destination, event.id),
            ),
            savepoint=False,
        )
        self._schedule(self._clock.now(), event.id)

    async def _tell(self, event: Event, function: Function) -> None:
        assert event.record is not None
        assert event.destination is not None
        try:
            await self._destinations.tell(function, event.destination, event.record)
        except AwsError as error:
            if event.deferrals < _DESTINATION_TRIES:
                delay = min(_FIRST_BACKOFF * 2**event.deferrals, _LONGEST_BACKOFF)
                await self._again(event, delay, attempts=event.attempts, deferrals=event.deferrals + 1)
                return
            _log.warning("%s could not be told of event %s: %s", event.destination, event.id, error)
        await self._forget(event)

    async def _again(self, event: Event, delay: float, *, attempts: int, deferrals: int) -> None:
        due = self._clock.now() + delay
        await self._database.write(
            lambda db: db.execute(
                "UPDATE events SET due = ?, attempts = ?, deferrals = ? WHERE id = ?",
                (due, attempts, deferrals, event.id),
            ),
            savepoint=False,
        )
        self._schedule(due, event.id)

    async def _forget(self, event: Event) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM events WHERE id = ?", (event.id,))

        await self._database.write(work, savepoint=False)
        self._size -= 1

    def _schedule(self, due: float, event_id: str) -> None:
        heapq.heappush(self._due, (due, event_id))
        self._woken.set()
