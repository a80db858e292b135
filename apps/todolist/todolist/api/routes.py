"""All routes in one table: what serves them, what they take and answer. The OpenAPI documents are made from it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Route(NamedTuple):
    """One method of one path.

    `function` serves it; `query` and `headers` are the parameters that it reads, `limit` how many things a page has
    when nothing is asked, and at most; `body` is the model of its body and `answers` are the models of its answers by
    status ("" for none), problems aside.
    """

    operation: str
    summary: str
    function: Literal["Read", "Write"]
    answers: dict[int, str]
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    body: str = ""
    limit: tuple[int, int] = (0, 0)

    @property
    def media_types(self) -> tuple[str, ...]:
        """What a body may be sent as. A patch is a JSON Merge Patch (RFC 7396), also when it just says JSON."""
        return ("application/json", "application/merge-patch+json")[: 2 if self.body.endswith("Patch") else 1]


FRESH = "minVersion"
PAGE = ("limit", "cursor")

LATEST = 2**53 - 1
"""No version is later: what a JSON number holds exactly everywhere."""

ROUTES = {
    "GET /todos": Route(
        "listTodos", "A page of to-dos", "Read", {200: "TodoPage"},
        query=("list", "status", "tag", "dueBefore", "q", *PAGE, FRESH), limit=(50, 200),
    ),
    "POST /todos": Route(
        "createTodo", "Make a to-do; a repeat with the same id returns the first", "Write", {201: "Todo", 200: "Todo"},
        headers=("Idempotency-Key",), body="NewTodo",
    ),
    "POST /todos/batch": Route(
        "changeTodos", "Up to 25 operations; those that are fine happen together", "Write", {200: "BatchResults"},
        headers=("Idempotency-Key",), body="Batch",
    ),
    "GET /todos/{todoId}": Route(
        "getTodo", "One to-do", "Read", {200: "Todo", 304: ""}, query=(FRESH,), headers=("If-None-Match",)
    ),
    "PATCH /todos/{todoId}": Route(
        "changeTodo", "Change a to-do (JSON Merge Patch)", "Write", {200: "Todo"},
        headers=("If-Match",), body="TodoPatch",
    ),
    "DELETE /todos/{todoId}": Route("deleteTodo", "Delete a to-do", "Write", {204: ""}, headers=("If-Match",)),
    "GET /lists": Route("listLists", "All lists", "Read", {200: "Lists"}, query=(FRESH,)),
    "POST /lists": Route(
        "createList", "Make a list; a repeat with the same id returns the first", "Write", {201: "List", 200: "List"},
        headers=("Idempotency-Key",), body="NewList",
    ),
    "GET /lists/{listId}": Route(
        "getList", "One list", "Read", {200: "List", 304: ""}, query=(FRESH,), headers=("If-None-Match",)
    ),
    "PATCH /lists/{listId}": Route(
        "changeList", "Change a list (JSON Merge Patch)", "Write", {200: "List"}, headers=("If-Match",),
        body="ListPatch",
    ),
    "DELETE /lists/{listId}": Route(
        "deleteList", "Delete a list at once, and its to-dos in a job", "Write", {202: "Job"}, headers=("If-Match",)
    ),
    "GET /changes": Route(
        "listChanges", "What changed since a version", "Read", {200: "Changes"},
        query=("since", *PAGE), limit=(500, 1000),
    ),
    "GET /export": Route("export", "All lists and to-dos, a page of lines", "Read", {200: "Export"}, query=("cursor",)),
    "GET /me": Route("getMe", "Who you are here, and where your files are", "Write", {200: "Me"}),
    "DELETE /me": Route("eraseMe", "Erase to-dos, files, identity and sign-in in a job", "Write", {202: "Job"}),
    "GET /jobs/{jobId}": Route("getJob", "How far a job is", "Write", {200: "Job"}),
}  # fmt: skip
