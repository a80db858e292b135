"""Stored keys sort as DynamoDB sorts, and numbers are held exactly."""

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.services.dynamodb import keys, numbers
from stratus.wire.errors import AwsError

exact_numbers = st.builds(
    lambda negative, digits, exponent: Decimal((int(negative), tuple(map(int, str(digits))), exponent)),
    st.booleans(),
    st.integers(0, 10**38 - 1),
    st.integers(-130, 87),
)
near = st.integers(-2000, 2000).map(lambda each: Decimal(each) / 100)
any_number = st.one_of(exact_numbers, near).filter(lambda each: not each or -130 <= each.adjusted() <= 125)


@given(any_number, any_number)
def test_numbers_sort_by_value(one: Decimal, two: Decimal) -> None:
    first, second = (keys.encode_number(numbers.canonical(str(each))) for each in (one, two))
    assert (first < second) == (one < two)
    assert (first == second) == (one == two)


integers = st.integers(-(10**38) + 1, 10**38 - 1)


@given(st.one_of(integers, near), st.one_of(integers, near))
def test_sums_and_differences_are_exact_or_refused(one: Decimal | int, two: Decimal | int) -> None:
    first, second = (numbers.canonical(str(each)) for each in (one, two))
    exact = Context(prec=100)
    for calculate, expected in ((numbers.add, exact.add), (numbers.subtract, exact.subtract)):
        result = expected(Decimal(one), Decimal(two))
        if len(result.normalize(exact).as_tuple().digits) > numbers.MAX_DIGITS:
            with pytest.raises(AwsError):
                calculate(first, second)
        else:
            assert calculate(first, second) == numbers.format_number(result)


@given(any_number)
def test_a_canonical_number_is_the_same_number_in_plain_notation(number: Decimal) -> None:
    text = numbers.canonical(str(number))
    assert Decimal(text) == number
    assert "E" not in text
    assert numbers.canonical(text) == text
    assert "." not in text or not text.endswith("0")
    assert text != "-0"


@given(st.text(max_size=4), st.text(max_size=4))
def test_strings_sort_by_their_utf8_bytes(one: str, two: str) -> None:
    first, second = keys.encode("S", one), keys.encode("S", two)
    assert (first < second) == (one.encode() < two.encode())


@given(st.binary(max_size=4), st.binary(max_size=6))
def test_what_begins_with_a_prefix_sorts_before_its_end(prefix: bytes, other: bytes) -> None:
    after = keys.after_prefix(prefix)
    inside = other >= prefix and (after is None or other < after)
    assert inside == other.startswith(prefix)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        ("0x1", "The parameter cannot be converted to a numeric value: 0x1"),
        ("1_0", "The parameter cannot be converted to a numeric value: 1_0"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("Infinity", "The parameter cannot be converted to a numeric value: Infinity"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("١", "The parameter cannot be converted to a numeric value: ١"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("-1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e999999999999999999999999", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1e-999999999999999999999999", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        numbers.canonical(text)
    assert (refused.value.code, refused.value.message) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 1), ("1", 2), ("10", 2), ("12", 3), ("123", 3), ("-1", 3), ("100", 2), ("0.1", 2), ("1" * 38, 20)],
)
def test_numbers_take_a_byte_for_two_digits(text: str, size: int) -> None:
    assert abs(numbers.size(text) - size) <= 1
