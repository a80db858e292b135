"""Whether a bucket policy is public: S3 User Guide, "Blocking public access", the meaning of "public".

A policy is public unless each of its Allow statements names fixed principals, or limits everybody by a fixed value (no
wildcard, no policy variable) of one of a few condition keys, or to IP ranges that are not very wide.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

FIXING_KEYS = frozenset(
    key.lower()
    for key in (
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:SourceArn",
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:SourceOwner",
        "aws:SourceAccount",
        "aws:userid",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:DataAccessPointArn",
        "s3:DataAccessPointAccount",
    )
)
FIXING_OPERATORS = frozenset(
    (
        "stringequals",
        "stringequalsignorecase",
        "stringlike",
        "arnequals",
        "arnlike",
        "foranyvalue:stringequals",
        "foranyvalue:stringlike",
    )
)
WIDEST = {4: 8, 6: 32}
"""The shortest network prefix, by IP version, that does not count as everybody."""


@lru_cache(maxsize=1024)
def is_public(policy: str) -> bool:
    """Of a policy that `bucket_policy.check` has accepted."""
    return any(_is_public(statement) for statement in _many(orjson.loads(policy)["Statement"]))


def _is_public(statement: dict[str, Any]) -> bool:
    return (
        statement["Effect"] == "Allow" and _is_anybody(statement) and not _is_limited(statement.get("Condition") or {})
    )


def _is_anybody(statement: dict[str, Any]) -> bool:
    if "Principal" not in statement:
        return True  # NotPrincipal: everybody but some
    principal = statement["Principal"]
    if isinstance(principal, str):
        return True
    return any("*" in str(one) for one in _many(principal.get("AWS", [])))


def _is_limited(condition: dict[str, Any]) -> bool:
    for operator, tests in condition.items():
        for key, values in tests.items():
            if operator.lower() == "ipaddress" and key.lower() == "aws:sourceip":
                if all(_is_narrow(str(value)) for value in _many(values)):
                    return True
            elif (
                operator.lower() in FIXING_OPERATORS
                and key.lower() in FIXING_KEYS
                and all(_is_fixed(key.lower(), str(value)) for value in _many(values))
            ):
                return True
    return False


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:principalarn" and value.count(":") >= 5:
        return not any(mark in value.split(":")[4] for mark in "*?$")  # an account must be named
    return not any(mark in value for mark in "*?$")


def _is_narrow(cidr: str) -> bool:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= WIDEST[network.version]


def _many(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
