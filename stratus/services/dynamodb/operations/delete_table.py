"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html"""

import sqlite3
from typing import TYPE_CHECKING

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_table
from stratus.services.dynamodb.catalog import State
from stratus.services.dynamodb.errors import table_in_use, validation
from stratus.services.dynamodb.shapes import check

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb


@operation("DeleteTable", on_table("dynamodb:DeleteTable"))
async def delete_table(service: "DynamoDb", call: Call) -> Result:
    """The table is gone for every operation at once; its rows are deleted in the background."""
    check("dynamodb", "DeleteTable", call.params)
    table = service.described_table(call)

    def alter(connection: sqlite3.Connection, state: State) -> None:
        if state["TableStatus"] == "DELETING":
            raise table_in_use(
                f"Attempt to change a resource which is still in use: Table is being deleted: {table.name}"
            )
        if state["DeletionProtectionEnabled"]:
            raise validation(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        state["TableStatus"] = "DELETING"
        stream = state.get("Stream")
        if stream and stream["Enabled"]:
            service.log.disable(connection, stream["Id"])

    changed = await service.catalog.change(table, alter)
    service.jobs.purge_table(changed)
    return {"TableDescription": service.description(changed, {})}
