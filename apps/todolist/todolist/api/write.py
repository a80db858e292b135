"""The writes of the API, the account and its jobs."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from todolist.problems import gone, not_found
from todolist.rules import batch, bodies, lists, todos
from todolist.rules import jobs as job_rules
from todolist.rules.models import Batch, ListPatch, NewList, NewTodo, TodoPatch
from todolist.rules.workspace import MOST_LISTS, MOST_TODOS, Ref, Workspace, is_buried
from todolist.store import jobs as stored_jobs
from todolist.store.dynamo import Dynamo
from todolist.store.table import Table
from todolist.store.writing import Receipt, Surroundings, Writer

from . import cognito, jobs, workers
from .http import Answer, Request, answer, if_match, json_answer, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from todolist.rules.documents import Job, Todo, TodoList
    from todolist.store.items import Item

VERSION = "X-Version"
"""The header that tells the user's version where the answer has no document with it."""


def _now() -> datetime:
    return datetime.now(UTC)


SURROUNDINGS = Surroundings(now=_now, random=secrets.token_bytes, pause=time.sleep)


@cache
def table() -> Table:
    """The table that the environment names, with one client for the life of the process."""
    return Table(Dynamo(os.environ["TABLE"]))


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """The Lambda function."""
    return serve(event, OPERATIONS)


def _writer(request: Request) -> Writer:
    return Writer(
        table(), SURROUNDINGS, request.user, lambda: _identify(request), lambda job_ids: _tend(request.user, job_ids)
    )


def _tend(user: str, job_ids: tuple[str, ...]) -> tuple[str, ...]:
    return jobs.tend(table().dynamo, user, job_ids, SURROUNDINGS.now())


# -- making


def create_todo(request: Request) -> Answer:
    new = bodies.parse(NewTodo, request.body())
    refs: list[Ref] = [("list", new.listId)]
    refs += [("todo", identifier) for identifier in (new.id, new.parentId) if identifier]
    refs += [("profile", "")] if new.attachments else []
    return _create(request, refs, "todo", lambda workspace: todos.create(workspace, new))


def create_list(request: Request) -> Answer:
    new = bodies.parse(NewList, request.body())
    refs: list[Ref] = [("list", new.id)] if new.id else []
    return _create(request, refs, "list", lambda workspace: lists.create(workspace, new))


def _create(
    request: Request, refs: list[Ref], kind: Any, make: Callable[[Workspace], tuple[Todo | TodoList, bool]]
) -> Answer:
    receipt = _receipt(request)

    def work(workspace: Workspace) -> tuple[tuple[Todo | TodoList, bool], list[Item]]:
        if receipt and (earlier := receipt.replayed(workspace)):
            workspace.forget()
            found = workspace.find(kind, earlier)
            if found is None or is_buried(found):
                raise gone("to-do" if kind == "todo" else "list", earlier)
            return (found, True), []
        document, made = make(workspace)
        extra = [receipt.item(request.user, workspace.milliseconds, document["id"])] if receipt and made else []
        return (document, made), extra

    (document, made), _ = _writer(request).write([*refs, *([receipt.ref] if receipt else [])], work)
    place = request.link(f"{kind}s/{document['id']}")
    return json_answer(201 if made else 200, document, {"ETag": f'"{document["version"]}"', "Location": place})


def _receipt(request: Request) -> Receipt | None:
    key = request.header("idempotency-key")
    return None if key is None else Receipt.of(request.resource, key, request.body())


# -- changing


def change_todo(request: Request) -> Answer:
    patch = bodies.parse(TodoPatch, request.body())
    todo_id = request.identifier("todoId")
    version = if_match(request.header("if-match"))
    refs: list[Ref] = [("todo", todo_id)]
    refs += [("list", patch.listId)] if patch.listId else []
    refs += [("todo", patch.parentId)] if patch.parentId and patch.parentId != todo_id else []
    refs += [("profile", "")] if patch.attachments else []
    todo, _ = _writer(request).write(refs, lambda workspace: (todos.change(workspace, todo_id, patch, version), []))
    return json_answer(200, todo, {"ETag": f'"{todo["version"]}"'})


def change_list(request: Request) -> Answer:
    patch = bodies.parse(ListPatch, request.body())
    list_id = request.identifier("listId")
    version = if_match(request.header("if-match"))
    todo_list, _ = _writer(request).write(
        [("list", list_id)], lambda workspace: (lists.change(workspace, list_id, patch, version), [])
    )
    return json_answer(200, todo_list, {"ETag": f'"{todo_list["version"]}"'})


def change_todos(request: Request) -> Answer:
    operations = bodies.parse(Batch, request.body()).operations
    receipt = _receipt(request)
    refs = [*batch.foreseen(operations), *([receipt.ref] if receipt else [])]

    def work(workspace: Workspace) -> tuple[list[dict[str, Any]], list[Item]]:
        if receipt and (earlier := receipt.replayed(workspace)):
            workspace.forget()
            return [batch.replayed(workspace, result) for result in earlier], []
        results = batch.run(workspace, operations)
        kept = [result.kept() for result in results]
        extra = [receipt.item(request.user, workspace.milliseconds, kept)] if receipt else []
        return [result.document() for result in results], extra

    results, version = _writer(request).write(refs, work)
    return json_answer(200, {"results": results, "version": version})


# -- deleting


def delete_todo(request: Request) -> Answer:
    todo_id = request.identifier("todoId")
    version = if_match(request.header("if-match"))

    def work(workspace: Workspace) -> tuple[None, list[Item]]:
        todos.delete(workspace, todo_id, version)
        return None, []

    _, latest = _writer(request).write([("todo", todo_id)], work)
    return answer(204, "", {VERSION: str(latest)})


def delete_list(request: Request) -> Answer:
    list_id = request.identifier("listId")
    version = if_match(request.header("if-match"))

    def work(workspace: Workspace) -> None:
        lists.delete(workspace, list_id, version)

    return _start_job(request, "delete-list", {"list": list_id}, [("list", list_id)], work)


def erase_me(request: Request) -> Answer:
    """Asked again, whose first answer got lost perhaps, it is still the first job."""
    account = table().account(request.user, consistent=True)
    if account.closed_by:
        return _job_answer(202, request, _job(request, account.closed_by), account.version)
    work = {"identity": _identity(request), "username": request.claims["cognito:username"]}
    return _start_job(request, "erase-account", work, [], lambda workspace: None)


def _start_job(
    request: Request,
    kind: job_rules.Kind,
    particulars: dict[str, Any],
    refs: list[Ref],
    act: Callable[[Workspace], None],
) -> Answer:
    """Writes the job down in the transaction that makes it necessary, then starts its worker."""

    def work(workspace: Workspace) -> tuple[job_rules.Job, list[Item]]:
        act(workspace)
        job = job_rules.begin(workspace.new_id(), kind, particulars, SURROUNDINGS.now())
        workspace.begin_job(job.document["id"], closes=kind == "erase-account")
        return job, [stored_jobs.item(request.user, job)]

    job, latest = _writer(request).write(refs, work)
    workers.start(kind, request.user, job.document["id"])
    return _job_answer(202, request, job.document, latest)


def get_job(request: Request) -> Answer:
    return _job_answer(200, request, _job(request, request.identifier("jobId")))


def _job(request: Request, job_id: str) -> Job:
    job = jobs.look_after(table().dynamo, request.user, job_id, SURROUNDINGS.now())
    if job is None:
        raise not_found("job", job_id)
    return job.document


def _job_answer(status: int, request: Request, document: Job, version: int | None = None) -> Answer:
    headers = {} if version is None else {VERSION: str(version), "Location": request.link(f"jobs/{document['id']}")}
    if document["status"] == "running":
        headers["Retry-After"] = "1"
    return json_answer(status, document, headers)


# -- the account


def get_me(request: Request) -> Answer:
    account = table().account(request.user, consistent=True)
    _tend(request.user, account.jobs)
    account.check_open()
    identity_id = _identity(request)
    return json_answer(
        200,
        {
            "id": request.user,
            "email": request.claims.get("email"),
            "identityId": identity_id,
            "folder": f"private/{identity_id}/",
            "version": account.version,
            "todos": account.todos,
            "lists": account.lists,
            "limits": {"todos": MOST_TODOS, "lists": MOST_LISTS},
        },
    )


def _identity(request: Request) -> str:
    """The caller's identity id: from the table, or from Cognito, by their own token."""
    return table().profile(request.user).identity_id or _identify(request)


def _identify(request: Request) -> str:
    identity_id = cognito.identity_id(request.header("authorization") or "")
    table().remember_identity(request.user, identity_id)
    return identity_id


OPERATIONS = {
    "POST /todos": create_todo,
    "POST /todos/batch": change_todos,
    "PATCH /todos/{todoId}": change_todo,
    "DELETE /todos/{todoId}": delete_todo,
    "POST /lists": create_list,
    "PATCH /lists/{listId}": change_list,
    "DELETE /lists/{listId}": delete_list,
    "GET /me": get_me,
    "DELETE /me": erase_me,
    "GET /jobs/{jobId}": get_job,
}
