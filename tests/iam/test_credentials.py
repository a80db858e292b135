"""The vault: what was sealed opens unchanged, for its purpose, under its key, and not otherwise."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.iam.credentials import BadSeal, Credentials, Vault, new_secret, unique_id

VAULT = Vault(b"k" * 32)
contents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(content=contents, purpose=st.text(st.characters(codec="utf-8"), max_size=10))
def test_given_anything_sealed_when_unsealed_then_it_is_the_same(content, purpose):
    assert VAULT.unseal(purpose, VAULT.seal(purpose, content)) == content


@given(at=st.integers(0, 500), replacement=st.characters(max_codepoint=255))
@settings(max_examples=300)
def test_given_a_seal_when_one_character_is_changed_then_it_does_not_open(at, replacement):
    sealed = VAULT.seal("session", {"role": "Reader", "expires": 1.0})
    at %= len(sealed)
    if sealed[at] == replacement:
        return
    with pytest.raises(BadSeal):
        VAULT.unseal("session", sealed[:at] + replacement + sealed[at + 1 :])


@pytest.mark.parametrize("text", ["", "A", "AAAA", "====", "\n", "é", "A" * 9000])
def test_given_what_was_never_sealed_then_it_does_not_open(text):
    with pytest.raises(BadSeal):
        VAULT.unseal("session", text)


def test_given_another_purpose_or_key_then_it_does_not_open():
    sealed = VAULT.seal("secret of AKIA1", "x")
    for vault, purpose in [(VAULT, "secret of AKIA2"), (VAULT, "session"), (Vault(b"l" * 32), "secret of AKIA1")]:
        with pytest.raises(BadSeal):
            vault.unseal(purpose, sealed)


def test_given_a_first_run_when_the_key_is_made_then_only_its_owner_reads_it(tmp_path):
    previous = os.umask(0)
    try:
        sealed = Vault.open(tmp_path / "key", first_run=True).seal("a", 1)
    finally:
        os.umask(previous)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert Vault.open(tmp_path / "key", first_run=False).unseal("a", sealed) == 1


def test_given_ids_and_secrets_then_they_look_as_on_aws_and_do_not_repeat():
    ids = {unique_id("AKIA") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(i) == 20 and i.startswith("AKIA") and i.isalnum() and i.isupper() for i in ids)
    secrets = {new_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert {len(secret) for secret in secrets} == {40}


def test_given_credentials_when_printed_then_without_the_secret():
    assert "top" not in repr(Credentials("AKIA1", "top", "top"))
