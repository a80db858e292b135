"""How requests to put, update and delete an item are checked; shared by the single operations, batches and transactions."""

from typing import TYPE_CHECKING, Any

import orjson

from stratus.service import Call
from stratus.services.dynamodb import capacity
from stratus.services.dynamodb.answer import join
from stratus.services.dynamodb.errors import unfit_parameter, validation
from stratus.services.dynamodb.expressions.condition import Condition
from stratus.services.dynamodb.expressions.update import Update
from stratus.services.dynamodb.request import Expressions
from stratus.services.dynamodb.rows import Stored
from stratus.services.dynamodb.table import Table
from stratus.services.dynamodb.values import Item, normalise_item
from stratus.services.dynamodb.writes import MAX_ITEM_BYTES, ItemWrite, Written, delete, put

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

Request = dict[str, Any]


def put_request(service: "DynamoDb", call: Call, request: Request) -> ItemWrite:
    item: Item = request["Item"]
    size = normalise_item(item)
    change = put(item, size)
    expressions = Expressions(request)
    condition = expressions.condition()
    expressions.finish()
    table = service.table(call, request)
    key = table.schema.key_of_item(item)
    return ItemWrite(table, key, change, condition, expressions.values, _returns_item(request))


def delete_request(service: "DynamoDb", call: Call, request: Request) -> ItemWrite:
    table, condition, expressions = _keyed(service, call, request)
    return ItemWrite(
        table, table.schema.key_of(request["Key"]), delete, condition, expressions.values, _returns_item(request)
    )


def check_request(service: "DynamoDb", call: Call, request: Request) -> ItemWrite:
    """A transaction's ConditionCheck: nothing changes."""
    table, condition, expressions = _keyed(service, call, request)
    return ItemWrite(
        table, table.schema.key_of(request["Key"]), None, condition, expressions.values, _returns_item(request)
    )


def _keyed(service: "DynamoDb", call: Call, request: Request) -> tuple[Table, Condition | None, Expressions]:
    normalise_item(request["Key"])
    expressions = Expressions(request)
    condition = expressions.condition()
    expressions.finish()
    return service.table(call, request), condition, expressions


def update_request(service: "DynamoDb", call: Call, request: Request) -> tuple[ItemWrite, Update | None]:
    given_key: Item = request["Key"]
    normalise_item(given_key)
    expressions = Expressions(request)
    update = expressions.update()
    condition = expressions.condition()
    expressions.finish()
    table = service.table(call, request)
    key = table.schema.key_of(given_key)
    if update is not None:
        _refuse_keys(table, update)
    values = expressions.values

    def change(old: Item | None) -> tuple[Item, int]:
        item = dict(given_key) if old is None else old
        if update is not None:
            update.apply(item, values)
        size = normalise_item(item)
        if size > MAX_ITEM_BYTES:
            raise validation("Item size to update has exceeded the maximum allowed size")
        return item, size

    write = ItemWrite(table, key, change, condition, values, _returns_item(request), updating=True)
    return write, update


def _refuse_keys(table: Table, update: Update) -> None:
    for steps in update.paths:
        if steps[0] in table.schema.names:
            raise unfit_parameter(f"Cannot update attribute {steps[0]}. This attribute is part of the key")


def _returns_item(request: Request) -> bool:
    return request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"


def written_answer(service: "DynamoDb", request: Request, written: Written, attributes: Stored | bytes | None) -> bytes:
    """The answer of PutItem, UpdateItem and DeleteItem."""
    shown = attributes.item if isinstance(attributes, Stored) else attributes
    consumed = None
    if level := capacity.wanted(request):
        consumed = consumed_by(written).render(level)
    return join(
        {
            "Attributes": shown,
            "ConsumedCapacity": consumed,
            "ItemCollectionMetrics": collection_metrics(service, request, written),
        }
    )


def consumed_by(written: Written, factor: float = 1.0) -> capacity.Consumed:
    old, new = written.old, written.new
    return capacity.of_write(
        written.table,
        orjson.loads(old.item) if old else None,
        old.size if old else 0,
        orjson.loads(new.item) if new else None,
        new.size if new else 0,
        factor,
    )


def collection_metrics(service: "DynamoDb", request: Request, written: Written) -> dict[str, Any] | None:
    """The size of the item collection, for tables with local indexes."""
    image = written.new or written.old
    if request.get("ReturnItemCollectionMetrics") != "SIZE" or not written.table.has_local_indexes or image is None:
        return None
    item = orjson.loads(image.item)
    partition = written.table.schema.partition
    return {
        "ItemCollectionKey": {partition: item[partition]},
        "SizeEstimateRangeGB": service.collection_size_range(written.table, item),
    }
