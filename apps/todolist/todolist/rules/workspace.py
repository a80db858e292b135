"""What one write has read of a user's data, and what it wants written. Rules work on it, the store commits it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from todolist.problems import erased, gone, not_found, over_limit

from . import ids, position
from .documents import Todo, TodoList, Tombstone

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_TODOS = 20_000
MOST_LISTS = 200

Kind = Literal["todo", "list", "profile", "receipt"]
Ref = tuple[Kind, str]


@dataclass(frozen=True)
class Account:
    """A user's version and counts: the item that every write of theirs checks and replaces.

    `jobs` are the ids of those that were not done when last looked at, `closed_by` is the one that erases the account.
    """

    version: int = 0
    todos: int = 0
    lists: int = 0
    jobs: tuple[str, ...] = ()
    closed_by: str | None = None

    def check_open(self) -> None:
        """Raises a Problem when the account is being erased, or was."""
        if self.closed_by:
            raise erased(self.closed_by)


@dataclass(frozen=True)
class Profile:
    """What the API knows of a user beyond their token."""

    identity_id: str | None = None

    @property
    def folder(self) -> str | None:
        """Where the user's files are."""
        return f"private/{self.identity_id}/" if self.identity_id else None


class NotLoaded(Exception):  # noqa: N818 - it asks for more, it is no error
    """A rule needs something that has not been read yet: read it and start again."""

    def __init__(self, *refs: Ref) -> None:
        self.refs = refs


class Workspace:
    """A user's data as one write sees and changes it.

    `account` and `loaded` (None where there is nothing) were read; `moment` is the present time, `random` makes that
    many random bytes. `version` is what everything written gets: later than any before it, and the milliseconds since
    1970 where the clock allows, so that a version also tells how old it is.
    """

    def __init__(
        self, account: Account, loaded: dict[Ref, Any], moment: datetime, random: Callable[[int], bytes]
    ) -> None:
        account.check_open()
        self.account = account
        self.milliseconds = int(moment.timestamp() * 1000)
        self.now = iso(moment)
        self.version = max(account.version + 1, self.milliseconds)
        self.todos = account.todos
        self.lists = account.lists
        self.jobs = account.jobs
        self.closed_by: str | None = None
        self.touched: set[str] = set()
        self.written: dict[Ref, Todo | TodoList | Tombstone] = {}
        self._loaded = loaded
        self._random = random
        if account.version == 0:
            self.put_list(_inbox(self))

    # -- reading

    def find(self, kind: Kind, identifier: str) -> Any:
        """What is there now, None included. Raises NotLoaded."""
        ref = (kind, identifier)
        if ref in self.written:
            return self.written[ref]
        if ref not in self._loaded:
            raise NotLoaded(ref)
        return self._loaded[ref]

    def todo(self, identifier: str) -> Todo:
        """The live to-do, or a Problem."""
        found = self.find("todo", identifier)
        if found is None or is_buried(found):
            raise not_found("to-do", identifier)
        todo: Todo = found
        return todo

    def list(self, identifier: str) -> TodoList:
        """The live list, or a Problem."""
        found = self.find("list", identifier)
        if found is None or is_buried(found):
            raise not_found("list", identifier)
        todo_list: TodoList = found
        return todo_list

    def is_new(self, kind: Kind, identifier: str) -> bool:
        """Whether an id is unused. Raises a Problem when it was used and deleted."""
        found = self.find(kind, identifier)
        if found is not None and is_buried(found):
            raise gone("to-do" if kind == "todo" else "list", identifier)
        return found is None

    # -- writing

    def new_id(self) -> str:
        return ids.uuid7(self.milliseconds, self._random(10))

    def end_position(self) -> str:
        """A position after all present ones."""
        return position.at_end(self.version, len(self.written))

    def put_todo(self, todo: Todo, before: Todo | None) -> None:
        if before is None:
            if self.todos >= MOST_TODOS:
                raise over_limit(f"You have {MOST_TODOS} to-dos, which is the most; delete some you no longer need.")
            self.todos += 1
        else:
            self.touched.add(before["listId"])
        self.touched.add(todo["listId"])
        self.written["todo", todo["id"]] = todo

    def bury_todo(self, todo: Todo) -> None:
        self.todos -= 1
        self.touched.add(todo["listId"])
        self.written["todo", todo["id"]] = Tombstone(id=todo["id"], deletedAt=self.now, version=self.version)

    def put_list(self, todo_list: TodoList, *, is_new: bool = True) -> None:
        if is_new:
            if self.lists >= MOST_LISTS:
                raise over_limit(f"You have {MOST_LISTS} lists, which is the most; delete some you no longer need.")
            self.lists += 1
        self.written["list", todo_list["id"]] = todo_list

    def bury_list(self, todo_list: TodoList) -> None:
        self.lists -= 1
        self.written["list", todo_list["id"]] = Tombstone(id=todo_list["id"], deletedAt=self.now, version=self.version)

    def forget(self) -> None:
        """Nothing is to be written after all."""
        self.todos, self.lists = self.account.todos, self.account.lists
        self.written, self.touched = {}, set()

    def begin_job(self, job_id: str, *, closes: bool = False) -> None:
        """A job has work to do from now on. When it `closes` the account, no write comes after this one."""
        self.jobs = (*self.jobs, job_id)
        if closes:
            self.closed_by = job_id

    # -- all or nothing for one operation of several

    def checkpoint(self) -> Callable[[], None]:
        """A function that takes back all that was written since."""
        todos, lists, touched, written = self.todos, self.lists, set(self.touched), dict(self.written)

        def rollback() -> None:
            self.todos, self.lists, self.touched, self.written = todos, lists, touched, written

        return rollback


def is_buried(document: Any) -> bool:
    """Whether a document is a tombstone."""
    return "deletedAt" in document


def iso(moment: datetime) -> str:
    """A moment as documents write it: UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _inbox(workspace: Workspace) -> TodoList:
    return TodoList(
        id=ids.INBOX,
        name="Inbox",
        position=position.at_end(0),
        createdAt=workspace.now,
        updatedAt=workspace.now,
        version=workspace.version,
    )
