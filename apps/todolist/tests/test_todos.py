"""What may be done with to-dos and lists, on workspaces without a table."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todolist.problems import Problem
from todolist.rules import batch, ids, jobs, lists, todos
from todolist.rules.models import Batch, ListPatch, NewList, NewTodo, TodoPatch
from todolist.rules.workspace import MOST_LISTS, MOST_TODOS, Account, NotLoaded, Profile, Workspace, is_buried

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FOLDER = "private/eu-west-1:me/"


class Everything(dict):
    """Loaded data in which what is not there is known not to be there."""

    def __contains__(self, ref: object) -> bool:
        return True

    def __missing__(self, ref: tuple[str, str]) -> Any:
        return Profile("eu-west-1:me") if ref[0] == "profile" else None


class User:
    """A user whose writes are committed to a dictionary, a minute apart."""

    def __init__(self) -> None:
        self.account, self.data, self.moment = Account(), Everything(), NOW

    def workspace(self) -> Workspace:
        self.moment += timedelta(minutes=1)
        return Workspace(self.account, self.data, self.moment, lambda size: uuid.uuid4().bytes[:size])

    def commit(self, workspace: Workspace) -> None:
        self.data.update(workspace.written)
        self.account = Account(workspace.version, workspace.todos, workspace.lists)

    def make(self, **members: Any) -> dict[str, Any]:
        workspace = self.workspace()
        todo, _ = todos.create(workspace, NewTodo(**{"title": "a to-do", **members}))
        self.commit(workspace)
        return dict(todo)

    def change(self, todo_id: str, if_version: int | None = None, **members: Any) -> dict[str, Any]:
        workspace = self.workspace()
        todo = todos.change(workspace, todo_id, TodoPatch(**members), if_version)
        self.commit(workspace)
        return dict(todo)

    def live(self) -> list[dict[str, Any]]:
        return [document for (kind, _), document in self.data.items() if kind == "todo" and not is_buried(document)]


@pytest.fixture
def user() -> User:
    return User()


def new_id() -> str:
    return ids.uuid7(0, uuid.uuid4().bytes)


def test_the_first_write_makes_the_inbox(user):
    todo = user.make()
    assert (todo["listId"], user.data["list", "inbox"]["name"], user.account.lists) == ("inbox", "Inbox", 1)


def test_a_repeat_returns_the_first(user):
    identifier = new_id()
    first = user.make(id=identifier, title="first")
    workspace = user.workspace()
    again, made = todos.create(workspace, NewTodo(id=identifier, title="second"))
    assert (again, made, workspace.written) == (first, False, {})


def test_a_deleted_id_is_not_taken_again(user):
    todo = user.make()
    workspace = user.workspace()
    todos.delete(workspace, todo["id"], None)
    user.commit(workspace)
    with pytest.raises(Problem) as refused:
        user.make(id=todo["id"])
    assert refused.value.status == 410


def test_versions_grow_also_when_the_clock_stands_or_goes_back(user):
    versions = []
    for _ in range(3):
        user.moment = NOW
        versions.append(user.make()["version"])
        user.moment = NOW - timedelta(days=2)
        versions.append(user.make()["version"])
    assert versions == sorted(set(versions))


@given(st.lists(st.sampled_from(["title", "notes", "priority", "tags", "due"]), unique=True))
def test_a_patch_changes_what_it_names_and_nothing_else(names):
    user = User()
    before = user.make(notes="n", priority=1, tags=["a"], due="2026-11-23")
    values = {"title": "other", "notes": None, "priority": 2, "tags": ["b"], "due": "2026-12-01"}
    after = user.change(before["id"], **{name: values[name] for name in names})
    assert {name for name in before if before[name] != after[name]} - {"updatedAt", "version"} == set(names)


def test_a_patch_that_changes_nothing_writes_nothing(user):
    todo = user.make()
    workspace = user.workspace()
    assert todos.change(workspace, todo["id"], TodoPatch(title=todo["title"]), None) == todo
    assert workspace.written == {}


def test_a_stale_change_is_refused_and_says_the_version(user):
    todo = user.make()
    changed = user.change(todo["id"], title="b")
    for act in (
        lambda w: todos.change(w, todo["id"], TodoPatch(title="c"), todo["version"]),
        lambda w: todos.delete(w, todo["id"], todo["version"]),
    ):
        with pytest.raises(Problem) as refused:
            act(user.workspace())
        assert (refused.value.status, refused.value.headers["ETag"]) == (412, f'"{changed["version"]}"')


def test_done_and_undone(user):
    todo = user.make()
    done = user.change(todo["id"], done=True)
    assert done["doneAt"] == done["updatedAt"]
    assert user.change(todo["id"], done=False)["doneAt"] is None


def test_completing_makes_the_next_occurrence_once(user):
    """GIVEN a weekly to-do WHEN it is done, undone and done again THEN there is one next to-do, with its derived id."""
    todo = user.make(due="2026-11-23", recurrence="FREQ=WEEKLY;COUNT=3", tags=["t"], priority=2, notes="n")
    for done in (True, False, True):
        user.change(todo["id"], done=done)
    following = [each for each in user.live() if each["id"] != todo["id"]]
    assert len(following) == 1
    following = following[0]
    assert following["id"] == ids.occurrence_id(todo["id"], "2026-11-30")
    assert (following["due"], following["done"], following["seriesId"]) == ("2026-11-30", False, todo["id"])
    assert following["recurrence"] == "FREQ=WEEKLY;COUNT=2"
    kept = ("title", "notes", "tags", "priority", "listId", "position")
    assert [following[name] for name in kept] == [todo[name] for name in kept]


def test_a_series_ends_and_keeps_its_id(user):
    todo = user.make(due="2026-11-23", recurrence="FREQ=DAILY;COUNT=3")
    seen = [todo["id"]]
    while True:
        user.change(seen[-1], done=True)
        fresh = [each for each in user.live() if each["id"] not in seen]
        if not fresh:
            break
        assert fresh[0]["seriesId"] == todo["id"]
        seen.append(fresh[0]["id"])
    assert len(seen) == 3


def test_two_offline_devices_make_one_next_occurrence(user):
    todo = user.make(due="2026-11-23", recurrence="FREQ=DAILY")
    user.change(todo["id"], done=True)
    derived = ids.occurrence_id(todo["id"], "2026-11-24")
    workspace = user.workspace()
    offline = NewTodo(id=derived, title="mine", due="2026-11-24", recurrence="FREQ=DAILY", seriesId=todo["id"])
    _, made = todos.create(workspace, offline)
    assert made is False


@pytest.mark.parametrize(
    "members",
    [
        {"seriesId": ids.uuid7(1, b"0123456789")},
        {"id": ids.occurrence_id("x", "2026-11-23"), "due": "2026-11-23"},
        {"id": ids.occurrence_id("x", "2026-11-23"), "due": "2026-11-23", "seriesId": ids.uuid7(1, b"0123456789")},
        {"id": ids.occurrence_id("x", "2026-11-23"), "seriesId": ids.uuid7(1, b"0123456789")},
    ],
)
def test_derived_ids_must_be_the_derived_ones(user, members):
    with pytest.raises(Problem) as refused:
        user.make(**members)
    assert refused.value.status == 422


def test_recurring_needs_a_due(user):
    with pytest.raises(Problem):
        user.make(recurrence="FREQ=DAILY")
    todo = user.make(recurrence="FREQ=DAILY", due="2026-11-23")
    with pytest.raises(Problem):
        user.change(todo["id"], due=None)


def test_sub_tasks_nest_five_deep_and_never_in_a_circle(user):
    chain = [user.make()]
    for _ in range(todos.DEEPEST):
        chain.append(user.make(parentId=chain[-1]["id"]))
    for members in ({"parentId": chain[-1]["id"]}, {"parentId": new_id()}):
        with pytest.raises(Problem):
            user.make(**members)
    for descendant in chain[:4]:
        with pytest.raises(Problem):
            user.change(chain[0]["id"], parentId=descendant["id"])
    assert user.change(chain[3]["id"], parentId=None)["parentId"] is None


def test_attachments_are_in_the_owners_folder(user):
    assert user.make(attachments=[FOLDER + "a.pdf"])["attachments"] == [FOLDER + "a.pdf"]
    with pytest.raises(Problem):
        user.make(attachments=["private/eu-west-1:you/a.pdf"])


def test_the_limits_hold(user):
    user.make()
    user.account = Account(user.account.version, MOST_TODOS, MOST_LISTS)
    with pytest.raises(Problem) as refused:
        user.make()
    assert (refused.value.status, str(MOST_TODOS) in refused.value.detail) == (409, True)
    with pytest.raises(Problem):
        lists.create(user.workspace(), NewList(name="one too many"))


def test_a_full_account_cannot_grow_through_recurrence(user):
    todo = user.make(due="2026-11-23", recurrence="FREQ=DAILY")
    user.account = Account(user.account.version, MOST_TODOS, 1)
    with pytest.raises(Problem):
        user.change(todo["id"], done=True)


def test_a_list_that_is_gone_takes_no_to_dos(user):
    with pytest.raises(Problem) as refused:
        user.make(listId=new_id())
    assert refused.value.status == 404


def test_lists_are_renamed_and_deleted_but_the_inbox_stays(user):
    user.make()
    workspace = user.workspace()
    made, _ = lists.create(workspace, NewList(name="Work"))
    user.commit(workspace)
    workspace = user.workspace()
    assert lists.change(workspace, made["id"], ListPatch(name="Job"), made["version"])["name"] == "Job"
    user.commit(workspace)
    with pytest.raises(Problem) as stale:
        lists.change(user.workspace(), made["id"], ListPatch(name="x"), made["version"])
    assert stale.value.status == 412
    workspace = user.workspace()
    lists.delete(workspace, made["id"], None)
    assert is_buried(workspace.written["list", made["id"]])
    with pytest.raises(Problem):
        lists.delete(user.workspace(), "inbox", None)


def test_nothing_is_guessed_about_what_was_not_read():
    workspace = Workspace(Account(5, 1, 1), {}, NOW, lambda size: bytes(size))
    with pytest.raises(NotLoaded) as missing:
        workspace.todo("x")
    assert missing.value.refs == (("todo", "x"),)


def test_a_closed_account_takes_no_writes():
    with pytest.raises(Problem) as refused:
        Workspace(Account(5, 1, 1, closed_by="job"), {}, NOW, lambda size: bytes(size))
    assert refused.value.status == 410


# -- batch


def test_in_a_batch_each_operation_is_all_or_nothing(user):
    """GIVEN a batch with good and bad operations WHEN it runs THEN the bad ones leave no trace, a later one sees an
    earlier one, and all have one version."""
    existing = user.make(due="2026-11-23", recurrence="FREQ=DAILY")
    identifier = new_id()
    operations = Batch.model_validate(
        {
            "operations": [
                {"op": "create", "todo": {"title": "new", "id": identifier}},
                {"op": "change", "id": identifier, "todo": {"title": "newer"}},
                {"op": "change", "id": existing["id"], "todo": {"done": True, "parentId": new_id()}},
                {"op": "change", "id": existing["id"], "todo": {"nonsense": 1}},
                {"op": "delete", "id": new_id()},
                {"op": "change", "id": existing["id"], "ifVersion": 1, "todo": {"title": "x"}},
                {"op": "delete", "id": existing["id"], "ifVersion": existing["version"]},
            ]
        }
    ).operations
    workspace = user.workspace()
    results = batch.run(workspace, operations)
    assert [result.status for result in results] == [201, 200, 422, 422, 404, 412, 204]
    assert results[3].problem.errors[0]["pointer"] == "/todo/nonsense"
    user.commit(workspace)
    assert [(todo["title"], todo["version"]) for todo in user.live()] == [("newer", workspace.version)]
    assert user.account.todos == 1
    assert {ref for ref in batch.foreseen(operations) if ref[0] == "list"} == {("list", "inbox")}


@given(st.lists(st.tuples(st.sampled_from(["create", "change", "delete"]), st.integers(0, 4)), max_size=25))
def test_counts_are_right_whatever_a_batch_does(plan):
    user, known = User(), [new_id() for _ in range(5)]
    for identifier in known[:3]:
        user.make(id=identifier)
    documents = [
        {"op": op, "todo": {"title": "t", "id": known[which]}}
        if op == "create"
        else {"op": op, "id": known[which], **({"todo": {"title": "u"}} if op == "change" else {})}
        for op, which in plan
    ]
    workspace = user.workspace()
    batch.run(
        workspace,
        list(Batch.model_validate({"operations": documents}).operations) if documents else [],
    )
    user.commit(workspace)
    assert user.account.todos == len(user.live())


# -- jobs


def test_a_job_is_stuck_when_it_stood_still_for_too_long():
    job = jobs.begin(new_id(), "delete-list", {"list": "x"}, NOW)
    patience = timedelta(minutes=2)
    assert not job.is_stuck(NOW + patience, patience)
    assert job.is_stuck(NOW + patience * 2, patience)
    job = job.progressed(40, NOW + patience)
    assert (job.document["processed"], job.is_stuck(NOW + patience * 2, patience)) == (40, False)
    assert not job.finished(NOW).is_stuck(NOW + patience * 9, patience)
