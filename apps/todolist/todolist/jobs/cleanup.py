"""Deletes the to-dos of a deleted list."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from todolist.problems import Problem
from todolist.rules.todos import bury
from todolist.store import keys
from todolist.store.dynamo import Dynamo
from todolist.store.table import Table
from todolist.store.writing import Surroundings, Writer

from . import worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from todolist.rules.jobs import Job
    from todolist.rules.workspace import Ref, Workspace
    from todolist.store.items import Item

_AT_ONCE = 40
"""To-dos that one transaction deletes: with the account and the list, far below the 100 that DynamoDB takes."""


def _now() -> datetime:
    return datetime.now(UTC)


SURROUNDINGS = Surroundings(now=_now, random=secrets.token_bytes, pause=time.sleep)


@cache
def table() -> Table:
    return Table(Dynamo(os.environ["TABLE"]))


def handler(event: Mapping[str, str], context: Any) -> None:
    """The Lambda function."""
    worker.work_off(event, context, table().dynamo, _now, steps, worker.invoke)


def steps(user: str, job: Job) -> Iterator[int]:
    """Deletes what the list still has, some at once. What is left is what the table says, so that a repeat goes on."""
    list_id = job.work["list"]
    while found := _some_of(user, list_id):

        def work(workspace: Workspace, found: list[Ref] = found) -> tuple[int, list[Item]]:
            return sum(bury(workspace, identifier, list_id) for _, identifier in found), []

        try:
            count, _ = Writer(table(), SURROUNDINGS, user).write(found, work)
        except Problem as problem:
            if problem.kind != "account-erased":
                raise
            return  # its to-dos go with the account
        yield count


def _some_of(user: str, list_id: str) -> list[Ref]:
    found, _ = table().dynamo.query(
        user, "inList", keys.open_in(list_id), f"{list_id}#{keys.END}",
        index=keys.BY_LIST, limit=_AT_ONCE, consistent=True,
    )  # fmt: skip
    return [("todo", item["sk"][2:]) for item in found]
