"""Tables: made, changed, described, deleted; and still there after a restart."""

from pathlib import Path
from typing import Any

import pytest
from harness import Harness

from stratus.wire.errors import AwsError

BY_COLOUR = {
    "IndexName": "by-colour",
    "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["size"]},
}
COLOUR = [{"AttributeName": "colour", "AttributeType": "S"}]


async def description(dynamodb: Harness) -> dict[str, Any]:
    described: dict[str, Any] = (await dynamodb("DescribeTable", TableName="things"))["Table"]
    return described


async def test_a_table_is_answered_as_creating_and_found_active(dynamodb: Harness) -> None:
    made = await dynamodb(
        "CreateTable",
        TableName="things",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert made["TableDescription"]["TableStatus"] == "CREATING"
    assert (await description(dynamodb))["TableStatus"] == "ACTIVE"
    with pytest.raises(AwsError) as error:
        await dynamodb.table()
    assert (error.value.code, error.value.message) == ("ResourceInUseException", "Table already exists: things")


async def test_a_new_index_fills_with_what_was_there_and_what_comes_meanwhile(dynamodb: Harness) -> None:
    await dynamodb.table()
    for number in range(450):
        colour: dict[str, Any] = {"S": "red"} if number % 3 else {"N": "1"}
        item = {"pk": {"S": f"old-{number}"}, "colour": colour, "size": {"N": "1"}, "left": {"S": "out"}}
        await dynamodb("PutItem", TableName="things", Item=item)
    changed = await dynamodb(
        "UpdateTable",
        TableName="things",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, *COLOUR],
        GlobalSecondaryIndexUpdates=[{"Create": BY_COLOUR}],
    )
    assert changed["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    with pytest.raises(AwsError, match="Cannot read from backfilling global secondary index: by-colour"):
        await dynamodb("Scan", TableName="things", IndexName="by-colour")
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "new"}, "colour": {"S": "red"}})
    await dynamodb("DeleteItem", TableName="things", Key={"pk": {"S": "old-449"}})
    await dynamodb.service.jobs.settled()
    assert (await description(dynamodb))["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    found = await dynamodb(
        "Query",
        TableName="things",
        IndexName="by-colour",
        KeyConditionExpression="colour = :c",
        ExpressionAttributeValues={":c": {"S": "red"}},
    )
    assert found["Count"] == 300
    assert all("left" not in item for item in found["Items"])


async def test_a_deleted_index_is_gone(dynamodb: Harness) -> None:
    await dynamodb.table(AttributeDefinitions=COLOUR, GlobalSecondaryIndexes=[BY_COLOUR])
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "a"}, "colour": {"S": "red"}})
    delete = [{"Delete": {"IndexName": "by-colour"}}]
    await dynamodb("UpdateTable", TableName="things", GlobalSecondaryIndexUpdates=delete)
    await dynamodb.service.jobs.settled()
    described = await description(dynamodb)
    assert "GlobalSecondaryIndexes" not in described
    assert described["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}]
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "a"}, "colour": {"N": "1"}})


async def test_a_protected_table_is_not_deleted(dynamodb: Harness) -> None:
    await dynamodb.table(DeletionProtectionEnabled=True)
    with pytest.raises(AwsError) as error:
        await dynamodb("DeleteTable", TableName="things")
    assert error.value.message == (
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
    )
    await dynamodb("UpdateTable", TableName="things", DeletionProtectionEnabled=False)
    deleted = await dynamodb("DeleteTable", TableName="things")
    assert deleted["TableDescription"]["TableStatus"] == "DELETING"


async def test_a_deleted_table_takes_its_rows_with_it_step_by_step(dynamodb: Harness) -> None:
    await dynamodb.table(AttributeDefinitions=COLOUR, GlobalSecondaryIndexes=[BY_COLOUR])
    for number in range(450):
        item = {"pk": {"S": str(number)}, "colour": {"S": "red"}}
        await dynamodb("PutItem", TableName="things", Item=item)
    await dynamodb("DeleteTable", TableName="things")
    with pytest.raises(AwsError, match="Requested resource not found"):
        await dynamodb("GetItem", TableName="things", Key={"pk": {"S": "1"}})
    await dynamodb.service.jobs.settled()
    with pytest.raises(AwsError, match="Table: things not found"):
        await dynamodb("DescribeTable", TableName="things")
    left = dynamodb.service.database.reader.execute(
        "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'items_%' OR name LIKE 'index_%'"
    ).fetchone()
    assert left == (0,)
    await dynamodb.table()


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    before = Harness(tmp_path)
    await before.service.start()
    await before.table(
        sort="N",
        AttributeDefinitions=COLOUR,
        GlobalSecondaryIndexes=[BY_COLOUR],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    await before(
        "UpdateTimeToLive", TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "t"}
    )
    await before("PutItem", TableName="things", Item={"pk": {"S": "a"}, "sk": {"N": "1"}, "colour": {"S": "red"}})
    await before("DeleteTable", TableName=await other(before))
    described = await description(before)
    await before.service.stop()

    after = Harness(tmp_path)
    await after.service.start()
    await after.service.jobs.settled()
    assert await description(after) == described
    assert (await after("ListTables"))["TableNames"] == ["things"]
    assert (await after("Scan", TableName="things", IndexName="by-colour"))["Count"] == 1
    ttl = await after("DescribeTimeToLive", TableName="things")
    assert ttl["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "t"}
    assert (await after("ListTagsOfResource", ResourceArn=described["TableArn"]))["Tags"] == [
        {"Key": "a", "Value": "b"}
    ]
    await after.service.stop()


async def other(dynamodb: Harness) -> str:
    """A table whose deletion the restart may find unfinished."""
    await dynamodb.table("other")
    await dynamodb("PutItem", TableName="other", Item={"pk": {"S": "a"}})
    return "other"


async def test_names_are_listed_a_page_at_a_time(dynamodb: Harness) -> None:
    for name in ("one", "two", "three"):
        await dynamodb.table(name)
    first = await dynamodb("ListTables", Limit=2)
    assert first == {"TableNames": ["one", "three"], "LastEvaluatedTableName": "three"}
    assert await dynamodb("ListTables", ExclusiveStartTableName="three") == {"TableNames": ["two"]}


async def test_point_in_time_recovery_and_tags_and_policies_are_kept(dynamodb: Harness) -> None:
    await dynamodb.table()
    arn = (await description(dynamodb))["TableArn"]
    on = {"PointInTimeRecoveryEnabled": True}
    await dynamodb("UpdateContinuousBackups", TableName="things", PointInTimeRecoverySpecification=on)
    backups = await dynamodb("DescribeContinuousBackups", TableName="things")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert (recovery["PointInTimeRecoveryStatus"], recovery["RecoveryPeriodInDays"]) == ("ENABLED", 35)
    await dynamodb("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    await dynamodb("UntagResource", ResourceArn=arn, TagKeys=["a"])
    assert (await dynamodb("ListTagsOfResource", ResourceArn=arn))["Tags"] == [{"Key": "b", "Value": "2"}]
    policy = '{"Version":"2012-10-17","Statement":[]}'
    put = await dynamodb("PutResourcePolicy", ResourceArn=arn, Policy=policy)
    assert await dynamodb("GetResourcePolicy", ResourceArn=arn) == {"Policy": policy, **put}
    assert dynamodb.service.resource_policy(f"{arn}/index/x") == policy
    await dynamodb("DeleteResourcePolicy", ResourceArn=arn)
    with pytest.raises(AwsError) as error:
        await dynamodb("GetResourcePolicy", ResourceArn=arn)
    assert error.value.code == "PolicyNotFoundException"


BAD_TABLES: list[tuple[dict[str, Any], str]] = [
    ({"BillingMode": None}, "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    ({"KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]}, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    ({"KeySchema": [{"AttributeName": "no", "KeyType": "HASH"}]}, "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [no], AttributeDefinitions: [pk]"),
    ({"LocalSecondaryIndexes": []}, "One or more parameter values were invalid: List of LocalSecondaryIndexes is empty"),
    ({"TableName": "x"}, "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"),
    ({"TableName": "a/b/c"}, "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"),
    ({"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "X"}]}, "1 validation error detected: Value 'X' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [S, N, B]"),
    ({"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, *COLOUR]}, "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BAD_TABLES)
async def test_a_bad_table_is_refused(dynamodb: Harness, change: dict[str, Any], message: str) -> None:
    wanted = {
        "TableName": "things",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    with pytest.raises(AwsError) as error:
        await dynamodb("CreateTable", **wanted | change)
    assert error.value.message == message


async def test_deleting_an_index_goes_on_after_a_restart(tmp_path: Path) -> None:
    """GIVEN a deletion that a crash cut off WHEN it starts again THEN the index goes, and writes never miss its rows."""
    before = Harness(tmp_path)
    await before.table(AttributeDefinitions=COLOUR, GlobalSecondaryIndexes=[BY_COLOUR])
    await before("PutItem", TableName="things", Item={"pk": {"S": "a"}, "colour": {"S": "red"}})
    before.service.jobs.settle_indexes = lambda table: None  # type: ignore[method-assign]
    delete = [{"Delete": {"IndexName": "by-colour"}}]
    await before("UpdateTable", TableName="things", GlobalSecondaryIndexUpdates=delete)
    await before("PutItem", TableName="things", Item={"pk": {"S": "b"}, "colour": {"S": "red"}})
    await before.service.stop()

    after = Harness(tmp_path)
    await after.service.start()
    await after.service.jobs.settled()
    await after("PutItem", TableName="things", Item={"pk": {"S": "c"}, "colour": {"S": "red"}})
    assert "GlobalSecondaryIndexes" not in await description(after)
    await after.service.stop()
