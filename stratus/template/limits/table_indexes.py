"""What DynamoDB takes of a table's indexes: AWS::DynamoDB::Table."""

from collections.abc import Iterator, Mapping
from typing import Any

from stratus.template.limits.limit import Finding, Limit, items, known, mapping

MAX_PROJECTED = 100
_KINDS = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def _local_keys(properties: Mapping[str, Any]) -> Iterator[Finding]:
    own = _keys(properties)
    for index, local in items(properties.get("LocalSecondaryIndexes")):
        where = ("LocalSecondaryIndexes", index, "KeySchema")
        keys = _keys(local)
        if "RANGE" not in own:
            yield where, "a table without a sort key has no local secondary indexes"
        elif None not in (own.get("HASH"), keys.get("HASH")) and own["HASH"] != keys["HASH"]:
            yield where, f"a local secondary index has the partition key of its table, {own['HASH']}"


def _keys(described: Mapping[str, Any]) -> dict[str, Any]:
    return {str(each.get("KeyType")): known(each.get("AttributeName")) for _, each in items(described.get("KeySchema"))}


def _projected(properties: Mapping[str, Any]) -> Iterator[Finding]:
    total = 0
    for kind in _KINDS:
        for index, described in items(properties.get(kind)):
            attributes = mapping(described.get("Projection")).get("NonKeyAttributes")
            total += len(attributes) if isinstance(attributes, list) else 0
            if total > MAX_PROJECTED:
                where = (kind, index, "Projection", "NonKeyAttributes")
                yield where, f"all indexes of a table together project at most {MAX_PROJECTED} attributes by name"
                return


_TYPE = "AWS::DynamoDB::Table"
LIMITS = (
    Limit(
        "E9011",
        "A local secondary index has its table's partition key, and the table a sort key",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html",
        _TYPE,
        _local_keys,
    ),
    Limit(
        "E9012",
        "All indexes of a table together project at most 100 attributes by name",
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Projection.html",
        _TYPE,
        _projected,
    ),
)
