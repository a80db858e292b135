"""The rules of trying, on their own: any sequence of attempts and pauses against the sentences of the Developer Guide."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.services.cognito_idp import codes, limits
from stratus.services.cognito_idp.codes import Proof
from stratus.services.cognito_idp.schema import SCHEMA
from stratus.wire.errors import AwsError

SECRET = bytes(32)


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with database() as connection:
        yield connection


pauses = st.floats(0, 2000, allow_nan=False).map(lambda seconds: round(seconds, 3)) | st.sampled_from(
    [0.0, 0.5, 1.0, 2.0, 899.0]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pauses, max_size=40))
def test_given_failures_at_any_times_then_lockouts_are_what_the_guide_says(waits: list[float]) -> None:
    connection, now = database(), 1_000_000.0
    failures, locked_until, last = 0, 0.0, now
    for wait in waits:
        now += wait
        if failures and now >= max(last, locked_until) + 900:
            failures = 0
        locked = now < locked_until
        refused = limits.begin_sign_in(connection, "somebody", now)
        assert (refused is not None) == locked
        if not locked:
            failures, last = failures + 1, now
            locked_until = now + min(2 ** (failures - 5), 900) if failures >= 5 else 0.0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(pauses, st.booleans()), max_size=40))
def test_given_guesses_at_any_times_then_no_hour_has_more_than_five(guesses: list[tuple[float, bool]]) -> None:
    connection, now, taken = database(), 1_000_000.0, list[float]()
    for wait, _ in guesses:
        now += wait
        refused = codes.redeem(connection, SECRET, Proof("somebody", "sign-up", "s@example.com"), "x", now)
        assert refused is not None
        if refused.code != "LimitExceededException":
            taken.append(now)
    for first in taken:
        assert sum(first <= each < first + 3600 for each in taken) <= 2 * limits.TRIES_AN_HOUR - 1


def test_given_somebody_else_s_failures_then_they_are_not_mine(connection: sqlite3.Connection) -> None:
    for _ in range(6):
        limits.begin_sign_in(connection, "mallory", 0.0)
    assert limits.begin_sign_in(connection, "mallory", 0.0) is not None
    assert limits.begin_sign_in(connection, "alice", 0.0) is None


def test_given_a_code_then_it_is_for_one_purpose_one_person_one_address_and_one_use(
    connection: sqlite3.Connection,
) -> None:
    proof = Proof("alice", "sign-up", "alice@example.com")
    code = codes.issue(connection, SECRET, proof, 0.0)
    assert not isinstance(code, AwsError)
    for other in (
        Proof("alice", "reset", "alice@example.com"),
        Proof("bob", "sign-up", "alice@example.com"),
        Proof("alice", "sign-up", "bob@example.com"),
    ):
        assert codes.redeem(connection, SECRET, other, code, 1.0) is not None
    assert codes.redeem(connection, SECRET, proof, code, 86_401.0) is not None
    assert codes.redeem(connection, SECRET, proof, code, 86_399.0) is None
    assert codes.redeem(connection, SECRET, proof, code, 86_399.0) is not None


def test_given_many_codes_then_they_are_six_digits_and_differ(connection: sqlite3.Connection) -> None:
    made = [codes.issue(connection, SECRET, Proof(f"user{n}", "reset", "x@example.com"), 0.0) for n in range(500)]
    assert all(isinstance(code, str) and len(code) == 6 and code.isdigit() for code in made)
    assert len({str(code) for code in made}) > 480
