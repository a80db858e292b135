"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"""

import sqlite3
import uuid
from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import rows
from stratus.services.dynamodb.access import on_table
from stratus.services.dynamodb.catalog import State, table_name
from stratus.services.dynamodb.definitions import check_table
from stratus.services.dynamodb.description import stream_label
from stratus.services.dynamodb.errors import table_in_use
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.table import Table

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

REFUSED = ("ResourcePolicy", "WarmThroughput", "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode")


@operation("CreateTable", on_table("dynamodb:CreateTable"))
async def create_table(service: "DynamoDb", call: Call) -> Result:
    """A new table. It is answered as CREATING and can be used at once."""
    request = call.params
    check("dynamodb", "CreateTable", request, REFUSED)
    name = table_name(request["TableName"], call.region, call.account)
    check_table(request)
    if service.catalog.find(name) is not None:
        raise table_in_use(f"Table already exists: {name}")
    state = _state(request, name, call.now)
    stream = state.get("Stream")

    def make(connection: sqlite3.Connection, table: Table) -> None:
        rows.create_rows(connection, table)

    def prepare(connection: sqlite3.Connection) -> None:
        if stream is not None:
            stream["Id"] = service.log.create(connection, name, stream["Label"], stream["ViewType"], state["KeySchema"])

    table = await service.catalog.create(state, prepare, make)
    described = service.description(table, {})
    return {"TableDescription": described | {"TableStatus": "CREATING"}}


def _state(request: dict[str, Any], name: str, now: float) -> State:
    state: State = {
        "TableName": name,
        "TableId": str(uuid.uuid4()),
        "TableStatus": "ACTIVE",
        "CreationDateTime": now,
        "AttributeDefinitions": request["AttributeDefinitions"],
        "KeySchema": request["KeySchema"],
        "BillingMode": request.get("BillingMode") or "PROVISIONED",
        "DeletionProtectionEnabled": request.get("DeletionProtectionEnabled") is True,
        "Tags": request.get("Tags") or [],
    }
    if state["BillingMode"] == "PAY_PER_REQUEST":
        state["OnDemandSince"] = now
    number = 0
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if request.get(kind):
            state[kind] = []
            for index in request[kind]:
                number += 1
                state[kind].append(index_state(index, number, "ACTIVE"))
    state["IndexNumbers"] = number
    for member in ("ProvisionedThroughput", "OnDemandThroughput"):
        if request.get(member):
            state[member] = request[member]
    if request.get("TableClass"):
        state["TableClassSummary"] = {"TableClass": request["TableClass"]}
    if (request.get("SSESpecification") or {}).get("Enabled"):
        state["SSEDescription"] = sse_description(request["SSESpecification"])
    specification = request.get("StreamSpecification") or {}
    if specification.get("StreamEnabled"):
        state["Stream"] = stream_state(specification, now)
    return state


def index_state(index: dict[str, Any], number: int, status: str) -> dict[str, Any]:
    kept = {
        name: index[name]
        for name in ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")
        if index.get(name) is not None
    }
    return kept | {"Number": number, "IndexStatus": status}


def sse_description(specification: dict[str, Any]) -> dict[str, Any]:
    """Recorded: on one machine the disk's encryption is the owner's own."""
    described = {"Status": "ENABLED", "SSEType": specification.get("SSEType") or "KMS"}
    if specification.get("KMSMasterKeyId"):
        described["KMSMasterKeyArn"] = specification["KMSMasterKeyId"]
    return described


def stream_state(specification: dict[str, Any], now: float) -> dict[str, Any]:
    return {"Enabled": True, "ViewType": specification["StreamViewType"], "Label": stream_label(now)}
