"""Several operations in one go: those that are fine are written together, each other one changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from todolist.problems import Problem, wrong

from . import todos
from .bodies import problem_of
from .ids import INBOX, is_list_id, is_todo_id
from .models import NewTodo, TodoPatch
from .workspace import NotLoaded, is_buried

if TYPE_CHECKING:
    from .documents import Todo
    from .models import Operation
    from .workspace import Ref, Workspace

Model = TypeVar("Model", NewTodo, TodoPatch)

_MOST_FORESEEN = 90


@dataclass(frozen=True)
class Result:
    """What became of one operation: its HTTP status, and the to-do or the problem."""

    status: int
    id: str | None = None
    todo: Todo | None = None
    problem: Problem | None = None

    def document(self) -> dict[str, Any]:
        """As the answer writes it."""
        document: dict[str, Any] = {"status": self.status, "id": self.id}
        if self.todo is not None:
            document["todo"] = self.todo
        if self.problem is not None:
            document["problem"] = self.problem.document()
        return document

    def kept(self) -> dict[str, Any]:
        """What a receipt keeps of it: all but the to-do, which is read again."""
        document = self.document()
        document.pop("todo", None)
        return document


def foreseen(operations: list[Operation]) -> list[Ref]:
    """What the operations will surely need, so that it is read in one go (DynamoDB reads 100 things together)."""
    refs: dict[Ref, None] = {}
    for operation in operations:
        members = operation.todo or {}
        for identifier in (operation.id, members.get("id"), members.get("parentId")):
            if isinstance(identifier, str) and is_todo_id(identifier):
                refs["todo", identifier] = None
        list_id = members.get("listId", INBOX if operation.op == "create" else None)
        if isinstance(list_id, str) and is_list_id(list_id):
            refs["list", list_id] = None
    return list(refs)[:_MOST_FORESEEN]


def replayed(workspace: Workspace, kept: dict[str, Any]) -> dict[str, Any]:
    """The result of an operation that was done before, with its to-do as it is now."""
    if kept["status"] not in {200, 201}:
        return kept
    found = workspace.find("todo", kept["id"])
    return kept if found is None or is_buried(found) else {**kept, "todo": found}


def run(workspace: Workspace, operations: list[Operation]) -> list[Result]:
    """One result for each operation, in order. A later one sees what an earlier one did. What could not be foreseen is
    asked for together (NotLoaded)."""
    results: list[Result] = []
    missing: list[Ref] = []
    for operation in operations:
        rollback = workspace.checkpoint()
        try:
            results.append(_apply(workspace, operation))
        except Problem as problem:
            rollback()
            results.append(Result(problem.status, operation.id, problem=problem))
        except NotLoaded as more:
            rollback()
            missing += more.refs
    if missing:
        raise NotLoaded(*dict.fromkeys(missing))
    return results


def _apply(workspace: Workspace, operation: Operation) -> Result:
    if operation.op == "create":
        if operation.id is not None or operation.ifVersion is not None:
            raise wrong("/id", "a create has its id in todo and no ifVersion; leave both out here")
        todo, made = todos.create(workspace, _body(NewTodo, operation.todo))
        return Result(201 if made else 200, todo["id"], todo)
    if operation.id is None:
        raise wrong("/id", f"a {operation.op} needs the id of its to-do")
    if operation.op == "change":
        todo = todos.change(workspace, operation.id, _body(TodoPatch, operation.todo), operation.ifVersion)
        return Result(200, todo["id"], todo)
    if operation.todo is not None:
        raise wrong("/todo", "a delete has no todo; leave it out")
    todos.delete(workspace, operation.id, operation.ifVersion)
    return Result(204, operation.id)


def _body(model: type[Model], members: dict[str, Any] | None) -> Model:
    if members is None:
        raise wrong("/todo", "is missing")
    try:
        return model.model_validate(members)
    except ValidationError as error:
        raise problem_of(error, prefix="/todo") from None
