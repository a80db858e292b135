"""Condition operators: how one value of the request is compared with one value of the policy.

Source: "IAM JSON policy elements: Condition operators" (IAM User Guide).
"""

import base64
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache

from stratus.iam.policy.context import Context
from stratus.iam.policy.pattern import ArnPattern, Pattern

Test = Callable[[str, Context, bool], bool]
"""Whether a value of the request fits the policy's; the bool is the answer where a policy variable has no value."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`compile(policy value, variables)` gives the test; ValueError when the policy's value is not of the operator's type."""

    compile: Callable[[str, bool], Test]
    takes_variables: bool = False


class Quantifier(Enum):
    PLAIN = ""
    ALL = "ForAllValues"
    ANY = "ForAnyValue"


@dataclass(frozen=True, slots=True)
class Operator:
    """`ForAllValues:StringNotLikeIfExists` is (StringLike, negated, if_exists, ALL)."""

    name: str
    negated: bool = False
    if_exists: bool = False
    quantifier: Quantifier = Quantifier.PLAIN


def _string(*, wildcards: bool = False, fold: bool = False) -> Comparison:
    def compile_string(value: str, variables: bool) -> Test:
        pattern = Pattern(value, variables=variables, wildcards=wildcards, fold=fold)
        return lambda given, context, unresolved: pattern.matches(given, context, unresolved=unresolved)

    return Comparison(compile_string, takes_variables=True)


def _arn(value: str, variables: bool) -> Test:
    pattern = ArnPattern(value, variables=variables)
    return lambda given, context, unresolved: pattern.matches(given, context, unresolved=unresolved)


def _ordered(parse: Callable[[str], Decimal], holds: Callable[[Decimal, Decimal], bool]) -> Comparison:
    def compile_ordered(value: str, variables: bool) -> Test:
        wanted = parse(value)

        def test(given: str, context: Context, unresolved: bool) -> bool:
            try:
                return holds(parse(given), wanted)
            except ValueError:
                return False

        return test

    return Comparison(compile_ordered)


@lru_cache(maxsize=1024)
def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not number.is_finite():
        raise ValueError(text)
    return number


@lru_cache(maxsize=1024)
def _moment(text: str) -> Decimal:
    """Seconds since the epoch, of an ISO 8601 date or of epoch seconds."""
    if text.isdigit() and text.isascii() and len(text) != 8:
        return Decimal(text)
    moment = datetime.fromisoformat(text)
    return Decimal(str((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


def _bool(value: str, variables: bool) -> Test:
    wanted = value.lower()
    if wanted not in ("true", "false"):
        raise ValueError(value)
    return lambda given, context, unresolved: given.lower() == wanted


def _binary(value: str, variables: bool) -> Test:
    wanted = base64.b64decode(value, validate=True)

    def test(given: str, context: Context, unresolved: bool) -> bool:
        try:
            return base64.b64decode(given, validate=True) == wanted
        except ValueError:
            return False

    return test


def _address(value: str, variables: bool) -> Test:
    network = ipaddress.ip_network(value, strict=False)

    def test(given: str, context: Context, unresolved: bool) -> bool:
        try:
            address = ipaddress.ip_address(given)
        except ValueError:
            return False
        return address.version == network.version and address in network

    return test


NULL = "Null"
"""`Null` asks whether a key is there at all; it compares no values."""

OPERATORS = {
    "StringEquals": _string(),
    "StringEqualsIgnoreCase": _string(fold=True),
    "StringLike": _string(wildcards=True),
    "NumericEquals": _ordered(_number, lambda given, wanted: given == wanted),
    "NumericLessThan": _ordered(_number, lambda given, wanted: given < wanted),
    "NumericLessThanEquals": _ordered(_number, lambda given, wanted: given <= wanted),
    "NumericGreaterThan": _ordered(_number, lambda given, wanted: given > wanted),
    "NumericGreaterThanEquals": _ordered(_number, lambda given, wanted: given >= wanted),
    "DateEquals": _ordered(_moment, lambda given, wanted: given == wanted),
    "DateLessThan": _ordered(_moment, lambda given, wanted: given < wanted),
    "DateLessThanEquals": _ordered(_moment, lambda given, wanted: given <= wanted),
    "DateGreaterThan": _ordered(_moment, lambda given, wanted: given > wanted),
    "DateGreaterThanEquals": _ordered(_moment, lambda given, wanted: given >= wanted),
    "Bool": Comparison(_bool),
    "BinaryEquals": Comparison(_binary),
    "IpAddress": Comparison(_address),
    "ArnEquals": Comparison(_arn, takes_variables=True),
    "ArnLike": Comparison(_arn, takes_variables=True),
    NULL: Comparison(_bool),
}

_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def operator_named(text: str) -> Operator | None:
    """The operator that a policy calls `text`; None when there is none of that name. Names are case-sensitive."""
    prefix, colon, name = text.rpartition(":")
    try:
        quantifier = Quantifier(prefix) if colon else Quantifier.PLAIN
    except ValueError:
        return None
    base = name.removesuffix("IfExists")
    plain = _NEGATED.get(base, base)
    if plain not in OPERATORS or (plain == NULL and (base != name or colon)):
        return None
    return Operator(plain, base in _NEGATED, base != name, quantifier)
