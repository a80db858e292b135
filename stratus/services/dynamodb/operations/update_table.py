"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html"""

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import rows
from stratus.services.dynamodb.access import on_table
from stratus.services.dynamodb.catalog import State
from stratus.services.dynamodb.definitions import (
    MAX_GLOBAL_INDEXES,
    check_billing,
    check_global_index,
    check_names_and_projections,
)
from stratus.services.dynamodb.errors import invalid_parameter, table_in_use, validation
from stratus.services.dynamodb.operations.create_table import index_state, sse_description, stream_state
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.table import Table
from stratus.wire.errors import AwsError

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

REFUSED = (
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
    "WarmThroughput",
    "GlobalTableSettingsReplicationMode",
)
UPDATES = (
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexUpdates",
    "StreamSpecification",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
)


@operation("UpdateTable", on_table("dynamodb:UpdateTable"))
async def update_table(service: "DynamoDb", call: Call) -> Result:
    """Changes what a table is: its stream, its global indexes, its billing, its protection."""
    request = call.params
    check("dynamodb", "UpdateTable", request, REFUSED)
    table = service.described_table(call)
    if not any(request.get(name) not in (None, []) for name in UPDATES):
        raise validation("Nothing to update")

    _check_one_index(request.get("GlobalSecondaryIndexUpdates") or ())

    def alter(connection: sqlite3.Connection, state: State) -> None:
        if state["TableStatus"] != "ACTIVE":
            raise table_in_use(
                f"Attempt to change a resource which is still in use: Table is being deleted: {table.name}"
            )
        _update_settings(request, state, call.now)
        if request.get("StreamSpecification") is not None:
            _update_stream(service, connection, state, request["StreamSpecification"], call.now)
        for update in request.get("GlobalSecondaryIndexUpdates") or ():
            _update_index(state, update, request.get("AttributeDefinitions") or [])

    def make(connection: sqlite3.Connection, changed: Table) -> None:
        for index in changed.indexes:
            if index.status == "CREATING":
                rows.create_index_rows(connection, changed, index)

    changed = await service.catalog.change(table, alter, make)
    service.jobs.settle_indexes(changed)
    return {"TableDescription": service.description(changed, await service.counts(changed))}


def _check_one_index(updates: Iterable[dict[str, Any]]) -> None:
    if sum(1 for update in updates if update.get("Create") or update.get("Delete")) > 1:
        raise AwsError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )


def _update_settings(request: dict[str, Any], state: State, now: float) -> None:
    billing, throughput = request.get("BillingMode"), request.get("ProvisionedThroughput")
    if billing is not None or throughput is not None:
        mode = billing or state["BillingMode"]
        check_billing({"BillingMode": mode, "ProvisionedThroughput": throughput})
        if mode == "PAY_PER_REQUEST" and state["BillingMode"] != mode:
            state["OnDemandSince"] = now
        state["BillingMode"] = mode
        state["ProvisionedThroughput"] = throughput
    if request.get("DeletionProtectionEnabled") is not None:
        state["DeletionProtectionEnabled"] = request["DeletionProtectionEnabled"]
    if request.get("TableClass") is not None:
        state["TableClassSummary"] = {"TableClass": request["TableClass"], "LastUpdateDateTime": now}
    if request.get("OnDemandThroughput") is not None:
        state["OnDemandThroughput"] = request["OnDemandThroughput"]
    encryption = request.get("SSESpecification")
    if encryption is not None:
        state["SSEDescription"] = sse_description(encryption) if encryption.get("Enabled") else None


def _update_stream(
    service: "DynamoDb", connection: sqlite3.Connection, state: State, specification: dict[str, Any], now: float
) -> None:
    stream = state.get("Stream")
    enabled = bool(stream and stream["Enabled"])
    if not specification["StreamEnabled"]:
        if not enabled:
            raise validation("Table has no stream to disable")
        assert stream is not None
        stream["Enabled"] = False
        service.log.disable(connection, stream["Id"])
        return
    if enabled:
        raise validation("Table already has an enabled stream")
    made = stream_state(specification, now)
    made["Id"] = service.log.create(connection, state["TableName"], made["Label"], made["ViewType"], state["KeySchema"])
    state["Stream"] = made


def _update_index(state: State, update: dict[str, Any], definitions: list[dict[str, str]]) -> None:
    given = [kind for kind in ("Create", "Delete", "Update") if update.get(kind) is not None]
    if len(given) != 1:
        raise invalid_parameter("One of GlobalSecondaryIndexUpdate's Create, Delete and Update must be present")
    (kind,) = given
    existing = state.get("GlobalSecondaryIndexes") or []
    busy = next((index["IndexName"] for index in existing if index["IndexStatus"] != "ACTIVE"), None)
    if busy is not None:
        raise table_in_use(
            f"Attempt to change a resource which is still in use: Index is being created or deleted: {busy}"
        )
    if kind == "Create":
        _create_index(state, update["Create"], definitions)
        return
    index = next((each for each in existing if each["IndexName"] == update[kind]["IndexName"]), None)
    if index is None:
        raise AwsError("ResourceNotFoundException", "Requested resource not found")
    if kind == "Delete":
        index["IndexStatus"] = "DELETING"
    else:
        index["ProvisionedThroughput"] = update["Update"].get("ProvisionedThroughput")


def _create_index(state: State, index: dict[str, Any], definitions: list[dict[str, str]]) -> None:
    known = {each["AttributeName"]: each for each in state["AttributeDefinitions"]}
    for each in definitions:
        if known.get(each["AttributeName"], each) != each:
            raise invalid_parameter(f"Attribute {each['AttributeName']} is already defined with another type")
    known |= {each["AttributeName"]: each for each in definitions}
    check_global_index(index, list(known), state["BillingMode"])
    existing = state.get("GlobalSecondaryIndexes") or []
    if len(existing) == MAX_GLOBAL_INDEXES:
        raise AwsError(
            "LimitExceededException",
            f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}",
        )
    check_names_and_projections([*(state.get("LocalSecondaryIndexes") or []), *existing, index])
    state["IndexNumbers"] += 1
    state["GlobalSecondaryIndexes"] = [*existing, index_state(index, state["IndexNumbers"], "CREATING")]
    used = {
        element["AttributeName"]
        for schema in (
            state["KeySchema"],
            *(
                each["KeySchema"]
                for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
                for each in state.get(kind) or ()
            ),
        )
        for element in schema
    }
    state["AttributeDefinitions"] = [each for name, each in known.items() if name in used]
