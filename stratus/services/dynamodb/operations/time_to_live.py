"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html and API_DescribeTimeToLive.html"""

import sqlite3
from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_table
from stratus.services.dynamodb.catalog import State
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.shapes import check

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb


@operation("UpdateTimeToLive", on_table("dynamodb:UpdateTimeToLive"))
async def update_time_to_live(service: "DynamoDb", call: Call) -> Result:
    """Names the attribute that holds the second after which an item is deleted, or stops deleting."""
    check("dynamodb", "UpdateTimeToLive", call.params)
    wanted: dict[str, Any] = call.params["TimeToLiveSpecification"]
    table = service.described_table(call)

    def alter(connection: sqlite3.Connection, state: State) -> None:
        current = state.get("TtlAttribute")
        if current is None and not wanted["Enabled"]:
            raise validation("TimeToLive is already disabled")
        if current is not None and current != wanted["AttributeName"]:
            raise validation("TimeToLive is active on a different AttributeName")
        if current is not None and wanted["Enabled"]:
            raise validation("TimeToLive is already enabled")
        state["TtlAttribute"] = wanted["AttributeName"] if wanted["Enabled"] else None
        state["TtlUnread"] = wanted["Enabled"]

    changed = await service.catalog.change(table, alter)
    if wanted["Enabled"]:
        service.jobs.read_expiries(changed)
    return {"TimeToLiveSpecification": wanted}


@operation("DescribeTimeToLive", on_table("dynamodb:DescribeTimeToLive"))
async def describe_time_to_live(service: "DynamoDb", call: Call) -> Result:
    check("dynamodb", "DescribeTimeToLive", call.params)
    attribute = service.described_table(call).ttl_attribute
    if attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}
