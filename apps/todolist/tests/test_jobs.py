"""The workers: every step may be repeated, a crash at any place is made good, and nothing is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from todolist.api import read, write
from todolist.jobs import cleanup, erase, worker
from todolist.presignup import NotAllowed, handler, is_allowed
from todolist.store import jobs as stored_jobs

oracle = pytest.mark.oracle


class Context:
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:todolist-cleanup"

    def __init__(self, milliseconds: int = 300_000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def started(monkeypatch):
    """What was started, instead of Lambda."""
    started: list[tuple[str, str, str]] = []
    monkeypatch.setattr(write.workers, "start", lambda *arguments: started.append(arguments))
    return started


@pytest.fixture
def furnished(call):
    todo_list = call.make_list()
    for _ in range(4):
        operations = [{"op": "create", "todo": {"title": "x", "listId": todo_list["id"]}} for _ in range(25)]
        call("POST /todos/batch", body={"operations": operations})
    call.make(title="elsewhere")
    call.list_path = {"listId": todo_list["id"]}
    return call


def event_of(started: list[tuple[str, str, str]]) -> dict[str, str]:
    _, user, job = started[-1]
    return {"user": user, "job": job}


# -- deleting a list


@oracle
def test_a_deleted_list_is_gone_at_once_and_its_to_dos_after_the_job(furnished, started):
    answer = furnished("DELETE /lists/{listId}", furnished.list_path)
    assert (answer.status, answer.json["status"]) == (202, "running")
    assert int(answer.headers["X-Version"]) == write.table().account(furnished.user, consistent=True).version
    assert started == [("delete-list", furnished.user, answer.json["id"])]
    assert furnished("GET /lists/{listId}", furnished.list_path).status == 404
    assert furnished("GET /todos", query={"list": furnished.list_path["listId"]}).status == 404
    body = {"title": "late", "listId": furnished.list_path["listId"]}
    assert furnished("POST /todos", body=body).status == 404
    cleanup.handler(event_of(started), Context())
    job = furnished("GET /jobs/{jobId}", {"jobId": answer.json["id"]}).json
    assert (job["status"], job["processed"]) == ("done", 100)
    assert [todo["title"] for todo in furnished.page()] == ["elsewhere"]
    assert furnished("GET /lists").json["lists"][0]["id"] == "inbox"
    assert write.table().account(furnished.user, consistent=True).todos == 1
    cleanup.handler(event_of(started), Context())  # a second delivery does nothing
    assert furnished("GET /jobs/{jobId}", {"jobId": job["id"]}).json == job


@oracle
def test_a_crash_between_two_steps_is_made_good_by_the_next_try(furnished, started, monkeypatch):
    furnished("DELETE /lists/{listId}", furnished.list_path)
    real, calls = cleanup._some_of, []

    def crashing(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(*arguments)

    monkeypatch.setattr(cleanup, "_some_of", crashing)
    with pytest.raises(RuntimeError):
        cleanup.handler(event_of(started), Context())
    assert furnished("GET /jobs/{jobId}", {"jobId": event_of(started)["job"]}).json["processed"] == 40
    cleanup.handler(event_of(started), Context())
    assert furnished("GET /jobs/{jobId}", {"jobId": event_of(started)["job"]}).json["status"] == "done"
    assert len(furnished.page()) == 1


@oracle
def test_short_of_time_the_work_goes_on_in_another_invocation(furnished, started, monkeypatch):
    furnished("DELETE /lists/{listId}", furnished.list_path)
    invoked: list[Any] = []
    monkeypatch.setattr(worker, "invoke", lambda *arguments: invoked.append(arguments))
    event = event_of(started)
    for _ in range(3):
        cleanup.handler(event, Context(milliseconds=1000))
    assert invoked == [(Context.invoked_function_arn, event)] * 3
    cleanup.handler(event, Context())
    assert furnished("GET /jobs/{jobId}", {"jobId": event["job"]}).json["status"] == "done"


@oracle
def test_a_job_that_stands_still_is_started_again_by_looking_at_it(furnished, started, monkeypatch):
    """GIVEN a job whose worker never started WHEN its owner looks at it after two minutes THEN it is started, once."""
    from dataclasses import replace

    job = furnished("DELETE /lists/{listId}", furnished.list_path).json
    started.clear()
    path = {"jobId": job["id"]}
    furnished("GET /jobs/{jobId}", path)
    assert started == []
    later = replace(write.SURROUNDINGS, now=lambda: datetime.now(UTC) + timedelta(minutes=3))
    monkeypatch.setattr(write, "SURROUNDINGS", later)
    for _ in range(2):
        assert furnished("GET /jobs/{jobId}", path).json["status"] == "running"
    assert started == [("delete-list", furnished.user, job["id"])]


@oracle
def test_nobody_sees_anybody_elses_job(furnished, stranger, started):
    job = furnished("DELETE /lists/{listId}", furnished.list_path).json
    assert stranger("GET /jobs/{jobId}", {"jobId": job["id"]}).status == 404


# -- erasing an account


class Aws:
    """S3 and Cognito as the eraser uses them, with versions and delete markers."""

    def __init__(self) -> None:
        self.files = {
            ("private/eu-west-1:me/a", "1"),
            ("private/eu-west-1:me/a", "2"),
            ("private/eu-west-1:meToo/a", "1"),
        }
        self.markers = {("private/eu-west-1:me/b", "3")}
        self.identities, self.users = {"eu-west-1:me"}, set()
        self.fail_at: str | None = None
        self.exceptions = type("Exceptions", (), {"UserNotFoundException": KeyError})

    def _may_fail(self, step: str) -> None:
        if self.fail_at == step:
            self.fail_at = None
            raise RuntimeError(step)

    def get_paginator(self, name: str) -> Aws:
        assert name == "list_object_versions"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803 - AWS's names
        def listed(versions: set[tuple[str, str]]) -> list[dict[str, str]]:
            return [{"Key": key, "VersionId": version} for key, version in sorted(versions) if key.startswith(Prefix)]

        return [{"Versions": listed(self.files), "DeleteMarkers": listed(self.markers)}]

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - likewise
        self._may_fail("files")
        doomed = {(each["Key"], each["VersionId"]) for each in Delete["Objects"]}
        self.files -= doomed
        self.markers -= doomed
        return {}

    def delete_identities(self, *, IdentityIdsToDelete: list[str]) -> dict[str, Any]:  # noqa: N803 - likewise
        self._may_fail("identity")
        self.identities -= set(IdentityIdsToDelete)
        return {"UnprocessedIdentityIds": []}

    def admin_delete_user(self, *, UserPoolId: str, Username: str) -> None:  # noqa: N803 - likewise
        self._may_fail("sign-in")
        self.users.remove(Username)


@pytest.fixture
def aws(call, monkeypatch):
    aws = Aws()
    aws.users.add(call.user)
    monkeypatch.setattr(worker, "client", lambda service: aws)
    monkeypatch.setattr(write.cognito, "identity_id", lambda authorization: "eu-west-1:me")
    return aws


@oracle
@pytest.mark.parametrize("crash", [None, "files", "identity", "sign-in"])
def test_erasing_leaves_nothing_whatever_fails_on_the_way(call, stranger, started, aws, crash):
    for _ in range(30):
        call.make()
    call("POST /todos", body={"title": "x"}, headers={"Idempotency-Key": "k"})
    theirs = stranger.make()
    answer = call("DELETE /me")
    assert (answer.status, answer.json["kind"]) == (202, "erase-account")
    assert call("POST /todos", body={"title": "too late"}).status == 410
    assert call("DELETE /me").status == 410
    aws.fail_at = crash
    if crash:
        with pytest.raises(RuntimeError, match=crash):
            erase.handler(event_of(started), Context())
    erase.handler(event_of(started), Context())
    assert aws.files == {("private/eu-west-1:meToo/a", "1")}
    assert (aws.markers, aws.identities, aws.users) == (set(), set(), set())
    left = [item["sk"] for page in write.table().dynamo.pages(call.user, "!", "~") for item in page]
    assert left == [f"J#{answer.json['id']}", "L"]
    assert call("GET /jobs/{jobId}", {"jobId": answer.json["id"]}).json["status"] == "done"
    assert stored_jobs.read(write.table().dynamo, call.user, answer.json["id"]).work == {}
    assert call("POST /todos", body={"title": "too late"}).status == 410
    assert stranger.page() == [theirs]


def test_a_file_that_cannot_be_deleted_fails_the_step(monkeypatch):
    aws = Aws()
    aws.delete_objects = lambda **_: {"Errors": [{"Code": "AccessDenied"}]}  # type: ignore[method-assign] # a fault
    monkeypatch.setattr(worker, "client", lambda service: aws)
    monkeypatch.setenv("FILES_BUCKET", "files")
    with pytest.raises(RuntimeError, match="AccessDenied"):
        list(erase._erase_files("private/eu-west-1:me/"))


@oracle
def test_a_job_nobody_knows_is_nothing_to_do(call, environment):
    cleanup.handler({"user": call.user, "job": "none"}, Context())
    assert stored_jobs.read(write.table().dynamo, call.user, "none") is None


# -- least privilege


class Recorder:
    """A pydynox client that notes the IAM actions which its calls need."""

    ACTIONS = {  # noqa: RUF012 - it is not changed
        "sync_get_item": "GetItem",
        "sync_query_page": "Query",
        "sync_put_item": "PutItem",
        "sync_batch_write": "BatchWriteItem",
        "sync_transact_get": "GetItem",
    }

    def __init__(self, client: Any) -> None:
        self.client, self.actions = client, set()

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "sync_transact_write":
                self.actions |= {{"put": "PutItem", "update": "UpdateItem"}[operation["type"]] for operation in args[0]}
            else:
                self.actions.add(self.ACTIONS[name])
            return getattr(self.client, name)(*args, **kwargs)

        return call


@oracle
def test_each_role_may_do_what_its_function_does_and_no_more(furnished, started, aws, template, monkeypatch):
    dynamos = {
        "Read": read.table().dynamo,
        "Write": write.table().dynamo,
        "Cleanup": cleanup.table().dynamo,
        "Erase": erase.dynamo(),
    }
    recorders = {name: Recorder(dynamo._client) for name, dynamo in dynamos.items()}
    for name, dynamo in dynamos.items():
        monkeypatch.setattr(dynamo, "_client", recorders[name])
    todo = furnished.make()
    furnished.change(todo, done=True)
    furnished("GET /todos/{todoId}", {"todoId": todo["id"]})
    furnished("GET /changes", query={"since": "0"})
    furnished("GET /export")
    furnished("GET /lists")
    furnished("GET /me")
    furnished("DELETE /lists/{listId}", furnished.list_path)
    cleanup.handler(event_of(started), Context())
    furnished("DELETE /me")
    erase.handler(event_of(started), Context())
    for name, recorder in recorders.items():
        statements = template["Resources"][f"{name}Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        allowed = {action for each in statements for action in each["Action"] if action.startswith("dynamodb:")}
        assert allowed == {f"dynamodb:{action}" for action in recorder.actions}, name


# -- sign-up


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("ada@example.com", True),
        ("ada@EXAMPLE.com", True),
        ("ada@sub.example.com", False),
        ("ada@example.com.evil.net", False),
        ("ada@evil.net@example.com", False),
        ("@example.com", False),
        ("example.com", False),
        ("", False),
        ("ada@example.org", True),
    ],
)
def test_only_the_allowed_domains_may_sign_up(address, allowed, monkeypatch):
    monkeypatch.setenv("ALLOWED_MAIL_DOMAINS", "example.com,example.org")
    event = {"triggerSource": "PreSignUp_SignUp", "request": {"userAttributes": {"email": address}}, "response": {}}
    assert is_allowed(address, ["example.com", "example.org"]) is allowed
    if allowed:
        assert handler(event, None) == event
    else:
        with pytest.raises(NotAllowed, match=r"example\.com, example\.org"):
            handler(event, None)
    event["triggerSource"] = "PreSignUp_AdminCreateUser"
    assert handler(event, None) == event


def test_every_domain_may_sign_up_by_default(monkeypatch):
    monkeypatch.setenv("ALLOWED_MAIL_DOMAINS", "*")
    event = {"triggerSource": "PreSignUp_SignUp", "request": {"userAttributes": {"email": "a@b.c"}}}
    assert handler(event, None) == event
