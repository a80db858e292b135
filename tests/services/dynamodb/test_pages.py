"""Query and Scan: pages, segments, and how little a page costs."""

import time
from typing import Any

import pytest
from harness import Harness

from stratus.services.dynamodb import keys
from stratus.wire.errors import AwsError

QUERY = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}


async def fill(dynamodb: Harness, count: int, size: int = 10) -> None:
    for number in range(count):
        await dynamodb(
            "PutItem", TableName="things", Item={"pk": {"S": "p"}, "sk": {"N": str(number)}, "v": {"S": "x" * size}}
        )


async def test_a_page_ends_after_one_megabyte(dynamodb: Harness) -> None:
    await dynamodb.table(sort="N")
    await fill(dynamodb, 12, 200_000)
    sizes, start = [], {}
    while True:
        page = await dynamodb("Query", TableName="things", **QUERY, **start)
        sizes.append(page["Count"])
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sizes == [6, 6] or sizes == [6, 6, 0]


async def test_a_filter_counts_what_it_read(dynamodb: Harness) -> None:
    await dynamodb.table(sort="N")
    await fill(dynamodb, 10)
    values = {":p": {"S": "p"}, ":v": {"S": "nothing"}}
    page = await dynamodb(
        "Query",
        TableName="things",
        KeyConditionExpression="pk = :p",
        FilterExpression="v = :v",
        ExpressionAttributeValues=values,
        Limit=4,
    )
    assert (page["Count"], page["ScannedCount"], page["Items"]) == (0, 4, [])
    assert page["LastEvaluatedKey"] == {"pk": {"S": "p"}, "sk": {"N": "3"}}


@pytest.mark.parametrize("segments", [1, 2, 3, 7, 50])
async def test_segments_hold_every_item_once(dynamodb: Harness, segments: int) -> None:
    await dynamodb.table()
    for number in range(60):
        await dynamodb("PutItem", TableName="things", Item={"pk": {"S": f"item-{number}"}})
    found: list[str] = []
    for segment in range(segments):
        start: dict[str, Any] = {}
        while True:
            page = await dynamodb("Scan", TableName="things", Segment=segment, TotalSegments=segments, Limit=7, **start)
            found += [item["pk"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == sorted(f"item-{number}" for number in range(60))


BAD_PAGES: list[tuple[str, dict[str, Any], str]] = [
    ("Query", {}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
    ("Query", {**QUERY, "Limit": 0}, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    ("Query", {**QUERY, "IndexName": "none"}, "The table does not have the specified index: none"),
    ("Query", {**QUERY, "IndexName": "global", "ConsistentRead": True}, "Consistent reads are not supported on global secondary indexes"),
    ("Query", {**QUERY, "Select": "SPECIFIC_ATTRIBUTES"}, "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"),
    ("Query", {**QUERY, "FilterExpression": "sk = :p"}, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"),
    ("Query", {**QUERY, "ExclusiveStartKey": {"pk": {"S": "q"}, "sk": {"N": "1"}}}, "The provided starting key is outside query boundaries based on provided conditions"),
    ("Query", {**QUERY, "ExclusiveStartKey": {"pk": {"S": "p"}}}, "The provided starting key is invalid: The provided key element does not match the schema"),
    ("Query", {"KeyConditionExpression": "pk > :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}, "Query key condition not supported"),
    ("Query", {"KeyConditionExpression": "sk = :p", "ExpressionAttributeValues": {":p": {"N": "1"}}}, "Query condition missed key schema element: pk"),
    ("Query", {"KeyConditionExpression": "pk = :p AND v = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}, "Query condition missed key schema element: sk"),
    ("Query", {"KeyConditionExpression": "pk = :p OR pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}, "Invalid operator used in KeyConditionExpression: OR"),
    ("Query", {"KeyConditionExpression": "pk = :p AND pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}, "KeyConditionExpressions must only contain one condition per key"),
    ("Query", {"KeyConditionExpression": "pk = :p AND sk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}, "One or more parameter values were invalid: Condition parameter type does not match schema type"),
    ("Scan", {"Segment": 0}, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"),
    ("Scan", {"Segment": 3, "TotalSegments": 3}, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 3 is not less than TotalSegments: 3"),
    ("Scan", {"IndexName": "global", "Select": "ALL_ATTRIBUTES"}, "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index global because its projection type is not ALL"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "params", "message"), BAD_PAGES)
async def test_a_bad_page_is_refused(dynamodb: Harness, operation: str, params: dict[str, Any], message: str) -> None:
    await dynamodb.table(
        sort="N",
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "global",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    with pytest.raises(AwsError) as error:
        await dynamodb(operation, TableName="things", **params)
    assert error.value.message == message


async def test_one_item_of_a_large_partition_costs_what_it_costs_in_a_small_one(dynamodb: Harness) -> None:
    """GIVEN partitions of 10 and of 200,000 items WHEN one is asked for, from either end or the middle THEN it takes as long."""
    await dynamodb.table(sort="S")
    rows = dynamodb.service.catalog.named("things").rows

    def fill_partitions(connection: Any) -> None:
        for name, count in (("small", 10), ("large", 200_000)):
            partition = keys.partition(name.encode())
            connection.executemany(
                f"INSERT INTO {rows} VALUES (?, ?, 60, NULL, ?)",
                (
                    (partition, b"%06d" % number, b'{"pk":{"S":"%s"},"sk":{"S":"%06d"}}' % (name.encode(), number))
                    for number in range(count)
                ),
            )

    await dynamodb.service.database.write(fill_partitions)
    took = {}
    for name in ("small", "large"):
        for forward in (True, False):
            for clause, more in (("", {}), (" AND sk > :s", {":s": {"S": "000005"}})):
                best = 1.0
                for _ in range(30):
                    started = time.perf_counter()
                    page = await dynamodb(
                        "Query",
                        TableName="things",
                        KeyConditionExpression=f"pk = :p{clause}",
                        ExpressionAttributeValues={":p": {"S": name}, **more},
                        Limit=1,
                        ScanIndexForward=forward,
                    )
                    best = min(best, time.perf_counter() - started)
                    assert page["Count"] == 1
                took[name, forward, clause] = best
    for name, forward, clause in took:
        assert took[name, forward, clause] < 4 * took["small", forward, clause] + 0.0002
