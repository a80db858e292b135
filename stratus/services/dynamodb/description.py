"""`TableDescription`, as every control-plane operation answers it."""

from datetime import UTC, datetime
from typing import Any

from stratus.services.dynamodb.catalog import State


def describe(state: State, arn: str, counts: "dict[str, tuple[int, int]]") -> dict[str, Any]:
    """From a table's state, its ARN, and items and bytes by index name ("" is the table)."""
    items, size = counts.get("", (0, 0))
    described: dict[str, Any] = {
        "AttributeDefinitions": state["AttributeDefinitions"],
        "TableName": state["TableName"],
        "KeySchema": state["KeySchema"],
        "TableStatus": state["TableStatus"],
        "CreationDateTime": state["CreationDateTime"],
        "ProvisionedThroughput": throughput(state.get("ProvisionedThroughput")),
        "TableSizeBytes": size,
        "ItemCount": items,
        "TableArn": arn,
        "TableId": state["TableId"],
        "DeletionProtectionEnabled": state["DeletionProtectionEnabled"],
    }
    if state.get("BillingMode") == "PAY_PER_REQUEST":
        described["BillingModeSummary"] = {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": state["OnDemandSince"],
        }
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if state.get(kind):
            described[kind] = [_index(index, kind, arn, counts) for index in state[kind]]
    stream = state.get("Stream")
    if stream:
        if stream["Enabled"]:
            described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["ViewType"]}
        described["LatestStreamLabel"] = stream["Label"]
        described["LatestStreamArn"] = f"{arn}/stream/{stream['Label']}"
    for name in ("SSEDescription", "OnDemandThroughput", "TableClassSummary"):
        if state.get(name):
            described[name] = state[name]
    return described


def _index(index: dict[str, Any], kind: str, arn: str, counts: "dict[str, tuple[int, int]]") -> dict[str, Any]:
    items, size = counts.get(index["IndexName"], (0, 0))
    described = {
        "IndexName": index["IndexName"],
        "KeySchema": index["KeySchema"],
        "Projection": index["Projection"],
        "IndexSizeBytes": size,
        "ItemCount": items,
        "IndexArn": f"{arn}/index/{index['IndexName']}",
    }
    if kind == "GlobalSecondaryIndexes":
        described["IndexStatus"] = index["IndexStatus"]
        described["ProvisionedThroughput"] = throughput(index.get("ProvisionedThroughput"))
        if index["IndexStatus"] == "CREATING":
            described["Backfilling"] = True
    return described


def throughput(given: dict[str, int] | None) -> dict[str, int]:
    """Nothing is throttled: what was provisioned is told back. On-demand tables show zeros, as on AWS."""
    units = given or {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": units["ReadCapacityUnits"],
        "WriteCapacityUnits": units["WriteCapacityUnits"],
    }


def stream_label(now: float) -> str:
    """`2015-05-20T20:51:10.252`, the moment a stream was made."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
