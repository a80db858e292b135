"""AWS::DynamoDB::Table."""

import asyncio
from collections.abc import Callable
from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site, changed, picked
from stratus.wire.errors import AwsError

_POLL_SECONDS = 0.05
_POLLS = 12_000
_AS_THEY_ARE = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "LocalSecondaryIndexes",
    "DeletionProtectionEnabled",
)
_INDEX = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")


class Table(ResourceType):
    type = "AWS::DynamoDB::Table"
    name_property = "TableName"
    name_limit = 255

    async def exists(self, site: Site, name: str) -> bool:
        return await site.call_if_there("dynamodb", "DescribeTable", TableName=name) is not None

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Keys and local indexes are made with the table; so is the type of an attribute that is there already.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
        """
        different = changed(old, new)
        return (
            super().replaces(old, new)
            or bool(different & {"KeySchema", "LocalSecondaryIndexes"})
            or _attribute_edited(old, new)
        )

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        wanted = picked(properties, _AS_THEY_ARE)
        if "BillingMode" not in wanted:
            wanted["BillingMode"] = "PROVISIONED"
        if indexes := properties.get("GlobalSecondaryIndexes"):
            wanted["GlobalSecondaryIndexes"] = [picked(index, _INDEX) for index in indexes]
        if stream := properties.get("StreamSpecification"):
            wanted["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
        answer = await site.call("dynamodb", "CreateTable", TableName=name, **wanted)
        if properties.get("TimeToLiveSpecification", {}).get("Enabled"):
            await _set_time_to_live(site, name, properties["TimeToLiveSpecification"], enabled=True)
        return _made(name, answer["TableDescription"])

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        different = changed(old, new)
        if different & {"BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled"}:
            await site.call(
                "dynamodb",
                "UpdateTable",
                TableName=physical_id,
                BillingMode=new.get("BillingMode", "PROVISIONED"),
                ProvisionedThroughput=new.get("ProvisionedThroughput")
                if new.get("BillingMode") != "PAY_PER_REQUEST"
                else None,
                DeletionProtectionEnabled=new.get("DeletionProtectionEnabled", False),
            )
        # From here on what counts is how the table is: when a change is taken back, only a part of it may have been done,
        # and what it began (an index that is being deleted) may still go on.
        table = await _until(site, physical_id, _is_active) or {}
        if "StreamSpecification" in different:
            await _change_stream(site, physical_id, table, new)
        if "GlobalSecondaryIndexes" in different:
            await _change_indexes(site, physical_id, table, old, new)
        if "TimeToLiveSpecification" in different:
            await _change_time_to_live(site, physical_id, new)
        return _made(physical_id, (await site.call("dynamodb", "DescribeTable", TableName=physical_id))["Table"])

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        if await site.call_if_there("dynamodb", "DeleteTable", TableName=physical_id):
            await _until(site, physical_id, lambda table: table is None)

    async def erase(self, site: Site, physical_id: str, properties: Properties) -> None:
        if properties.get("DeletionProtectionEnabled"):
            await site.call_if_there("dynamodb", "UpdateTable", TableName=physical_id, DeletionProtectionEnabled=False)
        await self.delete(site, physical_id, properties)


def _made(name: str, description: dict[str, Any]) -> Made:
    attributes = {"Arn": description["TableArn"]}
    if "LatestStreamArn" in description:
        attributes["StreamArn"] = description["LatestStreamArn"]
    return Made(name, attributes)


def _attribute_edited(old: Properties, new: Properties) -> bool:
    before, after = (
        {each["AttributeName"]: each["AttributeType"] for each in side.get("AttributeDefinitions", [])}
        for side in (old, new)
    )
    return any(after.get(name, kind) != kind for name, kind in before.items())


async def _change_stream(site: Site, name: str, table: dict[str, Any], new: Properties) -> None:
    """A stream's view cannot be changed: it is turned off, and a new one on."""
    current = table.get("StreamSpecification", {})
    wanted = new.get("StreamSpecification", {})
    if current.get("StreamEnabled") and current["StreamViewType"] == wanted.get("StreamViewType"):
        return
    if current.get("StreamEnabled"):
        await site.call("dynamodb", "UpdateTable", TableName=name, StreamSpecification={"StreamEnabled": False})
    if wanted:
        view = {"StreamEnabled": True, "StreamViewType": wanted["StreamViewType"]}
        await site.call("dynamodb", "UpdateTable", TableName=name, StreamSpecification=view)


async def _change_indexes(site: Site, name: str, table: dict[str, Any], old: Properties, new: Properties) -> None:
    """One index a call, as DynamoDB asks for; one whose keys or projection changed is made anew."""
    there = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}
    before, after = (
        {index["IndexName"]: picked(index, _INDEX) for index in side.get("GlobalSecondaryIndexes", [])}
        for side in (old, new)
    )
    remade = {
        index
        for index in before.keys() & after.keys()
        if changed(before[index], after[index]) - {"ProvisionedThroughput"}
    }
    kept = there & after.keys() - remade
    updates: list[dict[str, Any]] = [{"Delete": {"IndexName": index}} for index in sorted(there - kept)]
    updates += [
        {"Update": {"IndexName": index, "ProvisionedThroughput": after[index]["ProvisionedThroughput"]}}
        for index in sorted(kept)
        if before.get(index) != after[index] and "ProvisionedThroughput" in after[index]
    ]
    updates += [{"Create": wanted} for index, wanted in after.items() if index not in kept]
    for update in updates:
        await site.call(
            "dynamodb",
            "UpdateTable",
            TableName=name,
            AttributeDefinitions=new["AttributeDefinitions"] if "Create" in update else None,
            GlobalSecondaryIndexUpdates=[update],
        )
        await _until(site, name, _is_active)


def _is_active(table: dict[str, Any] | None) -> bool:
    if table is None:
        return True
    parts = [table, *table.get("GlobalSecondaryIndexes", [])]
    return all(part.get("TableStatus", part.get("IndexStatus", "ACTIVE")) == "ACTIVE" for part in parts)


async def _until(site: Site, name: str, reached: Callable[[dict[str, Any] | None], bool]) -> dict[str, Any] | None:
    """Waits for DynamoDB to finish what it goes on with after it answered: filling an index, deleting items. The table as it is then."""
    for _ in range(_POLLS):
        answer = await site.call_if_there("dynamodb", "DescribeTable", TableName=name)
        table: dict[str, Any] | None = answer and answer["Table"]
        if reached(table):
            return table
        await asyncio.sleep(_POLL_SECONDS)  # work under way takes its own time, whatever the cloud's clock says
    raise AwsError(
        "NotStabilized", f"Table {name} did not reach the wanted state in {_POLLS * _POLL_SECONDS:.0f} seconds."
    )


async def _change_time_to_live(site: Site, name: str, new: Properties) -> None:
    answer = await site.call("dynamodb", "DescribeTimeToLive", TableName=name)
    current = answer["TimeToLiveDescription"]
    wanted = new.get("TimeToLiveSpecification", {})
    is_on = current["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    if is_on and wanted.get("Enabled") and current["AttributeName"] == wanted["AttributeName"]:
        return
    if is_on:
        await _set_time_to_live(site, name, current, enabled=False)
    if wanted.get("Enabled"):
        await _set_time_to_live(site, name, wanted, enabled=True)


async def _set_time_to_live(site: Site, name: str, specification: Properties, *, enabled: bool) -> None:
    setting = {"AttributeName": specification["AttributeName"], "Enabled": enabled}
    await site.call("dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=setting)
