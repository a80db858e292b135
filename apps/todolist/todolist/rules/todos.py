"""What may be done with to-dos."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from todolist.problems import Problem, stale, wrong

from . import due as due_rules
from . import files, ids, recurrence
from .documents import Todo
from .workspace import is_buried

if TYPE_CHECKING:
    from .models import NewTodo, TodoPatch
    from .workspace import Workspace

DEEPEST = 5
"""How deep sub-tasks may nest."""


def create(workspace: Workspace, new: NewTodo) -> tuple[Todo, bool]:
    """The to-do, and whether it was made now: a repeat with the same id returns the first."""
    todo_id = new.id or workspace.new_id()
    if new.id and not workspace.is_new("todo", new.id):
        return workspace.todo(new.id), False
    _check_series(new)
    workspace.list(new.listId)
    todo = Todo(
        id=todo_id,
        listId=new.listId,
        title=new.title,
        notes=new.notes,
        done=new.done,
        doneAt=workspace.now if new.done else None,
        due=new.due,
        priority=new.priority,
        tags=new.tags,
        recurrence=new.recurrence,
        seriesId=new.seriesId,
        parentId=new.parentId,
        position=new.position or workspace.end_position(),
        attachments=new.attachments,
        createdAt=workspace.now,
        updatedAt=workspace.now,
        version=workspace.version,
    )
    _check(workspace, todo, None)
    _put(workspace, todo, None)
    return todo, True


def change(workspace: Workspace, todo_id: str, patch: TodoPatch, if_version: int | None) -> Todo:
    """The to-do with `patch` merged in. A patch that changes nothing writes nothing."""
    before = workspace.todo(todo_id)
    _match(before, if_version)
    after = cast("Todo", {**before, **patch.given()})
    if after == before:
        return before
    if after["done"] != before["done"]:
        after["doneAt"] = workspace.now if after["done"] else None
    if after["listId"] != before["listId"]:
        workspace.list(after["listId"])
    after["updatedAt"] = workspace.now
    after["version"] = workspace.version
    _check(workspace, after, before)
    _put(workspace, after, before)
    return after


def delete(workspace: Workspace, todo_id: str, if_version: int | None) -> None:
    """Leaves a tombstone. Its sub-tasks stay, as to-dos of their own."""
    todo = workspace.todo(todo_id)
    _match(todo, if_version)
    workspace.bury_todo(todo)


def bury(workspace: Workspace, todo_id: str, list_id: str) -> bool:
    """Deletes a to-do of a deleted list; False when it is gone, or in another list, by now."""
    found = workspace.find("todo", todo_id)
    if found is None or is_buried(found) or found["listId"] != list_id:
        return False
    workspace.bury_todo(found)
    return True


def _match(todo: Todo, if_version: int | None) -> None:
    if if_version is not None and if_version != todo["version"]:
        raise stale(todo["version"])


def _check_series(new: NewTodo) -> None:
    derived = new.id is not None and new.id[14] == "8"
    if not derived and new.seriesId is None:
        return
    if new.seriesId is None or new.due is None:
        raise wrong("/id", "a UUIDv8 is for an occurrence; send its seriesId and due, or take a UUIDv7")
    if new.id != ids.occurrence_id(new.seriesId, new.due[:10]):
        raise wrong("/id", 'must be the UUIDv8 of SHA-256("<seriesId>/<day of due>"), or leave seriesId out')


def _check(workspace: Workspace, after: Todo, before: Todo | None) -> None:
    if after["recurrence"] and not after["due"]:
        raise wrong("/due", "a to-do that recurs needs a due; add one, or set recurrence to null")
    added = set(after["attachments"]) - set(before["attachments"] if before else [])
    if added:
        files.check(added, workspace.find("profile", "").folder)
    if after["parentId"] and (before is None or after["parentId"] != before["parentId"]):
        _check_parent(workspace, after)


def _check_parent(workspace: Workspace, todo: Todo) -> None:
    ancestor: str | None = todo["parentId"]
    for _ in range(DEEPEST):
        if ancestor is None:
            return
        if ancestor == todo["id"]:
            raise wrong("/parentId", "a to-do cannot be its own sub-task, nor one of its sub-tasks' sub-task")
        found = workspace.find("todo", ancestor)
        if found is None or is_buried(found):
            if ancestor == todo["parentId"]:
                raise wrong("/parentId", f"you have no to-do {ancestor}; make it first, or leave parentId out")
            return
        ancestor = found["parentId"]
    if ancestor is not None:
        raise wrong("/parentId", f"sub-tasks nest at most {DEEPEST} deep; choose a to-do further up")


def _put(workspace: Workspace, after: Todo, before: Todo | None) -> None:
    workspace.put_todo(after, before)
    if after["done"] and after["recurrence"] and not (before and before["done"]):
        _make_next(workspace, after)


def _make_next(workspace: Workspace, todo: Todo) -> None:
    rule, text = todo["recurrence"], todo["due"]
    if rule is None or text is None:
        return
    due = recurrence.next_due(rule, due_rules.parse(text))
    if due is None:
        return
    series = todo["seriesId"] or todo["id"]
    identifier = ids.occurrence_id(series, due.day.isoformat())
    if workspace.find("todo", identifier) is not None:
        return  # made before, here or by another device; perhaps deleted since, which is then meant
    if is_buried(workspace.find("list", todo["listId"])):
        detail = "Its list is being deleted; move the to-do to another list."
        raise Problem(409, "list-deleted", "List deleted", detail)
    upcoming = Todo(
        **{
            **todo,
            "id": identifier,
            "seriesId": series,
            "due": str(due),
            "recurrence": recurrence.after_one(rule),
            "done": False,
            "doneAt": None,
            "createdAt": workspace.now,
        }
    )
    workspace.put_todo(upcoming, None)
