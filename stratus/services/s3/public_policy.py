"""Whether a bucket policy is public: S3 User Guide, "Blocking public access", the meaning of "public".

A policy is public unless each of its Allow statements names fixed principals, or limits everybody by a fixed value (no
wildcard, no policy variable) of one of a few condition keys, or to IP ranges that are not very wide.
"""

import ipaddress
from functools import lru_cache

from stratus.iam.policy.document import Condition, StatementText, Use, read
from stratus.iam.policy.operators import Quantifier

FIXING_KEYS = frozenset(
    (
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:userid",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
    )
)
FIXING_OPERATORS = frozenset(("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"))
WIDEST = {4: 8, 6: 32}
"""The shortest network prefix, by IP version, that does not count as everybody."""


@lru_cache(maxsize=1024)
def is_public(policy: str) -> bool:
    """Of the text of a valid policy."""
    return any(_is_public(statement) for statement in read(policy, Use.RESOURCE).statements)


def _is_public(statement: StatementText) -> bool:
    return statement.allow and _is_anybody(statement) and not any(map(_limits, statement.conditions))


def _is_anybody(statement: StatementText) -> bool:
    principals = statement.principals or {}
    return statement.negated_principals or "*" in principals.get("AWS", ())


def _limits(condition: Condition) -> bool:
    operator, key = condition.operator, condition.key.lower()
    if operator.negated or operator.if_exists or operator.quantifier is Quantifier.ALL:
        return False  # holds where the key is missing
    if operator.name == "IpAddress" and key == "aws:sourceip":
        return all(_is_narrow(value) for value in condition.values)
    return operator.name in FIXING_OPERATORS and key in FIXING_KEYS and all(_is_fixed(key, v) for v in condition.values)


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:principalarn" and value.count(":") >= 5:
        value = value.split(":")[4]  # naming the account is enough
    return bool(value) and not any(mark in value for mark in "*?$")


def _is_narrow(cidr: str) -> bool:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= WIDEST[network.version]
