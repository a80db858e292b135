"""The API through Lambda's real event shape, on DynamoDB Local with the template's table."""

from __future__ import annotations

import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from todolist.api import read, write
from todolist.rules import ids
from todolist.rules.workspace import MOST_TODOS
from todolist.store import items, keys
from todolist.store.dynamo import Overloaded

pytestmark = pytest.mark.oracle


def new_id() -> str:
    return ids.uuid7(0, uuid.uuid4().bytes)


def one(todo: dict[str, Any]) -> dict[str, str]:
    return {"todoId": todo["id"]}


class Queries:
    """Counts the calls that reads make."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, bool]] = []
        dynamo = read.table().dynamo
        for name in ("get", "query"):
            monkeypatch.setattr(dynamo, name, self._counted(name, getattr(dynamo, name)))

    def _counted(self, name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.made.append((name, kwargs.get("consistent", False)))
            return real(*args, **kwargs)

        return call

    def take(self) -> list[tuple[str, bool]]:
        made, self.made = self.made, []
        return made


@pytest.fixture
def queries(environment, monkeypatch):
    return Queries(monkeypatch)


# -- one to-do


def test_a_to_do_is_made_read_changed_and_deleted(call):
    todo = call.make(title="buy milk ✓ 牛奶", tags=["home"], due="2026-11-23", priority=2)
    found = call("GET /todos/{todoId}", one(todo))
    assert (found.status, found.json, found.headers["ETag"]) == (200, todo, f'"{todo["version"]}"')
    changed = call.change(todo, done=True, notes="two litres")
    assert (changed["done"], changed["notes"], changed["version"] > todo["version"]) == (True, "two litres", True)
    assert call("DELETE /todos/{todoId}", one(todo)).status == 204
    assert call("GET /todos/{todoId}", one(todo)).status == 404
    assert call("DELETE /todos/{todoId}", one(todo)).status == 404
    assert call("PATCH /todos/{todoId}", one(todo), body={"title": "x"}).status == 404
    assert call("POST /todos", body={"id": todo["id"], "title": "x"}).status == 410
    assert call.page() == []


def test_a_repeat_with_the_same_id_returns_the_first(call):
    identifier = new_id()
    first = call("POST /todos", body={"title": "first", "id": identifier})
    again = call("POST /todos", body={"title": "second", "id": identifier})
    assert (first.status, again.status, again.json) == (201, 200, first.json)
    assert first.headers["Location"] == f"todos/{identifier}"  # relative to this request's own URL
    gone = call("DELETE /lists/{listId}", {"listId": call.make_list()["id"]})
    assert gone.headers["Location"] == f"../jobs/{gone.json['id']}"
    assert gone.headers["Retry-After"] == "1"


def test_if_match_and_if_none_match(call):
    todo = call.make()
    tag = f'"{todo["version"]}"'
    assert call("GET /todos/{todoId}", one(todo), headers={"If-None-Match": tag}).status == 304
    assert call("GET /todos/{todoId}", one(todo), headers={"If-None-Match": "*"}).status == 304
    assert call("GET /todos/{todoId}", one(todo), headers={"If-None-Match": '"1", W/' + tag}).status == 304
    assert call("GET /todos/{todoId}", one(todo), headers={"If-None-Match": '"1"'}).status == 200
    call.change(todo, title="other")
    for route, body in (("PATCH /todos/{todoId}", {"title": "x"}), ("DELETE /todos/{todoId}", None)):
        for stale in (tag, "W/" + tag, "nonsense", '""'):
            refused = call(route, one(todo), headers={"if-match": stale}, body=body)
            assert (refused.status, refused.headers["Content-Type"]) == (412, "application/problem+json")
    fresh = refused.headers["ETag"]
    assert call("PATCH /todos/{todoId}", one(todo), headers={"IF-MATCH": fresh}, body={"title": "y"}).status == 200
    assert call("DELETE /todos/{todoId}", one(todo), headers={"If-Match": "*"}).status == 204


def test_nobody_sees_anybody_elses(call, stranger):
    todo = call.make()
    assert stranger("GET /todos/{todoId}", one(todo)).status == 404
    assert stranger("PATCH /todos/{todoId}", one(todo), body={"title": "mine"}).status == 404
    assert stranger("DELETE /todos/{todoId}", one(todo)).status == 404
    assert stranger.page() == []
    cursor = call_cursor(call)
    assert stranger("GET /todos", query={"cursor": cursor}).json["todos"] == []


def call_cursor(call) -> str:
    for _ in range(12):
        call.make()
    return call("GET /todos", query={"limit": "1"}).json["cursor"]


# -- pages


@pytest.fixture
def furnished(call):
    """Two lists with open and done to-dos; titles tell where each is."""
    for name in ("a", "b"):
        todo_list = call.make_list(name=name)
        for number in range(6):
            todo = call.make(title=f"{name}{number}", listId=todo_list["id"], due=f"2026-12-{20 - number:02d}")
            if number >= 3:
                call.change(todo, done=True)
        call.lists = {**getattr(call, "lists", {}), name: todo_list["id"]}
    return call


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"list": "a"}, "a0 a1 a2 a5 a4 a3"),
        ({"list": "a", "status": "all"}, "a0 a1 a2 a5 a4 a3"),
        ({"list": "a", "status": "open"}, "a0 a1 a2"),
        ({"list": "a", "status": "done"}, "a5 a4 a3"),
        ({"status": "open"}, "a2 b2 a1 b1 a0 b0"),  # by due
        ({"status": "done"}, "b5 b4 b3 a5 a4 a3"),  # the latest first
        ({}, "a0 a1 a2 a5 a4 a3 b0 b1 b2 b5 b4 b3"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_every_question_is_one_query_a_page(furnished, queries, query, titles, limit):
    """GIVEN lists WHEN any combination of list and status is paged THEN each page cost one Query, all is there once, in
    order, and the first page says the version."""
    if "list" in query:
        query = {**query, "list": furnished.lists[query["list"]]}
    seen, cursor, pages = [], None, 0
    queries.take()
    while pages == 0 or cursor:
        answer = furnished("GET /todos", query={**query, "limit": str(limit), **({"cursor": cursor} if cursor else {})})
        assert queries.take() == [("query", False)]
        seen += [todo["title"] for todo in answer.json["todos"]]
        assert len(answer.json["todos"]) <= limit
        cursor, pages = answer.json["cursor"], pages + 1
        if query.get("status") != "done" or "list" not in query:
            assert answer.json["version"] > 0
    assert sorted(seen) == sorted(titles.split())
    if query.get("status") == "open" and "list" not in query:
        assert [title[1] for title in seen] == [title[1] for title in titles.split()]
    elif query:
        assert seen == titles.split()


def test_a_first_page_of_fifty_is_whole(call, queries):
    for number in range(2):
        operations = [{"op": "create", "todo": {"title": f"{number} {each}"}} for each in range(25)]
        assert call("POST /todos/batch", body={"operations": operations}).status == 200
    queries.take()
    answer = call("GET /todos").json
    assert (len(answer["todos"]), answer["cursor"], queries.take()) == (50, None, [("query", False)])
    assert [todo["title"] for todo in answer["todos"]] == [f"{n} {each}" for n in range(2) for each in range(25)]


def test_filters(furnished):
    furnished.make(title="Straße", notes="fegen", tags=["home"])
    assert [todo["title"] for todo in furnished.page(q="STRASSE")] == ["Straße"]
    assert [todo["title"] for todo in furnished.page(tag="home")] == ["Straße"]
    assert [todo["title"] for todo in furnished.page(status="open", dueBefore="2026-12-19")] == ["a2", "b2"]
    title = "Cafe\u0301 \ufb01lter \uff26\uff35\uff2c\uff2c"  # an accent apart, a ligature, letters of full width
    furnished.make(title=title)
    for words in ("CAFÉ", "café", "FILTER", "full", "\uff26ull"):
        assert [todo["title"] for todo in furnished.page(q=words)] == [title]
    assert furnished.page(q="nowhere") == []
    found = furnished("GET /todos", query={"dueBefore": "2030-01-01", "limit": "5"}).json
    rest = furnished("GET /todos", query={"dueBefore": "2030-01-01", "cursor": found["cursor"]}).json
    assert (len(found["todos"]), len(rest["todos"]), rest["cursor"]) == (5, 7, None)


def test_positions_order_a_list(call):
    for title, position in (("second", "a1"), ("first", "a0"), ("between", "a0V")):
        call.make(title=title, position=position)
    call.make(title="last")
    assert [todo["title"] for todo in call.page(list="inbox")] == ["first", "between", "second", "last"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "x"},
        {"limit": "-1"},
        {"limit": "1" * 50},
        {"limit": "٣"},
        {"status": "x"},
        {"unknown": "1"},
        {"dueBefore": "soon"},
        {"minVersion": "1.5"},
        {"cursor": "x"},
        {"cursor": "%00"},
        {"cursor": "W10"},
        {"cursor": base64.urlsafe_b64encode(b"[" * 9000).decode()},
        {"cursor": base64.urlsafe_b64encode(b'["T#","~~",1]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["L","!",true]').decode()},
        {"cursor": "é"},
    ],
)
def test_bad_questions_are_refused_in_words(call, query):
    refused = call("GET /todos", query=query)
    assert (refused.status, refused.headers["Content-Type"]) == (400, "application/problem+json")
    assert refused.json["detail"]


def test_a_list_that_is_not_there(call):
    for identifier in (new_id(), "nonsense", "inbox"):
        assert call("GET /todos", query={"list": identifier}).status == 404
        assert call("GET /lists/{listId}", {"listId": identifier}).status == 404


# -- freshness


def test_an_old_answer_is_read_again_and_a_fresh_one_is_not(call, queries, monkeypatch):
    """GIVEN a cache that serves an answer from before a write WHEN the client asks for at least its version THEN the
    answer is read again, strongly consistent; and only then."""
    todo = call.make(title="old")
    dynamo = read.table().dynamo
    real_query, real_get = dynamo.query, dynamo.get
    stale: dict[str, Any] = {}

    def cached(real, name):
        def answer(*args, consistent=False, **kwargs):
            if consistent:
                return real(*args, consistent=True, **kwargs)
            question = f"{name}{args}{sorted(kwargs.items(), key=str)}"
            if question not in stale:
                stale[question] = real(*args, consistent=False, **kwargs)
            return stale[question]

        return answer

    monkeypatch.setattr(dynamo, "query", cached(real_query, "query"))
    monkeypatch.setattr(dynamo, "get", cached(real_get, "get"))
    questions = ({}, {"status": "open"}, {"list": "inbox"}, {"list": "inbox", "status": "open"})
    for query in questions:
        assert call.page(**query)[0]["title"] == "old"
    call("GET /todos/{todoId}", one(todo))
    call("GET /lists")
    version = call.change(todo, title="new")["version"]
    for query in questions:
        assert call.page(**query)[0]["title"] == "old"
        queries.take()
        fresh = call("GET /todos", query={**query, "minVersion": str(version)})
        assert (fresh.json["todos"][0]["title"], fresh.json["version"]) == ("new", version)
        assert queries.take() == [("query", True)]  # besides the cache
        call("GET /todos", query={**query, "minVersion": "1"})
        assert queries.take() == []  # the cache's answer was fresh enough
    answer = call("GET /todos/{todoId}", one(todo), query={"minVersion": str(version)})
    assert answer.json["title"] == "new"
    assert call("GET /lists", query={"minVersion": str(version)}).json["version"] == version


# -- batch and Idempotency-Key


def test_a_batch_answers_each_operation(call):
    todo = call.make()
    operations = [
        {"op": "create", "todo": {"title": "made"}},
        {"op": "change", "id": todo["id"], "todo": {"done": True}},
        {"op": "create", "todo": {"title": ""}},
        {"op": "delete", "id": new_id()},
    ]
    answer = call("POST /todos/batch", body={"operations": operations}).json
    assert [result["status"] for result in answer["results"]] == [201, 200, 422, 404]
    assert {result["todo"]["version"] for result in answer["results"][:2]} == {answer["version"]}
    assert answer["results"][2]["problem"]["errors"][0]["pointer"] == "/todo/title"
    assert len(call.page()) == 2


def test_a_batch_of_completions_makes_all_next_occurrences(call):
    made = call(
        "POST /todos/batch",
        body={
            "operations": [{"op": "create", "todo": {"title": "r", "due": "2026-11-23", "recurrence": "FREQ=DAILY"}}]
            * 25
        },
    ).json
    done = [{"op": "change", "id": each["id"], "todo": {"done": True}} for each in made["results"]]
    assert {r["status"] for r in call("POST /todos/batch", body={"operations": done}).json["results"]} == {200}
    assert len(call.page(status="open")) == len(call.page(status="done")) == 25


@pytest.mark.parametrize("operations", [[], [{"op": "delete"}] * 26, [{"op": "burn"}], {}, None])
def test_a_batch_of_the_wrong_size_or_shape(call, operations):
    assert call("POST /todos/batch", body={"operations": operations}).status == 422


def test_a_batch_too_large_for_a_transaction_is_refused_whole(call, cognito):
    """GIVEN 25 of the largest to-dos, which recur WHEN all are done at once THEN it is 413, and nothing has changed."""
    folder = f"private/eu-west-1:{call.user}/"
    largest = {
        "title": "🥛" * 500,
        "notes": "🥛" * 16_000,
        "due": "2026-11-23",
        "recurrence": "FREQ=DAILY",
        "tags": ["🥛" * 48 + f"{number:02d}" for number in range(20)],
        "attachments": [f"{folder}{number:02d}" + "x" * 950 for number in range(20)],
    }
    made = call("POST /todos/batch", body={"operations": [{"op": "create", "todo": largest}] * 25})
    assert made.status == 200
    done = [{"op": "change", "id": each["id"], "todo": {"done": True}} for each in made.json["results"]]
    refused = call("POST /todos/batch", body={"operations": done})
    assert (refused.status, "fewer" in refused.json["detail"]) == (413, True)
    assert call.page(status="done") == []
    assert call("POST /todos/batch", body={"operations": done[:20]}).status == 200


def test_a_batch_of_too_many_writes_for_a_transaction_is_refused_whole(call):
    """GIVEN 25 to-dos that recur, in 25 lists WHEN all are done and moved to 25 others THEN it is 413: 101 writes."""
    lists = [call.make_list()["id"] for _ in range(50)]
    create = [
        {"op": "create", "todo": {"title": "x", "listId": each, "due": "2026-11-23", "recurrence": "FREQ=DAILY"}}
        for each in lists[:25]
    ]
    made = call("POST /todos/batch", body={"operations": create}).json["results"]
    moves = [
        {"op": "change", "id": each["id"], "todo": {"done": True, "listId": to}}
        for each, to in zip(made, lists[25:], strict=True)
    ]
    assert call("POST /todos/batch", body={"operations": moves}).status == 413
    assert call.page(status="done") == []
    assert call("POST /todos/batch", body={"operations": moves[:24]}).status == 200


def test_a_batch_that_names_more_than_can_be_read_at_once(call):
    """GIVEN operations that name four other things each WHEN they run THEN none of them is a failure."""
    operations = [
        {"op": "change", "id": new_id(), "todo": {"id": new_id(), "parentId": new_id(), "listId": new_id()}}
        for _ in range(25)
    ]
    answer = call("POST /todos/batch", body={"operations": operations})
    assert answer.status == 200
    assert {result["status"] for result in answer.json["results"]} == {422}


def test_an_idempotency_key_does_nothing_twice(call):
    headers = {"Idempotency-Key": "k1"}
    first = call("POST /todos", body={"title": "one"}, headers=headers)
    again = call("POST /todos", body={"title": "one"}, headers=headers)
    assert (first.status, again.status, again.json) == (201, 201, first.json)
    assert call("POST /todos", body={"title": "two"}, headers=headers).status == 422
    assert len(call.page()) == 1
    assert call("POST /lists", body={"name": "one"}, headers=headers).status == 201  # another route
    assert call("POST /todos", body={"title": "two"}, headers={"Idempotency-Key": ""}).status == 400
    call("DELETE /todos/{todoId}", one(first.json))
    assert call("POST /todos", body={"title": "one"}, headers=headers).status == 410


def test_an_idempotency_key_of_a_batch(call):
    body = {"operations": [{"op": "create", "todo": {"title": "x"}}, {"op": "delete", "id": new_id()}]}
    answers = [call("POST /todos/batch", body=body, headers={"idempotency-key": "b"}) for _ in range(2)]
    assert answers[0].json["results"] == answers[1].json["results"]
    assert len(call.page()) == 1


def test_an_idempotency_key_is_forgotten_after_a_day(call, monkeypatch):
    call("POST /todos", body={"title": "one"}, headers={"Idempotency-Key": "k"})
    _move_clock(monkeypatch, timedelta(days=1, minutes=1))
    assert call("POST /todos", body={"title": "two"}, headers={"Idempotency-Key": "k"}).status == 201


def _move_clock(monkeypatch, by: timedelta) -> None:
    from dataclasses import replace

    later = replace(write.SURROUNDINGS, now=lambda: datetime.now(UTC) + by)
    monkeypatch.setattr(write, "SURROUNDINGS", later)
    monkeypatch.setattr(read.time, "time_ns", lambda: int((datetime.now(UTC) + by).timestamp() * 1e9))


def test_writes_at_once_all_happen_or_say_busy(call):
    """GIVEN one user on several devices WHEN they write at once THEN each version is given once, and the count is
    right."""
    call.make()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: call("POST /todos", body={"title": str(n)}), range(24)))
    made = [answer.json for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 503}
    assert len({todo["version"] for todo in made}) == len(made) >= 12
    assert write.table().account(call.user, consistent=True).todos == len(made) + 1 == len(call.page())


def test_two_completions_at_once_make_one_next_occurrence(call):
    todo = call.make(due="2026-11-23", recurrence="FREQ=DAILY")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: call.change(todo, done=True), range(2)))
    assert len(call.page(status="open")) == 1


# -- lists, changes, export


def test_lists(call, queries):
    assert call("GET /lists").json == {"lists": [], "version": 0}
    late, early = call.make_list(name="late"), call.make_list(name="early", position="a0")
    queries.take()
    answer = call("GET /lists").json
    assert queries.take() == [("query", False)]
    assert [each["name"] for each in answer["lists"]] == ["early", "Inbox", "late"]
    path = {"listId": late["id"]}
    renamed = call("PATCH /lists/{listId}", path, body={"name": "later"}, headers={"If-Match": f'"{late["version"]}"'})
    assert (renamed.status, renamed.json["name"]) == (200, "later")
    assert (
        call("PATCH /lists/{listId}", path, body={"name": "x"}, headers={"If-Match": f'"{late["version"]}"'}).status
        == 412
    )
    assert call("GET /lists/{listId}", path).json == renamed.json
    assert call("PATCH /lists/{listId}", path, body={"colour": "red"}).status == 422
    assert early["version"] < renamed.json["version"]


def test_changes_tell_a_device_everything_and_only_what_is_new(call):
    assert call("GET /changes").status == 400
    kept, dropped = call.make(title="kept"), call.make(title="dropped")
    todo_list = call.make_list()
    everything = call("GET /changes", query={"since": "0"}).json
    assert {todo["id"] for todo in everything["todos"]} == {kept["id"], dropped["id"]}
    assert {each["id"] for each in everything["lists"]} == {"inbox", todo_list["id"]}
    assert call("GET /changes", query={"since": str(everything["version"])}).json["todos"] == []
    changed = call.change(kept, title="changed")
    call("DELETE /todos/{todoId}", one(dropped))
    news = call("GET /changes", query={"since": str(everything["version"])}).json
    assert news["todos"] == [changed]
    assert news["deleted"] == {"todos": [dropped["id"]], "lists": []}
    assert call("GET /changes", query={"since": "0"}).json["deleted"] == {"todos": [], "lists": []}


def test_changes_are_paged_also_inside_one_version(call):
    call("POST /todos/batch", body={"operations": [{"op": "create", "todo": {"title": str(n)}} for n in range(10)]})
    seen, cursor = [], None
    for _ in range(20):
        page = call("GET /changes", query={"since": "0", "limit": "3", **({"cursor": cursor} if cursor else {})}).json
        seen += [todo["title"] for todo in page["todos"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(seen, key=int) == [str(n) for n in range(10)]


def test_changes_since_too_long_ago_or_from_another_time_are_gone(call, monkeypatch):
    first = call.make()["version"]
    last = call.make()["version"]
    future = call("GET /changes", query={"since": str(last + 1)})
    assert (future.status, "later than your latest" in future.json["detail"]) == (410, True)
    _move_clock(monkeypatch, timedelta(days=items.DAYS_OF_TOMBSTONES, minutes=1))
    assert call("GET /changes", query={"since": str(first)}).status == 410
    assert call("GET /changes", query={"since": str(last)}).status == 200  # nothing has changed since
    assert call("GET /changes", query={"since": "0"}).status == 200


def test_a_tombstone_expires_after_ninety_days(call, environment):
    todo = call.make()
    call("DELETE /todos/{todoId}", one(todo))
    item = write.table().dynamo.get(call.user, "T#" + todo["id"], consistent=True)
    days = datetime.fromtimestamp(item["ttl"], UTC) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < days < timedelta(days=90, hours=1)
    assert "inList" not in item
    assert "inStatus" not in item


def test_the_export_has_everything_in_pages(call):
    for _ in range(3):
        notes = "n" * 16_000
        operations = [{"op": "create", "todo": {"title": "t", "notes": notes}} for _ in range(25)]
        call("POST /todos/batch", body={"operations": operations}, headers={"Idempotency-Key": str(uuid.uuid4())})
    gone = call.make()
    call("DELETE /todos/{todoId}", one(gone))
    lines, query, pages = [], {}, 0
    while True:
        answer = call("GET /export", query=query)
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        lines += [json.loads(line) for line in answer.body.splitlines()]
        pages += 1
        if "Link" not in answer.headers:
            break
        query = {"cursor": answer.headers["Link"].split("cursor=")[1].split(">")[0]}
    assert pages > 1
    assert [line["kind"] for line in lines] == ["list"] + ["todo"] * 75
    assert len({line["id"] for line in lines}) == 76


# -- the account and attachments


@pytest.fixture
def cognito(monkeypatch):
    """Cognito knows whose token it is."""
    asked: list[str] = []

    def identity_id(authorization: str) -> str:
        asked.append(authorization)
        return "eu-west-1:" + authorization.removeprefix("Bearer token-of-")

    monkeypatch.setattr(write.cognito, "identity_id", identity_id)
    return asked


def test_me_asks_cognito_once_with_the_callers_own_token(call, cognito):
    for _ in range(2):
        me = call("GET /me").json
    assert cognito == ["Bearer token-of-" + call.user]
    assert (me["identityId"], me["folder"]) == (f"eu-west-1:{call.user}", f"private/eu-west-1:{call.user}/")
    assert me["limits"]["todos"] == MOST_TODOS


def test_a_token_that_cognito_refuses_is_a_401_and_a_cognito_out_of_reach_a_503(call, environment, monkeypatch):
    from botocore.stub import Stubber

    client = cognito_client()
    monkeypatch.setattr(write.cognito, "_client", lambda: client)
    for code, status in (("NotAuthorizedException", 401), ("TooManyRequestsException", 503)):
        with Stubber(client) as stub:
            stub.add_client_error("get_id", code)
            answer = call("GET /me")
            assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    with Stubber(client) as stub:
        token = {"cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool": "token-of-" + call.user}
        stub.add_response(
            "get_id", {"IdentityId": "eu-west-1:me"}, {"IdentityPoolId": "eu-west-1:pool", "Logins": token}
        )
        headers = {"Authorization": "bearer  token-of-" + call.user}  # RFC 9110, 11.1: any case
        assert call("GET /me", headers=headers).json["identityId"] == "eu-west-1:me"


def cognito_client():
    write.cognito._client.cache_clear()
    return write.cognito._client()


def test_attachments_are_checked_against_what_cognito_says(call, cognito):
    own = f"private/eu-west-1:{call.user}/a.pdf"
    assert call.make(attachments=[own])["attachments"] == [own]
    refused = call("POST /todos", body={"title": "x", "attachments": ["private/eu-west-1:other/a.pdf"]})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/attachments")
    todo = call.make()
    assert call("PATCH /todos/{todoId}", one(todo), body={"attachments": [own]}).status == 200
    assert call("PATCH /todos/{todoId}", one(todo), body={"attachments": [own + "/../../x"]}).status == 422


def test_the_limit_of_to_dos_holds_in_the_table(call):
    call.make()
    account = write.table().account(call.user, consistent=True)
    full = items.account_item(call.user, type(account)(account.version, MOST_TODOS - 1, 1), account.version)
    write.table().dynamo.put(full)
    call.make()
    refused = call("POST /todos", body={"title": "one too many"})
    assert (refused.status, "20000" in refused.json["detail"]) == (409, True)


# -- what goes wrong


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ("", False),
        (None, False),
        ("{", False),
        ("\ud800", False),
        (base64.b64encode(b'{"title":"\xff"}').decode(), True),
    ],
)
def test_broken_bodies(call, body, encoded):
    answer = call("POST /todos", body=body, base64=encoded)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("media_type", "patch", "post"),
    [
        ("application/json", 200, 201),
        ("Application/JSON; charset=utf-8", 200, 201),
        ("", 200, 201),
        ("application/merge-patch+json", 200, 415),
        ("application/json-patch+json", 415, 415),
        ("application/x-www-form-urlencoded", 415, 415),
        ("text/plain", 415, 415),
    ],
)
def test_a_body_of_another_media_type_is_refused_in_words(call, media_type, patch, post):
    headers, todo = {"content-type": media_type}, call.make()
    answers = [
        call("PATCH /todos/{todoId}", one(todo), headers=headers, body={"title": "y"}),
        call("POST /todos", headers=headers, body={"title": "x"}),
    ]
    assert [answer.status for answer in answers] == [patch, post]
    assert all("application/json" in answer.json["detail"] for answer in answers if answer.status == 415)


def test_a_body_in_base64_is_read(call):
    assert call("POST /todos", body=base64.b64encode(b'{"title":"x"}').decode(), base64=True).status == 201


@pytest.mark.parametrize("identifier", ["x", "../x", "T#", "\x00", "é" * 500, "a" * 5000, " ", "\ud800"])
def test_hostile_ids(call, identifier):
    for route in ("GET /todos/{todoId}", "DELETE /todos/{todoId}"):
        assert call(route, {"todoId": identifier}).status == 404
    for route in ("GET /lists/{listId}", "DELETE /lists/{listId}"):
        assert call(route, {"listId": identifier}).status == 404
    assert call("GET /jobs/{jobId}", {"jobId": identifier}).status == 404


def test_an_overloaded_table_is_a_problem_to_try_again(call, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise Overloaded("slow down")

    monkeypatch.setattr(read.table().dynamo, "query", fail)
    answer = call("GET /todos")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


def test_a_failure_inside_tells_the_log_and_not_the_client(call, monkeypatch, caplog):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(read.table().dynamo, "query", fail)
    answer = call("GET /todos")
    assert (answer.status, "secret" in answer.body, "secret detail" in caplog.text) == (500, False, True)


def test_keys_are_in_the_documented_order():
    assert keys.ACCOUNT < "L#" < "T#"
    assert keys.DONE < keys.ACCOUNT_IN_STATUS < keys.OPEN
    assert keys.ACCOUNT_IN_LIST < keys.head(new_id()) < keys.head("inbox")
