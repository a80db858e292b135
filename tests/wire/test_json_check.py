"""The structural check in place, against the readers that copy: both refuse the same, and leave the same."""

import copy
from typing import Any

import pytest
from botocore.model import Shape
from hypothesis import given
from hypothesis import strategies as st

from stratus.wire.json_check import JsonChecks
from stratus.wire.json_shapes import JsonReaders, WrongType
from stratus.wire.model import service_model

SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.sampled_from(["", "text", "YWJj", "NONE"])
)
KEY = st.sampled_from(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "BS", "TableName", "Item", "Expected", "Unknown"])
JSON = st.recursive(
    SCALAR, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEY, inner, max_size=4)), max_leaves=20
)


def put_item() -> Shape:
    shape = service_model("dynamodb").operation_model("PutItem").input_shape
    assert shape is not None
    return shape


CHECK, READ = JsonChecks().of(put_item()), JsonReaders().of(put_item())


def complaint(call: Any, value: Any) -> str | None:
    try:
        call(value)
    except WrongType as error:
        return str(error)
    return None


@given(st.dictionaries(KEY, JSON, max_size=4))
def test_both_refuse_the_same(sent: dict[str, Any]) -> None:
    checked, read = complaint(CHECK, copy.deepcopy(sent)), complaint(READ, copy.deepcopy(sent))
    assert (checked is None) == (read is None)
    if checked is not None and "Blob" not in checked:
        assert checked == read


@given(st.dictionaries(KEY, JSON, max_size=4))
def test_what_is_left_has_only_known_members(sent: dict[str, Any]) -> None:
    if complaint(CHECK, sent) is None:
        assert {"Unknown", "S", "N", "L"}.isdisjoint(sent)
        assert complaint(CHECK, copy.deepcopy(sent)) is None


@pytest.mark.parametrize("value", [{"S": "x"}, {"M": {"a": {"L": [{"N": "1"}, {"NULL": True}]}}}, {"BS": ["YQ=="]}])
def test_attribute_values_pass_unchanged(value: dict[str, Any]) -> None:
    sent = {"TableName": "t", "Item": {"a": value}}
    before = copy.deepcopy(sent)
    CHECK(sent)
    assert sent == before
