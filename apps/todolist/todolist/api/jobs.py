"""Jobs: written down with the write that makes them necessary, then started; and started again when they stand still.

Nothing has to watch over them: the user's account names the jobs that are not done, and whatever that user does next
(a write, GET /me, a look at the job) starts one that nobody is at work on.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from todolist.store import jobs as stored
from todolist.store.dynamo import Conflict

from . import workers

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from todolist.rules.jobs import Job
    from todolist.store.dynamo import Dynamo

logger = logging.getLogger(__name__)

_PATIENCE = timedelta(minutes=2)
"""A job that has stood still for so long is started again."""

_MOST_LOOKED_AT = 3
"""Jobs that one request looks after, the oldest first (their ids tell), so that it stays quick."""


def tend(dynamo: Dynamo, user: str, job_ids: tuple[str, ...], now: datetime) -> tuple[str, ...]:
    """Starts those of the oldest jobs that stand still. Gives the jobs that are not known to be done."""
    oldest, later = sorted(job_ids)[:_MOST_LOOKED_AT], sorted(job_ids)[_MOST_LOOKED_AT:]
    found = [look_after(dynamo, user, job_id, now) for job_id in oldest]
    return tuple(job.document["id"] for job in found if job and not job.is_done) + tuple(later)


def look_after(dynamo: Dynamo, user: str, job_id: str, now: datetime) -> Job | None:
    """The job as it is now, started again when it stood still; None when there is no such job."""
    job = stored.read(dynamo, user, job_id)
    if job is None or not job.is_stuck(now, _PATIENCE):
        return job
    logger.warning("job %s stood still, it is started again", job_id)
    fresh = job.progressed(0, now)
    try:
        stored.replace(dynamo, user, job, fresh)
    except Conflict:
        return job  # its worker lives, or somebody else has just started it
    kind: Any = job.document["kind"]
    workers.start(kind, user, job_id)
    return fresh
