"""How a job is worked off: steps that may be repeated, each noted down, until nothing is left or time is short."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from todolist.store import jobs as stored_jobs
from todolist.store.dynamo import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from todolist.rules.jobs import Job
    from todolist.store.dynamo import Dynamo

logger = logging.getLogger(__name__)

_MILLISECONDS_TO_SPARE = 30_000


class Context(Protocol):
    """What of Lambda's context object is used."""

    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int: ...


def work_off(
    event: Mapping[str, str],
    context: Context,
    dynamo: Dynamo,
    now: Callable[[], datetime],
    steps: Callable[[str, Job], Iterator[int]],
    invoke: Callable[[str, Mapping[str, str]], None],
) -> None:
    """Runs `steps` of the job that `event` names ({"user", "job"}); each yields how many things it did.

    After each step the count is noted down, which also shows that somebody is at work. With less than 30 seconds left
    the work goes on in another invocation. A step that fails ends the invocation, and Lambda tries again.
    """
    user = event["user"]
    job = stored_jobs.read(dynamo, user, event["job"])
    if job is None or job.is_done:
        return
    try:
        for count in steps(user, job):
            job = _note(dynamo, user, job, job.progressed(count, now()))
            if context.get_remaining_time_in_millis() < _MILLISECONDS_TO_SPARE:
                invoke(context.invoked_function_arn, event)
                return
    except Exception:
        logger.error("a step failed; when all tries do, invoke this function with %s", json.dumps(dict(event)))
        raise
    _note(dynamo, user, job, job.finished(now()))


def _note(dynamo: Dynamo, user: str, before: Job, after: Job) -> Job:
    try:
        stored_jobs.replace(dynamo, user, before, after)
    except Conflict:
        # The job was started twice, or a look at it has just refreshed it. Both workers' steps may be repeated, so it
        # is enough to go on from what is written there.
        present = stored_jobs.read(dynamo, user, before.document["id"])
        if present is None:
            return after
        if after.is_done and not present.is_done:
            stored_jobs.replace(dynamo, user, present, after)
            return after
        return present
    return after


@cache
def client(service: str) -> Any:
    """A boto3 client for the life of the process."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=3, read_timeout=20, retries={"max_attempts": 4, "mode": "standard"})
    return boto3.client(service, config=config)


def invoke(function: str, event: Mapping[str, str]) -> None:
    """Invokes a function asynchronously."""
    client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(dict(event)))
