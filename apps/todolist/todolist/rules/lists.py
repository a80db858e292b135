"""What may be done with lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from todolist.problems import Problem, stale

from . import ids
from .documents import TodoList

if TYPE_CHECKING:
    from .models import ListPatch, NewList
    from .workspace import Workspace


def create(workspace: Workspace, new: NewList) -> tuple[TodoList, bool]:
    """The list, and whether it was made now: a repeat with the same id returns the first."""
    list_id = new.id or workspace.new_id()
    if new.id and not workspace.is_new("list", new.id):
        return workspace.list(new.id), False
    todo_list = TodoList(
        id=list_id,
        name=new.name,
        position=new.position or workspace.end_position(),
        createdAt=workspace.now,
        updatedAt=workspace.now,
        version=workspace.version,
    )
    workspace.put_list(todo_list)
    return todo_list, True


def change(workspace: Workspace, list_id: str, patch: ListPatch, if_version: int | None) -> TodoList:
    """The list with `patch` merged in. A patch that changes nothing writes nothing."""
    before = workspace.list(list_id)
    _match(before, if_version)
    after = cast("TodoList", {**before, **patch.given()})
    if after == before:
        return before
    after["updatedAt"] = workspace.now
    after["version"] = workspace.version
    workspace.put_list(after, is_new=False)
    return after


def delete(workspace: Workspace, list_id: str, if_version: int | None) -> None:
    """The list is gone at once; a job deletes its to-dos."""
    if list_id == ids.INBOX:
        raise Problem(409, "inbox", "The inbox stays", "The inbox cannot be deleted; delete its to-dos instead.")
    todo_list = workspace.list(list_id)
    _match(todo_list, if_version)
    workspace.bury_list(todo_list)


def _match(todo_list: TodoList, if_version: int | None) -> None:
    if if_version is not None and if_version != todo_list["version"]:
        raise stale(todo_list["version"])
