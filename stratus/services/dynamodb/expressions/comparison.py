"""How two attribute values in canonical form compare."""

from base64 import b64decode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stratus.services.dynamodb.values import Value


def scalar(value: Value | None) -> tuple[str, Any] | None:
    """Type and ordered content of a string, number or binary; None for anything else."""
    if value is None:
        return None
    for kind, content in value.items():  # there is exactly one
        if kind == "S":
            return kind, content  # code points sort as UTF-8 bytes do
        if kind == "N":
            return kind, Decimal(content)
        if kind == "B":
            return kind, b64decode(content)
    return None


def compare(ordering: Callable[[Any, Any], bool], left: Value | None, right: Value | None) -> bool:
    """`left < right` and so on; false where the types differ or have no order."""
    one, two = scalar(left), scalar(right)
    return one is not None and two is not None and one[0] == two[0] and ordering(one[1], two[1])


def between(value: Value | None, low: Value | None, high: Value | None) -> bool:
    middle, bottom, top = scalar(value), scalar(low), scalar(high)
    if middle is None or bottom is None or top is None or not middle[0] == bottom[0] == top[0]:
        return False
    return bool(bottom[1] <= middle[1] <= top[1])


def same_start(value: Value | None, prefix: Value | None) -> bool:
    one, two = scalar(value), scalar(prefix)
    if one is None or two is None or one[0] != two[0] or one[0] == "N":
        return False
    return bool(one[1].startswith(two[1]))


def contains(value: Value | None, member: Value | None) -> bool:
    """A substring of a string or binary, a member of a set, an element of a list."""
    if value is None or member is None:
        return False
    (kind, content), (member_kind, wanted) = next(iter(value.items())), next(iter(member.items()))
    if kind == "L":
        return member in content
    if kind == member_kind == "S":
        return wanted in content
    if kind == member_kind == "B":
        return b64decode(wanted) in b64decode(content)
    return kind in ("SS", "NS", "BS") and member_kind == kind[0] and wanted in content


def size_of(value: Value | None) -> Value | None:
    """Bytes of a string or binary, members of anything that has members; nothing for the rest."""
    if value is None:
        return None
    kind, content = next(iter(value.items()))
    if kind == "S":
        return {"N": str(len(content.encode()))}
    if kind == "B":
        return {"N": str(len(b64decode(content)))}
    if kind in ("SS", "NS", "BS", "L", "M"):
        return {"N": str(len(content))}
    return None
