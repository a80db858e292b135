"""Encryption at rest."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from stratus.storage.sealing import Seal

SEAL = Seal(bytes(range(32)))


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_and_never_looks_the_same_twice(plain):
    one, other = SEAL.close(plain), SEAL.close(plain)
    assert one != other
    assert SEAL.open(one) == SEAL.open(other) == plain


@given(st.binary(max_size=50), st.data())
def test_a_changed_byte_is_noticed(plain, data):
    sealed = bytearray(SEAL.close(plain))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidTag):
        SEAL.open(bytes(sealed))


def test_the_master_key_is_made_once_and_for_its_owner_only(tmp_path):
    path = tmp_path / "master.key"
    sealed = Seal.from_file(path).close(b"data")
    assert Seal.from_file(path).open(sealed) == b"data"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32


def test_a_key_of_another_length_is_refused(tmp_path):
    (tmp_path / "master.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        Seal.from_file(tmp_path / "master.key")
