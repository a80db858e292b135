"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""

import sqlite3
from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import capacity
from stratus.services.dynamodb.access import on_batch_write
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.operations.item_writes import (
    collection_metrics,
    consumed_by,
    delete_request,
    put_request,
)
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.values import AMBIGUOUS
from stratus.services.dynamodb.writes import ItemWrite, Written

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

MAX_WRITES = 25


@operation("BatchWriteItem", on_batch_write)
async def batch_write_item(service: "DynamoDb", call: Call) -> Result:
    """Up to 25 puts and deletions. Here they are one transaction, so nothing is ever left unprocessed."""
    request = call.params
    check("dynamodb", "BatchWriteItem", request)
    asked: dict[str, Any] = request["RequestItems"]
    if sum(map(len, asked.values())) > MAX_WRITES:
        raise validation("Too many items requested for the BatchWriteItem call")
    writes = {name: [_write(service, call, name, each) for each in requests] for name, requests in asked.items()}
    keys = [(write.table.id, write.key) for group in writes.values() for write in group]
    if len(set(keys)) != len(keys):
        raise validation("Provided list of item keys contains duplicates")

    def work(connection: sqlite3.Connection) -> dict[str, list[Written]]:
        return {name: [service.writer.perform(connection, write) for write in group] for name, group in writes.items()}

    written = await service.database.write(work)
    answer: dict[str, Any] = {"UnprocessedItems": {}}
    if level := capacity.wanted(request):
        answer["ConsumedCapacity"] = [_consumed(group).render(level) for group in written.values()]
    metrics = {
        name: found
        for name, group in written.items()
        if (found := [each for one in group if (each := collection_metrics(service, request, one)) is not None])
    }
    return answer | ({"ItemCollectionMetrics": metrics} if metrics else {})


def _write(service: "DynamoDb", call: Call, name: str, request: dict[str, Any]) -> ItemWrite:
    put, delete = request.get("PutRequest"), request.get("DeleteRequest")
    if (put is None) == (delete is None):
        raise validation(AMBIGUOUS)
    if put is not None:
        return put_request(service, call, {"TableName": name, "Item": put["Item"]})
    assert delete is not None
    return delete_request(service, call, {"TableName": name, "Key": delete["Key"]})


def _consumed(group: list[Written]) -> capacity.Consumed:
    total = capacity.Consumed(group[0].table.name)
    for written in group:
        total.add(consumed_by(written))
    return total
