"""The server's half of SRP against pycognito's client half, which is what Cognito itself understands."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycognito.aws_srp import AWSSRP

from stratus.services.cognito_idp import srp


def client(name: str, password: str, a: int | None = None) -> Any:
    made = AWSSRP(name, password, "eu-central-1_Pool1", "client", client=object())
    if a is not None:
        made.small_a_value = a
        made.large_a_value = made.calculate_a()
    return made


@settings(max_examples=25, deadline=None)
@given(
    password=st.text(min_size=1, max_size=40),
    name=st.text(min_size=1, max_size=40),
    salt=st.integers(1, 2**128 - 1) | st.sampled_from([1, 0x7F, 0x80, 0xFF, 2**127, 2**120 - 1]),
    a=st.integers(1, 2**256),
    b=st.integers(1, 2**256),
)
def test_given_any_password_name_salt_and_secrets_then_both_sides_share_a_key(
    password: str, name: str, salt: int, a: int, b: int
) -> None:
    theirs = client(name, password, a)
    verifier = srp.new_verifier("Pool1", name, password, salt)
    challenge = srp.Challenge(b, (srp.K * verifier.value + pow(srp.G, b, srp.N)) % srp.N)
    assert srp.session_key(verifier, challenge, theirs.large_a_value) == theirs.get_password_authentication_key(
        name, password, challenge.public, f"{salt:x}"
    )


@settings(max_examples=25, deadline=None)
@given(base=st.integers(0, srp.N - 1), exponent=st.integers(0, 2**300))
def test_the_power_that_lets_other_threads_in_is_the_power(base: int, exponent: int) -> None:
    assert srp._power(base, exponent) == pow(base, exponent, srp.N)


def test_given_another_password_or_name_or_pool_then_the_verifier_does_not_match() -> None:
    verifier = srp.new_verifier("Pool1", "alice", "right")
    assert srp.matches(verifier, "Pool1", "alice", "right")
    assert not srp.matches(verifier, "Pool1", "alice", "Right")
    assert not srp.matches(verifier, "Pool1", "bob", "right")
    assert not srp.matches(verifier, "Pool2", "alice", "right")


def test_given_the_same_password_twice_then_salt_and_verifier_differ() -> None:
    assert srp.new_verifier("Pool1", "alice", "p") != srp.new_verifier("Pool1", "alice", "p")


@pytest.mark.parametrize(
    "text",
    ["", "0", "00", f"{srp.N:x}", f"{2 * srp.N:x}", f"{7 * srp.N:X}", "-1", "0x12", "xyz", "1 2", "１２", "f" * 1025],
)
def test_given_an_a_that_would_fix_the_secret_or_is_no_number_then_it_is_refused(text: str) -> None:
    assert srp.parse_public(text) is None


def test_the_group_is_the_one_of_the_clients() -> None:
    theirs = client("a", "b")
    assert (theirs.big_n, theirs.val_g, theirs.val_k) == (srp.N, srp.G, srp.K)
