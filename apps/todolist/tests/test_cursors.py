"""Cursors: opaque, and of no use to whoever tampers with them."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todolist.problems import Problem
from todolist.store import cursors, pages

ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=90)


@given(ASCII, ASCII, st.integers(0, 2**53 - 1))
def test_what_is_written_is_read(sort_key, place, version):
    cursor = cursors.write(sort_key, place, version)
    assert cursor.isascii()
    assert not set(cursor) & set('"\\<>&?=+/ ')
    assert cursors.read(cursor, str, str, int) == [sort_key, place, version]


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_a_problem(text):
    try:
        parts = cursors.read(text, str, str, int)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert [type(part) for part in parts] == [str, str, int]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=6))
def test_a_cursor_of_other_parts_is_refused(parts):
    encoded = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
    with pytest.raises(Problem):
        cursors.read(encoded, str, str, int)


@given(ASCII, ASCII, st.sampled_from([None, "inbox"]), st.sampled_from(["open", "done", "all"]))
def test_a_cursor_never_leads_out_of_its_question(sort_key, place, list_id, status):
    """Whatever a cursor says, the Query starts inside the stretch that the question names, of the user who asks."""
    part = pages.stretch(list_id, status)
    try:
        start, _ = pages._start(part, "me", cursors.write(sort_key, place, 1))
    except Problem:
        return
    assert start["pk"] == "me"
    assert part.low <= start[part.attribute] <= part.high
