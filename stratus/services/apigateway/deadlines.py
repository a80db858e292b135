"""Time limits on awaited work, on the cloud's clock. One sleeping task per length of limit, not one per request."""

import asyncio
import itertools
from collections.abc import Awaitable
from typing import TypeVar

from stratus.clock import Clock

T = TypeVar("T")


class _Wait:
    __slots__ = ("deadline", "expired", "task")

    def __init__(self, task: "asyncio.Task[object]", deadline: float) -> None:
        self.task, self.deadline, self.expired = task, deadline, False


class Deadlines:
    """Gives up on work that takes too long, by cancelling it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: dict[float, dict[int, _Wait]] = {}
        self._watchers: dict[float, asyncio.Task[None]] = {}
        self._ids = itertools.count()

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """What `work` returns; raises TimeoutError after `seconds`."""
        task = asyncio.current_task()
        assert task is not None
        wait, key = _Wait(task, self._clock.now() + seconds), next(self._ids)
        # All waits of one dictionary are equally long, so the first one in is the first one due.
        waits = self._waits.setdefault(seconds, {})
        waits[key] = wait
        if seconds not in self._watchers:
            self._watchers[seconds] = asyncio.create_task(self._watch(seconds, waits))
        try:
            return await work
        except asyncio.CancelledError:
            if wait.expired and task.uncancel() <= 0:
                raise TimeoutError from None
            raise
        finally:
            waits.pop(key, None)

    async def close(self) -> None:
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        self._watchers.clear()

    async def _watch(self, seconds: float, waits: dict[int, _Wait]) -> None:
        while waits:
            key, first = next(iter(waits.items()))
            remaining = first.deadline - self._clock.now()
            if remaining > 0:
                await self._clock.sleep(remaining)
                continue
            del waits[key]
            first.expired = True
            first.task.cancel()
        del self._watchers[seconds]
