"""The reads of the API. They import little, because what they import is a cold start's cost."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from todolist.problems import bad_request, not_found
from todolist.rules.ids import is_list_id
from todolist.store import changes, pages
from todolist.store.dynamo import Dynamo
from todolist.store.table import Table

from .http import Answer, Request, answer, serve
from .routes import FRESH, LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from todolist.rules.workspace import Kind


@cache
def table() -> Table:
    """The table that the environment names, with one client for the life of the process."""
    return Table(Dynamo(os.environ["TABLE"]))


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """The Lambda function."""
    return serve(event, OPERATIONS)


def list_todos(request: Request) -> Answer:
    query = request.query
    status = query.get("status", "all")
    if status not in {"open", "done", "all"}:
        raise bad_request("status must be open, done or all.")
    page = pages.read(
        table().dynamo,
        request.user,
        _list_id(query["list"]) if "list" in query else None,
        cast("pages.Status", status),
        limit=request.limit(),
        cursor=query.get("cursor"),
        at_least=request.number(FRESH, 0, 0, LATEST),
        keep=_filter(query) if "tag" in query or "dueBefore" in query or "q" in query else None,
    )
    cursor = f'"{page.cursor}"' if page.cursor else "null"
    return answer(200, f'{{"todos":[{",".join(page.documents)}],"version":{page.version},"cursor":{cursor}}}')


def _filter(query: Mapping[str, str]) -> Any:
    from todolist.rules import filters

    try:
        return filters.keep(query.get("tag"), query.get("dueBefore"), query.get("q"))
    except ValueError as error:
        raise bad_request(f"dueBefore: {error}.") from None


def get_todo(request: Request) -> Answer:
    return _document(request, "todo", "to-do", request.identifier("todoId"))


def get_list(request: Request) -> Answer:
    return _document(request, "list", "list", request.identifier("listId"))


def _list_id(text: str) -> str:
    if not is_list_id(text):
        raise not_found("list", text[:40].encode(errors="replace").decode())
    return text


def _document(request: Request, kind: Kind, name: str, identifier: str) -> Answer:
    found = table().document(request.user, (kind, identifier), request.number(FRESH, 0, 0, LATEST))
    if found is None:
        raise not_found(name, identifier)
    document, version = found
    tag = {"ETag": f'"{version}"'}
    known = request.header("if-none-match") or ""
    if tag["ETag"] in known or known.strip() == "*":
        return answer(304, "", tag)
    return answer(200, document, tag)


def list_lists(request: Request) -> Answer:
    documents, version = changes.lists(table().dynamo, request.user, request.number(FRESH, 0, 0, LATEST))
    return answer(200, f'{{"lists":[{",".join(documents)}],"version":{version}}}')


def list_changes(request: Request) -> Answer:
    if "since" not in request.query:
        raise bad_request("since is missing; send the version that you have, or 0 for everything.")
    found = changes.since(
        table().dynamo,
        request.user,
        request.number("since", 0, 0, LATEST),
        now=time.time_ns() // 1_000_000,
        limit=request.limit(),
        cursor=request.query.get("cursor"),
    )
    deleted = json.dumps({"todos": found.deleted_todos, "lists": found.deleted_lists}, separators=(",", ":"))
    cursor = f'"{found.cursor}"' if found.cursor else "null"
    return answer(
        200,
        f'{{"todos":[{",".join(found.todos)}],"lists":[{",".join(found.lists)}],"deleted":{deleted},'
        f'"version":{found.version},"cursor":{cursor}}}',
    )


def export(request: Request) -> Answer:
    documents, cursor = changes.export(table().dynamo, request.user, request.query.get("cursor"))
    link = {"Link": f'<?cursor={cursor}>; rel="next"'} if cursor else {}
    return answer(200, "".join(f"{document}\n" for document in documents), link, "application/x-ndjson")


OPERATIONS = {
    "GET /todos": list_todos,
    "GET /todos/{todoId}": get_todo,
    "GET /lists": list_lists,
    "GET /lists/{listId}": get_list,
    "GET /changes": list_changes,
    "GET /export": export,
}
