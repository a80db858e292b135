"""All lists, what changed since a version, and everything, a page at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from todolist.problems import Problem

from . import cursors, items, keys

if TYPE_CHECKING:
    from .dynamo import Dynamo

_LATEST = 2**53 - 1
_KEPT_MILLISECONDS = items.DAYS_OF_TOMBSTONES * 86_400_000


def lists(dynamo: Dynamo, user: str, at_least: int) -> tuple[list[str], int]:
    """The JSON texts of all lists by position, and the version up to which they are proven fresh, by one Query."""
    found, _ = dynamo.query(user, "sk", keys.ACCOUNT, "L#" + keys.END)
    if at_least > (found[0]["latest"] if found else 0):
        found, _ = dynamo.query(user, "sk", keys.ACCOUNT, "L#" + keys.END, consistent=True)
    if not found:
        return [], 0
    account, *rest = found
    documents = [item["doc"] for item in rest if "inList" in item and "doc" in item]
    return sorted(documents, key=_by_position), account["latest"]


def _by_position(document: str) -> tuple[str, str]:
    members = json.loads(document)
    return members["position"], members["id"]


@dataclass
class Changes:
    """What changed: JSON texts of what is there, ids of what was deleted, and the version that this is complete to."""

    version: int
    todos: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    deleted_todos: list[str] = field(default_factory=list)
    deleted_lists: list[str] = field(default_factory=list)
    cursor: str | None = None


def since(dynamo: Dynamo, user: str, version: int, *, now: int, limit: int, cursor: str | None) -> Changes:
    """What changed after `version`, in the order of versions. `now` is in milliseconds since 1970.

    The account is read before the changes: all up to its version was then committed, and is among them. A `version`
    from before the oldest tombstone that is surely kept, or from the future, is answered with a Problem (410): versions
    are times, see rules/workspace.py.
    """
    account = items.account_of(dynamo.get(user, keys.ACCOUNT, consistent=True))
    changes = Changes(account.version)
    if version == account.version:
        return changes
    if version > account.version:
        raise _start_anew("This version is later than your latest, as after a restored backup")
    if 0 < version < now - _KEPT_MILLISECONDS:
        raise _start_anew("Deletions from so long ago are forgotten")
    start: dict[str, Any] | None = None
    if cursor:
        sort_key, place = cursors.read(cursor, str, int)
        if not sort_key.startswith(("T#", "L#")) or place <= version:
            raise cursors.wrong_cursor()
        start = {"pk": user, "sk": sort_key, "ver": place}
    found, last = dynamo.query(
        user, "ver", version + 1, _LATEST, index=keys.BY_VERSION, start=start, limit=limit, consistent=True
    )
    for item in found:
        is_todo = item["sk"].startswith("T#")
        if "ttl" not in item:
            (changes.todos if is_todo else changes.lists).append(item["doc"])
        elif version:
            (changes.deleted_todos if is_todo else changes.deleted_lists).append(item["sk"][2:])
    changes.cursor = cursors.write(last["sk"], last["ver"]) if last else None
    return changes


def _start_anew(why: str) -> Problem:
    return Problem(410, "start-anew", "Start anew", f"{why}; read everything anew with since=0.")


def export(dynamo: Dynamo, user: str, cursor: str | None) -> tuple[list[str], str | None]:
    """JSON texts of lists, then to-dos, and the cursor of the next page."""
    start = None
    if cursor:
        (sort_key,) = cursors.read(cursor, str)
        if not sort_key.startswith((keys.ACCOUNT, keys.PROFILE, "T#")):
            raise cursors.wrong_cursor()
        start = {"pk": user, "sk": sort_key}
    found, last = dynamo.query(user, "sk", "L#", "T#" + keys.END, start=start, consistent=True)
    documents = [
        f'{{"kind":"{"todo" if item["sk"].startswith("T#") else "list"}",{item["doc"][1:]}'
        for item in found
        if "doc" in item and "ttl" not in item
    ]
    return documents, cursors.write(last["sk"]) if last else None
