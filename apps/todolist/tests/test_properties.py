"""The whole API on DynamoDB Local: devices agree, whatever was done, and nothing that is sent makes a failure."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from todolist.rules import ids

pytestmark = pytest.mark.oracle

quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 5), st.sampled_from(["", "2026-11-23"])),
        st.tuples(st.just("change"), st.integers(0, 5), st.sampled_from(["title", "done", "undone", "due"])),
        st.tuples(st.just("delete"), st.integers(0, 5), st.none()),
        st.tuples(st.just("sync"), st.integers(1, 4), st.none()),
    ),
    max_size=20,
)


class Device:
    """Keeps a copy by following /changes."""

    def __init__(self, call: Any) -> None:
        self.call, self.version, self.todos = call, 0, {}

    def sync(self, limit: int) -> None:
        cursor: str | None = None
        while True:
            query = {"since": str(self.version), "limit": str(limit), **({"cursor": cursor} if cursor else {})}
            page = self.call("GET /changes", query=query).json
            self.todos |= {todo["id"]: todo for todo in page["todos"]}
            for identifier in page["deleted"]["todos"]:
                self.todos.pop(identifier, None)
            cursor = page["cursor"]
            if cursor is None:
                self.version = page["version"]
                return


def paged(call: Any, **query: str) -> dict[str, Any]:
    todos: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = call("GET /todos", query={**query, "limit": "3", **more}).json
        todos += page["todos"]
        cursor = page["cursor"]
        if cursor is None:
            assert len({todo["id"] for todo in todos}) == len(todos)
            return {todo["id"]: todo for todo in todos}


def do(call: Any, known: list[str], operation: str, which: int, how: Any) -> None:
    path = {"todoId": known[which]}
    if operation == "create":
        due = {"due": how, "recurrence": "FREQ=DAILY"} if how else {}
        call("POST /todos", body={"title": "t", "id": known[which], **due})
    elif operation == "change":
        body = {"title": {"title": str(uuid.uuid4())}, "done": {"done": True}, "undone": {"done": False}}
        call("PATCH /todos/{todoId}", path, body=body.get(how, {"due": "2026-12-24"}))
    else:
        call("DELETE /todos/{todoId}", path)


@quick
@given(OPERATIONS)
def test_a_device_that_follows_has_what_a_new_one_gets_and_what_the_pages_show(new_caller, operations):
    call = new_caller()
    device, known = Device(call), [ids.uuid7(0, uuid.uuid4().bytes) for _ in range(6)]
    for operation, which, how in operations:
        if operation == "sync":
            device.sync(which)
        else:
            do(call, known, operation, which, how)
    device.sync(2)
    fresh = Device(call)
    fresh.sync(100)
    assert device.todos == fresh.todos == paged(call)
    by_status = paged(call, status="open") | paged(call, status="done")
    assert by_status == fresh.todos
    assert all(todo["done"] for todo in paged(call, status="done").values())
    if fresh.todos:
        assert paged(call, list="inbox", status="open") == paged(call, status="open")
        assert paged(call, list="inbox", status="done") == paged(call, status="done")
    exported = [json.loads(line) for line in call("GET /export").body.splitlines()]
    assert {line["id"] for line in exported if line["kind"] == "todo"} == set(fresh.todos)


NAMES = st.sampled_from(
    ["title", "due", "tags", "done", "id", "listId", "operations", "op", "todo", "parentId", "name"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@quick
@given(
    ANYTHING,
    st.text(max_size=40),
    st.sampled_from(["list", "status", "tag", "dueBefore", "q", "limit", "cursor", "minVersion"]),
)
def test_nothing_that_is_sent_makes_a_failure(new_caller, body, text, parameter):
    call = new_caller()
    path = {"todoId": ids.uuid7(0, bytes(10)), "listId": "inbox"}
    answers = [
        call(route, path, body=json.dumps(body), headers={"If-Match": text, "Idempotency-Key": text})
        for route in (
            "POST /todos",
            "POST /lists",
            "POST /todos/batch",
            "PATCH /todos/{todoId}",
            "PATCH /lists/{listId}",
        )
    ]
    answers.append(call("GET /todos", query={parameter: text}))
    answers.append(call("GET /changes", query={"since": text, "cursor": text}))
    answers.append(call("GET /export", query={"cursor": text}))
    answers.append(call("GET /todos/{todoId}", {"todoId": text}))
    for answer in answers:
        assert answer.status < 500, answer.body
        if answer.status >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
