"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html and its Describe.

Recorded: on one machine the data directory's backups are the owner's own; restoring to a point in time is refused by name.
"""

import sqlite3
from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_table
from stratus.services.dynamodb.catalog import State
from stratus.services.dynamodb.shapes import check
from stratus.wire.errors import AwsError

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

DEFAULT_DAYS = 35
DAY_SECONDS = 24 * 3600


@operation("UpdateContinuousBackups", on_table("dynamodb:UpdateContinuousBackups"))
async def update_continuous_backups(service: "DynamoDb", call: Call) -> Result:
    check("dynamodb", "UpdateContinuousBackups", call.params)
    wanted: dict[str, Any] = call.params["PointInTimeRecoverySpecification"]

    def alter(connection: sqlite3.Connection, state: State) -> None:
        days = wanted.get("RecoveryPeriodInDays") or DEFAULT_DAYS
        enabled = wanted["PointInTimeRecoveryEnabled"]
        state["PointInTimeRecovery"] = {"Days": days, "Since": call.now} if enabled else None

    changed = await service.catalog.change(_table(service, call), alter)
    return {"ContinuousBackupsDescription": _describe(changed.state, call.now)}


@operation("DescribeContinuousBackups", on_table("dynamodb:DescribeContinuousBackups"))
async def describe_continuous_backups(service: "DynamoDb", call: Call) -> Result:
    check("dynamodb", "DescribeContinuousBackups", call.params)
    return {"ContinuousBackupsDescription": _describe(_table(service, call).state, call.now)}


def _table(service: "DynamoDb", call: Call) -> Any:
    try:
        return service.described_table(call)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise AwsError("TableNotFoundException", f"Table not found: {call.params['TableName']}") from None


def _describe(state: State, now: float) -> dict[str, Any]:
    recovery = state.get("PointInTimeRecovery")
    described: dict[str, Any] = {"PointInTimeRecoveryStatus": "ENABLED" if recovery else "DISABLED"}
    if recovery:
        described |= {
            "RecoveryPeriodInDays": recovery["Days"],
            "EarliestRestorableDateTime": max(recovery["Since"], now - recovery["Days"] * DAY_SECONDS),
            "LatestRestorableDateTime": max(recovery["Since"], now - 300),
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": described}
