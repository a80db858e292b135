"""The workers: every step may be repeated, a crash at any place is made good, and nothing is left."""

from __future__ import annotations

import json
from dataclasses import replace
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


@pytest.fixture
def clock(monkeypatch):
    """Moves the API's clock."""

    def move(by: timedelta) -> None:
        monkeypatch.setattr(write, "SURROUNDINGS", replace(write.SURROUNDINGS, now=lambda: datetime.now(UTC) + by))

    return move


@oracle
@pytest.mark.parametrize(
    "next_request", [("POST /todos", None, None, None, {"title": "x"}), ("GET /me",), ("DELETE /me",)]
)
def test_a_job_that_stands_still_is_started_again_by_the_owners_next_request(
    furnished, stranger, started, aws, clock, next_request
):
    """GIVEN jobs whose worker never started WHEN somebody else comes, or their owner too early THEN nothing happens;
    WHEN their owner comes THEN each is started, once; WHEN one is done THEN nobody looks at it any more."""
    first = furnished("DELETE /lists/{listId}", furnished.list_path).json["id"]
    furnished("DELETE /lists/{listId}", {"listId": furnished.make_list()["id"]})
    jobs = list(started)
    started.clear()
    furnished.make()
    clock(timedelta(minutes=3))
    stranger.make()
    assert started == []
    for _ in range(2):
        furnished(*next_request)
        assert [each for each in started if each[0] == "delete-list"] == jobs
    if next_request[0] != "DELETE /me":
        cleanup.handler(dict(zip(("user", "job"), jobs[0][1:], strict=True)), Context())
        furnished.make()
        account = write.table().account(furnished.user, consistent=True)
        assert (first in account.jobs, len(account.jobs)) == (False, 1)


@oracle
def test_an_erasure_that_stands_still_is_started_again_though_the_account_is_closed(call, started, aws, clock):
    call("DELETE /me")
    clock(timedelta(minutes=3))
    assert call("POST /todos", body={"title": "x"}).status == 410
    assert len(started) == 2
    assert started[0] == started[1]


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
        self.uploads = {
            ("private/eu-west-1:me/c", "4"),
            ("private/eu-west-1:me/d", "5"),
            ("private/eu-west-1:meToo/c", "6"),
        }
        self.finished_meanwhile = ("private/eu-west-1:me/d", "5")
        self.identities, self.users = {"eu-west-1:me"}, set()
        self.fail_at: str | None = None
        self.exceptions = type("Exceptions", (), {"UserNotFoundException": KeyError, "NoSuchUpload": LookupError})

    def _may_fail(self, step: str) -> None:
        if self.fail_at == step:
            self.fail_at = None
            raise RuntimeError(step)

    def get_paginator(self, name: str) -> Any:
        def paginate(*, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803 - AWS's names
            def listed(of: set[tuple[str, str]], what: str) -> list[dict[str, str]]:
                return [{"Key": key, what: each} for key, each in sorted(of) if key.startswith(Prefix)]

            if name == "list_multipart_uploads":
                uploads = listed(self.uploads, "UploadId")
                return [{"Uploads": uploads}] if uploads else [{}]
            assert name == "list_object_versions"
            return [{"Versions": listed(self.files, "VersionId"), "DeleteMarkers": listed(self.markers, "VersionId")}]

        return type("Paginator", (), {"paginate": staticmethod(paginate)})

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> None:  # noqa: N803 - likewise
        self._may_fail("uploads")
        self.uploads.remove((Key, UploadId))
        if (Key, UploadId) == self.finished_meanwhile:
            self.files.add((Key, "7"))
            raise LookupError

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - likewise
        self._may_fail("files")
        doomed = {(each["Key"], each["VersionId"]) for each in Delete["Objects"]}
        self.files -= doomed
        self.markers -= doomed
        return {}

    def delete_identities(self, *, IdentityIdsToDelete: list[str]) -> dict[str, Any]:  # noqa: N803 - likewise
        self._may_fail("identity")
        assert not self.users, "who is signed in could have a new identity made"
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
@pytest.mark.parametrize("crash", [None, "uploads", "files", "identity", "sign-in"])
def test_erasing_leaves_nothing_whatever_fails_on_the_way(call, stranger, started, aws, crash):
    for _ in range(30):
        call.make()
    call("POST /todos", body={"title": "x"}, headers={"Idempotency-Key": "k"})
    theirs = stranger.make()
    answer = call("DELETE /me")
    assert (answer.status, answer.json["kind"]) == (202, "erase-account")
    assert call("POST /todos", body={"title": "too late"}).status == 410
    again = call("DELETE /me")
    assert (again.status, again.json) == (202, answer.json)
    aws.fail_at = crash
    if crash:
        with pytest.raises(RuntimeError, match=crash):
            erase.handler(event_of(started), Context())
    erase.handler(event_of(started), Context())
    assert aws.files == {("private/eu-west-1:meToo/a", "1")}
    assert aws.uploads == {("private/eu-west-1:meToo/c", "6")}
    assert (aws.markers, aws.identities, aws.users) == (set(), set(), set())
    left = [item["sk"] for page in write.table().dynamo.pages(call.user, "!", "~") for item in page]
    assert left == [f"J#{answer.json['id']}", "L"]
    assert call("GET /jobs/{jobId}", {"jobId": answer.json["id"]}).json["status"] == "done"
    assert stored_jobs.read(write.table().dynamo, call.user, answer.json["id"]).work == {}
    assert call("POST /todos", body={"title": "too late"}).status == 410
    assert stranger.page() == [theirs]


@oracle
def test_what_a_token_that_still_lives_asks_for_makes_nothing_anew(call, started, aws, monkeypatch):
    """GIVEN an account that is being erased, or was WHEN its owner's token comes again THEN Cognito is not asked, which
    would make a new identity, and nothing is written."""
    job = call("DELETE /me").json
    monkeypatch.setattr(write.cognito, "identity_id", lambda authorization: pytest.fail("Cognito was asked"))
    body = {"title": "x", "attachments": ["private/eu-west-1:me/a"]}
    for _ in ("being erased", "erased"):
        refused = [call("GET /me"), call("POST /todos", body=body), call("POST /lists", body={"name": "x"})]
        assert [(answer.status, job["id"] in answer.json["detail"]) for answer in refused] == [(410, True)] * 3
        assert call("DELETE /me").json["id"] == job["id"]
        erase.handler(event_of(started), Context())
    left = [item["sk"] for page in write.table().dynamo.pages(call.user, "!", "~") for item in page]
    assert left == [f"J#{job['id']}", "L"]


@oracle
def test_deleting_a_list_ends_when_the_account_is_erased(furnished, started, aws, caplog):
    furnished("DELETE /lists/{listId}", furnished.list_path)
    list_job = event_of(started)
    furnished("DELETE /me")
    cleanup.handler(list_job, Context())
    erase.handler(event_of(started), Context())
    cleanup.handler(list_job, Context())
    assert caplog.text == ""


@oracle
def test_a_failed_step_tells_the_log_how_to_start_the_job_again(call, started, aws, caplog):
    call("DELETE /me")
    aws.fail_at = "files"
    with pytest.raises(RuntimeError):
        erase.handler(event_of(started), Context())
    assert json.dumps(event_of(started)) in caplog.text


def test_a_file_that_cannot_be_deleted_fails_the_step(monkeypatch):
    aws = Aws()
    aws.uploads = set()
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
