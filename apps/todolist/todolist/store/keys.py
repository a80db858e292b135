"""The key design. README.md has it as a table; this is the only place where keys are put together.

A user is a partition (`pk`). `sk` names a thing by its id. Two local indexes order the same items for reading, and in
each the user's account item, which carries the version, stands right before the to-dos (in `by-list` each list's own
item stands before its to-dos), so that one Query returns to-dos and the version that proves how fresh they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from todolist.rules import due

if TYPE_CHECKING:
    from todolist.rules.documents import Todo
    from todolist.rules.workspace import Ref

BY_VERSION = "by-version"
BY_LIST = "by-list"
BY_STATUS = "by-status"

ACCOUNT = "L"
PROFILE = "P"
BEGIN, END = "!", "~"
"""They sort before and after all that keys begin with."""

ACCOUNT_IN_LIST = "!"
ACCOUNT_IN_STATUS = "M"
DONE = "D"
OPEN = "O"

_LATEST_TIME = 9_999_999_999_999


def sort_key(ref: Ref) -> str:
    """The `sk` of a to-do, a list, the profile, or the receipt of an Idempotency-Key."""
    kind, identifier = ref
    return {"todo": "T#", "list": "L#", "profile": PROFILE, "receipt": "I#"}[kind] + identifier


def job(job_id: str) -> str:
    return f"J#{job_id}"


def head(list_id: str) -> str:
    """Where a list's own item stands in `by-list`: before its to-dos."""
    return f"{list_id}#0"


def open_in(list_id: str) -> str:
    return f"{list_id}#1"


def done_in(list_id: str) -> str:
    return f"{list_id}#2"


def in_list(todo: Todo) -> str:
    """Open to-dos by position; then the done ones, the latest first."""
    if todo["doneAt"]:
        milliseconds = round(datetime.fromisoformat(todo["doneAt"]).timestamp() * 1000)
        return f"{done_in(todo['listId'])}#{_LATEST_TIME - milliseconds:013d}#{todo['id']}"
    return f"{open_in(todo['listId'])}#{todo['position']}#{todo['id']}"


def in_status(todo: Todo) -> str:
    """Done to-dos by when; then (past the account item) the open ones by when they are due."""
    if todo["doneAt"]:
        return f"{DONE}#{todo['doneAt']}#{todo['id']}"
    return f"{OPEN}#{due.sort_key(todo['due'])}#{todo['id']}"
