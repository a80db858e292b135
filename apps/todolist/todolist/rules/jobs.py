"""Work that goes on after its answer: what is written down of it, so that it can go on after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from .documents import Job as JobDocument
from .workspace import iso

if TYPE_CHECKING:
    from datetime import timedelta

Kind = Literal["delete-list", "erase-account"]


@dataclass(frozen=True)
class Job:
    """A job of a user: its public document, and what its worker needs to know (`work`)."""

    document: JobDocument
    work: dict[str, Any]

    @property
    def is_done(self) -> bool:
        return self.document["status"] == "done"

    def progressed(self, count: int, moment: datetime) -> Job:
        """The job after `count` more things were done."""
        document = self.document
        return self._with(processed=document["processed"] + count, updatedAt=iso(moment))

    def finished(self, moment: datetime) -> Job:
        """The job when all is done. What its worker needed to know is forgotten."""
        return Job(self._with(status="done", updatedAt=iso(moment)).document, {})

    def is_stuck(self, moment: datetime, patience: timedelta) -> bool:
        """Whether it has stood still for longer than a step takes, so that nobody seems to be at work on it."""
        return not self.is_done and moment - datetime.fromisoformat(self.document["updatedAt"]) > patience

    def _with(self, **members: Any) -> Job:
        document: Any = {**self.document, **members}
        return Job(document, self.work)


def begin(job_id: str, kind: Kind, work: dict[str, Any], moment: datetime) -> Job:
    """A job that nothing has been done of yet."""
    now = iso(moment)
    document = JobDocument(id=job_id, kind=kind, status="running", processed=0, createdAt=now, updatedAt=now)
    return Job(document, work)
