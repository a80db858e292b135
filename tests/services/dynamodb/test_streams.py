"""Stream records and time to live."""

from pathlib import Path
from typing import Any

import pytest
from harness import Harness

from stratus.services.dynamodb.stream_api import DynamoDbStreams
from stratus.wire.errors import AwsError

KEY = {"pk": {"S": "a"}}


def streaming(view: str = "NEW_AND_OLD_IMAGES") -> dict[str, Any]:
    return {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}}


class Reader:
    """Reads the one stream of a table."""

    def __init__(self, dynamodb: Harness) -> None:
        self._dynamodb = dynamodb
        self._service = DynamoDbStreams(dynamodb.service)

    async def __call__(self, operation: str, **params: Any) -> Any:
        return await self._dynamodb(operation, self._service, **params)

    async def iterator(self, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        (stream,) = (await self("ListStreams", TableName="things"))["Streams"]
        described = (await self("DescribeStream", StreamArn=stream["StreamArn"]))["StreamDescription"]
        (shard,) = described["Shards"]
        made = await self(
            "GetShardIterator",
            StreamArn=stream["StreamArn"],
            ShardId=shard["ShardId"],
            ShardIteratorType=kind,
            **more,
        )
        return str(made["ShardIterator"])

    async def records(self, kind: str = "TRIM_HORIZON", **more: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self("GetRecords", ShardIterator=await self.iterator(kind, **more)))[
            "Records"
        ]
        return found


async def change_thrice(dynamodb: Harness) -> None:
    await dynamodb("PutItem", TableName="things", Item={**KEY, "n": {"N": "1"}})
    await dynamodb("PutItem", TableName="things", Item={**KEY, "n": {"N": "2"}})
    await dynamodb("DeleteItem", TableName="things", Key=KEY)


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"])
async def test_each_change_is_told_with_the_images_of_the_view(dynamodb: Harness, view: str) -> None:
    await dynamodb.table(**streaming(view))
    await change_thrice(dynamodb)
    records = await Reader(dynamodb).records()
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    first, second = {**KEY, "n": {"N": "1"}}, {**KEY, "n": {"N": "2"}}
    new = [record["dynamodb"].get("NewImage") for record in records]
    old = [record["dynamodb"].get("OldImage") for record in records]
    assert new == ([first, second, None] if "NEW" in view else [None] * 3)
    assert old == ([None, first, second] if "OLD" in view else [None] * 3)
    assert all(record["dynamodb"]["Keys"] == KEY for record in records)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(set(numbers))
    assert all(21 <= len(number) <= 40 for number in numbers)


async def test_a_write_that_changes_nothing_is_not_told(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    for _ in range(2):
        await dynamodb("PutItem", TableName="things", Item=KEY)
        await dynamodb("UpdateItem", TableName="things", Key=KEY)
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "b"}, "x": {"S": "1"}, "y": {"S": "2"}})
    await dynamodb("PutItem", TableName="things", Item={"y": {"S": "2"}, "x": {"S": "1"}, "pk": {"S": "b"}})
    await dynamodb("DeleteItem", TableName="things", Key={"pk": {"S": "not there"}})
    assert len(await Reader(dynamodb).records()) == 2


async def test_a_cancelled_transaction_is_not_told(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    put = {"Put": {"TableName": "things", "Item": KEY}}
    check = {
        "ConditionCheck": {
            "TableName": "things",
            "Key": {"pk": {"S": "b"}},
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with pytest.raises(AwsError):
        await dynamodb("TransactWriteItems", TransactItems=[put, check])
    assert await Reader(dynamodb).records() == []


async def test_iterators_start_where_they_say(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    await change_thrice(dynamodb)
    reader = Reader(dynamodb)
    records = await reader.records()
    second = records[1]["dynamodb"]["SequenceNumber"]
    assert await reader.records("AT_SEQUENCE_NUMBER", SequenceNumber=second) == records[1:]
    assert await reader.records("AFTER_SEQUENCE_NUMBER", SequenceNumber=second) == records[2:]
    latest = await reader.iterator("LATEST")
    await dynamodb("PutItem", TableName="things", Item=KEY)
    assert len((await reader("GetRecords", ShardIterator=latest))["Records"]) == 1
    page = await reader("GetRecords", ShardIterator=await reader.iterator(), Limit=3)
    rest = await reader("GetRecords", ShardIterator=page["NextShardIterator"])
    assert (len(page["Records"]), len(rest["Records"])) == (3, 1)


async def test_one_answer_holds_about_a_megabyte(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    for number in range(8):
        await dynamodb("PutItem", TableName="things", Item={"pk": {"S": str(number)}, "v": {"S": "x" * 300_000}})
    reader = Reader(dynamodb)
    sizes, iterator = [], await reader.iterator()
    while sum(sizes) < 8:
        page = await reader("GetRecords", ShardIterator=iterator)
        sizes.append(len(page["Records"]))
        iterator = page["NextShardIterator"]
    assert sizes == [4, 4]


async def test_records_are_kept_for_24_hours(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    await dynamodb("PutItem", TableName="things", Item=KEY)
    reader = Reader(dynamodb)
    old = (await reader.records())[0]["dynamodb"]["SequenceNumber"]
    dynamodb.clock.advance(23 * 3600)
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "b"}})
    assert len(await reader.records()) == 2
    dynamodb.clock.advance(3601)
    assert len(await reader.records()) == 1
    with pytest.raises(AwsError) as error:
        await reader.iterator("AT_SEQUENCE_NUMBER", SequenceNumber=old)
    assert error.value.code == "TrimmedDataAccessException"
    await dynamodb.service.jobs.sweep()
    (stream,) = dynamodb.service.database.reader.execute("SELECT id FROM streams").fetchone()
    left = dynamodb.service.database.reader.execute(f"SELECT COUNT(*) FROM stream_{stream}").fetchone()
    assert left == (1,)


async def test_iterators_expire_and_cannot_be_made_up(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    reader = Reader(dynamodb)
    iterator = await reader.iterator()
    dynamodb.clock.advance(901)
    with pytest.raises(AwsError, match="ExpiredIteratorException"):
        await reader("GetRecords", ShardIterator=iterator)
    for made_up in ("x", "bm9uc2Vuc2U=", "W10=", "é"):
        with pytest.raises(AwsError, match="Invalid ShardIterator"):
            await reader("GetRecords", ShardIterator=made_up)


async def test_a_disabled_stream_can_be_read_to_its_end(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    await dynamodb("PutItem", TableName="things", Item=KEY)
    await dynamodb("UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": False})
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "unseen"}})
    reader = Reader(dynamodb)
    page = await reader("GetRecords", ShardIterator=await reader.iterator())
    assert len(page["Records"]) == 1
    assert await reader("GetRecords", ShardIterator=page["NextShardIterator"]) == {"Records": []}
    dynamodb.clock.advance(24 * 3600 + 1)
    assert (await reader("ListStreams"))["Streams"] == []
    await dynamodb.service.jobs.sweep()


async def test_sequence_numbers_grow_across_restarts(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        dynamodb = Harness(tmp_path)
        if not numbers:
            await dynamodb.table(**streaming())
        await dynamodb("PutItem", TableName="things", Item={**KEY, "n": {"N": str(len(numbers))}})
        numbers = [record["dynamodb"]["SequenceNumber"] for record in await Reader(dynamodb).records()]
        await dynamodb.service.stop()
    assert len(numbers) == 3
    assert numbers == sorted(set(numbers))


async def test_an_expired_item_goes_and_the_stream_says_who_did_it(dynamodb: Harness) -> None:
    await dynamodb.table(**streaming())
    now = dynamodb.clock.now()
    expiries = {"past": now - 1, "future": now + 100, "long past": now - 6 * 365 * 24 * 3600}
    for name, expires in expiries.items():
        item = {"pk": {"S": name}, "ttl": {"N": str(int(expires))}}
        await dynamodb("PutItem", TableName="things", Item=item)
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "text"}, "ttl": {"S": "1"}})
    specification = {"Enabled": True, "AttributeName": "ttl"}
    await dynamodb("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=specification)
    await dynamodb.service.jobs.settled()

    async def left() -> set[str]:
        return {item["pk"]["S"] for item in (await dynamodb("Scan", TableName="things"))["Items"]}

    await dynamodb.service.jobs.sweep()
    assert await left() == {"future", "long past", "text"}
    dynamodb.clock.advance(101)
    await dynamodb.service.jobs.sweep()
    assert await left() == {"long past", "text"}
    removed = [record for record in await Reader(dynamodb).records() if record["eventName"] == "REMOVE"]
    assert [record["userIdentity"] for record in removed] == [
        {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    ] * 2


async def test_an_item_that_was_given_more_time_stays(dynamodb: Harness) -> None:
    await dynamodb.table()
    specification = {"Enabled": True, "AttributeName": "ttl"}
    await dynamodb("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=specification)
    soon, later = str(int(dynamodb.clock.now()) + 10), str(int(dynamodb.clock.now()) + 1000)
    await dynamodb("PutItem", TableName="things", Item={**KEY, "ttl": {"N": soon}})
    await dynamodb(
        "UpdateItem",
        TableName="things",
        Key=KEY,
        UpdateExpression="SET #t = :t",
        ExpressionAttributeNames={"#t": "ttl"},
        ExpressionAttributeValues={":t": {"N": later}},
    )
    dynamodb.clock.advance(100)
    await dynamodb.service.jobs.sweep()
    assert (await dynamodb("Scan", TableName="things"))["Count"] == 1
