"""Attribute values as they travel: `{"S": "text"}`. Checked, brought to canonical form in place, and measured.

In canonical form numbers are plain decimals and sets are sorted, so that two equal values are equal JSON.
Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stratus.services.dynamodb import numbers
from stratus.services.dynamodb.errors import invalid_parameter, serialization, validation

Value = dict[str, Any]
Item = dict[str, Value]

MAX_NESTING = 32
TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")

EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
AMBIGUOUS = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)


def normalise_item(item: Any) -> int:
    """Checks a whole attribute map, brings it to canonical form in place and returns its size in bytes.

    Raises SerializationException for JSON of the wrong shape, ValidationException for values that DynamoDB does not hold.
    """
    if type(item) is not dict:
        raise _wrong_map(item)
    total = 0
    for name, value in item.items():
        total += (len(name) if name.isascii() else len(name.encode())) + normalise(value)
    return total


def normalise(value: Any, depth: int = 0) -> int:
    """One value: checked, brought to canonical form in place; its size in bytes is returned."""
    if type(value) is not dict:
        raise _wrong_value(value)
    if len(value) != 1:
        _keep_the_only_type(value)
    ((kind, content),) = value.items()
    if kind == "S" and type(content) is str:
        return len(content) if content.isascii() else len(content.encode())
    if kind == "N" and type(content) is str:
        number = numbers.canonical(content)
        if number is not content:
            value["N"] = number
        return numbers.size(number)
    measure = _MEASURES.get(kind)
    if measure is None or content is None:
        raise validation(EMPTY)
    return measure(value, content, depth)


def _keep_the_only_type(value: Value) -> None:
    """JSON nulls and members that AWS does not know are dropped, as AWS does; one type must be left."""
    for kind in [kind for kind, content in value.items() if content is None or kind not in TYPES]:
        del value[kind]
    if not value:
        raise validation(EMPTY)
    if len(value) > 1:
        raise validation(AMBIGUOUS)


def _string(value: Value, content: Any, depth: int) -> int:
    raise _not_a("String", content)


def _binary(value: Value, content: Any, depth: int) -> int:
    return len(decode_binary(content))


def decode_binary(content: Any) -> bytes:
    """The bytes of a base64 text. Raises SerializationException."""
    if type(content) is not str:
        raise serialization("only base-64-encoded strings are convertible to bytes")
    try:
        decoded = b64decode(content, validate=True)
        if b64encode(decoded).decode() == content:
            return decoded
    except (binascii.Error, ValueError):
        if len(content) % 4:
            raise serialization(
                f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(content)}"
            ) from None
    raise serialization("Invalid last non-pad Base64 character dectected")


def _boolean(value: Value, content: Any, depth: int) -> int:
    if type(content) is not bool:
        raise _not_a("Boolean", content)
    return 1


def _null(value: Value, content: Any, depth: int) -> int:
    if type(content) is not bool:
        raise _not_a("Boolean", content)
    if not content:
        raise invalid_parameter("Null attribute value types must have the value of true")
    return 1


def _list(value: Value, content: Any, depth: int) -> int:
    if type(content) is not list:
        raise _wrong_collection(content)
    _check_depth(depth)
    return 3 + sum(1 + normalise(member, depth + 1) for member in content)


def _map(value: Value, content: Any, depth: int) -> int:
    if type(content) is not dict:
        raise _wrong_map(content)
    _check_depth(depth)
    total = 3
    for name, member in content.items():
        total += 1 + len(name.encode()) + normalise(member, depth + 1)
    return total


def _check_depth(depth: int) -> None:
    if depth >= MAX_NESTING:
        raise validation(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
        )


def _string_set(value: Value, content: Any, depth: int) -> int:
    members = _set_members(content, "An string set  may not be empty")
    for member in members:
        if type(member) is not str:
            raise _not_a("String", member)
    if len(set(members)) != len(members):
        raise invalid_parameter(f"Input collection [{', '.join(members)}] contains duplicates.")
    value["SS"] = sorted(members, key=str.encode)
    return sum(len(member.encode()) for member in members)


def _number_set(value: Value, content: Any, depth: int) -> int:
    members = _set_members(content, "An number set  may not be empty")
    for member in members:
        if type(member) is not str:
            raise _not_a("String", member)
    canonical = [numbers.canonical(member) for member in members]
    if len(set(canonical)) != len(canonical):
        raise validation("Input collection contains duplicates")
    value["NS"] = sorted(canonical, key=Decimal)
    return sum(map(numbers.size, canonical))


def _binary_set(value: Value, content: Any, depth: int) -> int:
    members = _set_members(content, "Binary sets should not be empty")
    decoded = [decode_binary(member) for member in members]
    if len(set(decoded)) != len(decoded):
        raise invalid_parameter(f"Input collection [{', '.join(members)}]of type BS contains duplicates.")
    value["BS"] = [member for _, member in sorted(zip(decoded, members, strict=True))]
    return sum(map(len, decoded))


def _set_members(content: Any, when_empty: str) -> list[Any]:
    if type(content) is not list:
        raise _wrong_collection(content)
    if not content:
        raise invalid_parameter(when_empty)
    return content


_MEASURES: dict[str, Callable[[Value, Any, int], int]] = {
    "S": _string,
    "N": _string,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _string_set,
    "NS": _number_set,
    "BS": _binary_set,
}


def type_of(value: Value) -> str:
    """`S`, `N`, `L` ... of a value that was normalised."""
    return next(iter(value))


def json_kind(value: Any) -> str:
    """How AWS's JSON parser names a token: `NUMBER_VALUE`, `TRUE_VALUE` ..."""
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, int):
        return "NUMBER_VALUE"
    return "DECIMAL_VALUE" if isinstance(value, float) else "STRING_VALUE"


def _not_a(kind: str, content: Any) -> Exception:
    if isinstance(content, list):
        return serialization(f"Unrecognized collection type class java.lang.{kind}")
    if isinstance(content, dict) or content is None:
        return serialization("Start of structure or map found where not expected")
    if kind == "Boolean" and isinstance(content, str):
        return serialization("Unexpected token received from parser")
    return serialization(f"{json_kind(content)} cannot be converted to {kind}")


def _wrong_collection(content: Any) -> Exception:
    if isinstance(content, dict):
        return serialization("Start of structure or map found where not expected")
    return serialization("Unexpected field type")


def _wrong_map(content: Any) -> Exception:
    if isinstance(content, list):
        return serialization(
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"
        )
    return serialization("Unexpected field type")


def _wrong_value(value: Any) -> Exception:
    if isinstance(value, list):
        return serialization("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue")
    return serialization("Unexpected value type in payload")
