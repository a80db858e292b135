"""Jobs in the table."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from todolist.rules.jobs import Job

from . import keys
from .items import dumps

if TYPE_CHECKING:
    from .dynamo import Dynamo
    from .items import Item

_SECONDS_KEPT = 30 * 86_400


def item(user: str, job: Job) -> Item:
    """The item of a job. A finished one is kept for 30 days."""
    document = job.document
    return {
        "pk": user,
        "sk": keys.job(document["id"]),
        "doc": dumps(document),
        "work": dumps(job.work),
        "beat": document["updatedAt"],
        **({"ttl": _seconds(document["updatedAt"]) + _SECONDS_KEPT} if job.is_done else {}),
    }


def read(dynamo: Dynamo, user: str, job_id: str) -> Job | None:
    found = dynamo.get(user, keys.job(job_id), consistent=True)
    return Job(json.loads(found["doc"]), json.loads(found["work"])) if found else None


def replace(dynamo: Dynamo, user: str, before: Job, after: Job) -> None:
    """Raises Conflict when somebody else has replaced it since."""
    dynamo.put(item(user, after), unless_changed=("beat", before.document["updatedAt"]))


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())
