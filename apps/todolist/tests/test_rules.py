"""Dues, ids, positions, files, filters and bodies."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todolist.problems import Problem
from todolist.rules import bodies, due, files, filters, ids, position
from todolist.rules.models import Batch, NewTodo, TodoPatch

ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"])
WALLS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)).map(lambda wall: wall.replace(microsecond=0))


# -- due


@given(WALLS, ZONES)
def test_a_due_written_down_is_read_as_the_same(wall, zone):
    first = due.parse(f"{wall.isoformat()}[{zone}]")
    again = due.parse(str(first))
    assert (again.wall.replace(fold=0), again.instant(), str(again)) == (wall, first.instant(), str(first))


@given(WALLS, WALLS, ZONES, ZONES)
def test_sort_keys_order_dues_by_their_instants(one, other, zone, other_zone):
    one, other = due.parse(f"{one.isoformat()}[{zone}]"), due.parse(f"{other.isoformat()}[{other_zone}]")
    keys = due.sort_key(str(one)), due.sort_key(str(other))
    assert (keys[0] < keys[1]) == (one.instant() < other.instant())
    assert max(keys) < due.sort_key(None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-13-01",
        "2026-02-29",
        "2026-11-23T09:00",
        "2026-11-23T25:00Z",
        "2026-11-23T09:00+99:00",
        "2026-11-23T09:00[Nowhere/City]",
        "2026-11-23T09:00[../../etc/passwd]",
        "2026-11-23T09:00+05:00[Europe/Berlin]",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-12:00",
        "2026-11-23T09:00[Europe]",
        "2026-11-23T09:00[\x00]",
    ],
)
def test_what_is_no_due_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        due.parse(text)


@given(st.text(max_size=60))
def test_any_text_is_a_due_or_a_value_error(text):
    try:
        due.parse(text)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("own", "bound", "expected"),
    [
        ("2026-11-22", "2026-11-23", True),
        ("2026-11-23", "2026-11-23", False),
        ("2026-11-22T23:59[Europe/Berlin]", "2026-11-23", True),
        ("2026-11-23T00:30[Europe/Berlin]", "2026-11-23", False),  # 22 November in UTC, but not where it is due
        ("2026-11-23T08:59+01:00", "2026-11-23T08:00Z", True),
        ("2026-11-23T09:00+01:00", "2026-11-23T08:00Z", False),
        ("2026-11-23", "2026-11-23T00:00:01Z", True),
    ],
)
def test_before(own, bound, expected):
    assert due.is_before(str(due.parse(own)), due.parse(bound)) is expected


# -- ids


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_uuid7_is_valid_and_sorts_by_time(milliseconds, random):
    made = uuid.UUID(ids.uuid7(milliseconds, random))
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, milliseconds)
    assert ids.is_todo_id(str(made))


def test_occurrence_ids_are_as_documented_and_the_same_everywhere():
    series = "01a2072f-b4c3-77d2-8501-baca31a585d3"
    made = uuid.UUID(ids.occurrence_id(series, "2026-03-29"))
    digest = uuid.UUID(bytes=hashlib.sha256(f"{series}/2026-03-29".encode()).digest()[:16])
    free = ~(0xF << 76 | 0x3 << 62)
    assert made.int & free == digest.int & free
    assert (made.version, made.variant) == (8, uuid.RFC_4122)
    assert ids.is_todo_id(str(made))


@pytest.mark.parametrize(
    "text", ["", "INBOX", "inbox\n", "be5d783d-f31b-47aa-968e-064b706c3b05", "01a2072f-b4c3-77d2-8501-baca31a585d3\n"]
)
def test_what_is_no_id(text):
    assert not ids.is_list_id(text)
    assert not ids.is_todo_id(text)


# -- position


@given(st.integers(0, 2**41), st.integers(0, 2**41), st.integers(0, 100), st.integers(0, 100))
def test_positions_at_the_end_order_as_the_moments_did(one, other, place, other_place):
    positions = position.at_end(one, place), position.at_end(other, other_place)
    assert (positions[0] < positions[1]) == ((one, place) < (other, other_place))
    assert all(map(position.is_position, positions))


@pytest.mark.parametrize("text", ["a0", "a1V", "Zz", "b00", "zzzzzzzzzzzzzzzzzzzzzzzzzzz", "A" + "0" * 25 + "1"])
def test_positions_of_the_library_are_taken(text):
    assert position.is_position(text)


@pytest.mark.parametrize("text", ["a", "0a", "a10", "b0", "A" + "0" * 26, "a-", "aé", "a" * 101, "h123"])
def test_what_the_library_would_refuse_is_refused(text):
    assert not position.is_position(text)


# -- files

FOLDER = "private/eu-west-1:1234/"


@pytest.mark.parametrize(
    "key",
    [
        "private/eu-west-1:5678/a.txt",
        "private/eu-west-1:1234",
        FOLDER,
        "/" + FOLDER + "a",
        FOLDER + "../x",
        FOLDER + "a/./b",
        FOLDER + "a//b",
        FOLDER + "a\\b",
        "PRIVATE/eu-west-1:1234/a",
        "private/eu-west-1:12345/a",
        FOLDER + "é" * 600,
    ],
)
def test_keys_outside_the_folder_are_refused(key):
    with pytest.raises(Problem):
        files.check([key], FOLDER)


@given(st.text(min_size=1, max_size=30).filter(lambda name: not set(name) & set("/\\") and name not in {".", ".."}))
def test_keys_in_the_folder_are_taken(name):
    files.check([FOLDER + name], FOLDER)


def test_without_a_folder_no_key_is_taken():
    with pytest.raises(Problem):
        files.check(["private/None/x"], None)


# -- filters


def test_filters_are_combined():
    todo = {"title": "Straße fegen", "notes": None, "tags": ["home"], "due": "2026-11-23"}
    text = json.dumps(todo)
    assert filters.keep("home", "2026-11-24", "STRASSE")(text)
    assert not filters.keep("hom", None, None)(text)
    assert not filters.keep(None, "2026-11-23", None)(text)
    assert not filters.keep(None, None, "home")(text)
    assert not filters.keep(None, "2030-01-01", None)(json.dumps({**todo, "due": None}))
    assert filters.keep(None, None, None) is None


# -- bodies


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("[" * 5000, 400),
        ('{"title":' * 5000, 400),
        ("nul", 400),
        ('{"title":"a"}x', 400),
        (b'{"title":"\xff"}', 400),
        ('{"title":"\\ud800"}', 400),
        ('{"title":"\ud800"}', 400),
        (b"\x00", 400),
        ("[]", 422),
        ("null", 422),
        ("1e999", 422),
        ("NaN", 422),
        ('{"title":NaN}', 422),
        ('{"title":"a","priority":1e400}', 422),
        ('{"title":"a","priority":' + "9" * 4000 + "}", 422),
        ('{"title":"a","priority":1.5}', 422),
        ('{"title":"a","priority":true}', 422),
        ('{"title":"a","priority":"1"}', 422),
        ('{"title":"a","priority":4}', 422),
        ("{}", 422),
        ('{"title":null}', 422),
        ('{"title":""}', 422),
        ('{"title":" "}', 422),
        ('{"title":"a\\nb"}', 422),
        ('{"title":"\\u0000"}', 422),
        ('{"title":"' + "a" * 501 + '"}', 422),
        ('{"title":"a","done":1}', 422),
        ('{"title":"a","unknown":1}', 422),
        ('{"title":"a","__proto__":{}}', 422),
        ('{"title":"a","version":1}', 422),
        ('{"title":"a","tags":"x"}', 422),
        ('{"title":"a","tags":["x","x"]}', 422),
        ('{"title":"a","tags":[" x"]}', 422),
        ('{"title":"a","id":"1"}', 422),
        ('{"title":"a","due":"soon"}', 422),
        ('{"title":"a","recurrence":"FREQ=SECONDLY"}', 422),
        ('{"title":"a","position":"a0 "}', 422),
        ('{"title":"a","listId":"../x"}', 422),
        ('{"title":"a","notes":"\\u0007"}', 422),
    ],
)
def test_hostile_bodies_are_refused_in_words(body, status):
    with pytest.raises(Problem) as refused:
        bodies.parse(NewTodo, body)
    assert refused.value.status == status
    document = refused.value.document()
    assert len(json.dumps(document)) < 5000
    assert document["detail"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["title", "due", "tags", "op"]), inner)
        ),
        max_leaves=8,
    )
)
@pytest.mark.parametrize("model", [NewTodo, TodoPatch, Batch])
def test_any_json_is_a_body_or_a_problem(model, value):
    try:
        bodies.parse(model, json.dumps(value))
    except Problem as problem:
        assert problem.status in {400, 422}


def test_a_problem_points_to_each_place():
    with pytest.raises(Problem) as refused:
        bodies.parse(NewTodo, '{"title":1,"tags":["a",2],"a/b~c":1}')
    assert [each["pointer"] for each in refused.value.errors] == ["/title", "/tags/1", "/a~1b~0c"]


def test_dues_and_rules_are_kept_in_one_form():
    new = bodies.parse(NewTodo, '{"title":"a","due":"2026-11-23T09:00[Europe/Berlin]","recurrence":"RRULE:FREQ=DAILY"}')
    assert (new.due, new.recurrence) == ("2026-11-23T09:00:00+01:00[Europe/Berlin]", "FREQ=DAILY")
    assert datetime.fromisoformat("2026-11-23T08:00:00+00:00") == due.parse(new.due).instant().astimezone(UTC)
