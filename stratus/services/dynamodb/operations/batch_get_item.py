"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""

from typing import TYPE_CHECKING, Any

import orjson

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import capacity, rows
from stratus.services.dynamodb.access import on_batch_get
from stratus.services.dynamodb.answer import array, join
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.expressions.projection import Projection, project
from stratus.services.dynamodb.request import Expressions, refuse_mixed
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.table import Key, Table
from stratus.services.dynamodb.values import Item, normalise_item
from stratus.wire.errors import not_implemented

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

MAX_KEYS = 100
MAX_ANSWER_BYTES = 16 * 1024 * 1024


@operation("BatchGetItem", on_batch_get)
async def batch_get_item(service: "DynamoDb", call: Call) -> Result:
    """Up to 100 items of several tables, up to 16 MB; what does not fit comes back as unprocessed."""
    request = call.params
    check("dynamodb", "BatchGetItem", request)
    level = capacity.wanted(request)
    asked: dict[str, Any] = request["RequestItems"]
    if sum(len(part["Keys"]) for part in asked.values()) > MAX_KEYS:
        raise validation("Too many items requested for the BatchGetItem call")
    plans = {name: _plan(service, call, name, part) for name, part in asked.items()}
    answers: dict[str, Any] = {}
    unprocessed: dict[str, Any] = {}
    consumed = []
    room = MAX_ANSWER_BYTES
    for name, (table, projection, keys) in plans.items():
        part = asked[name]
        units = capacity.Consumed(table.name)
        found: list[bytes] = []
        for position, (key, _) in enumerate(keys):
            stored = rows.read(service.database.reader, table, key)
            size = 0 if stored is None else stored.size
            if size > room:
                unprocessed[name] = part | {"Keys": [given for _, given in keys[position:]]}
                break
            room -= size
            units.table += capacity.read_units(size, consistent=part.get("ConsistentRead") is True)
            if stored is not None:
                found.append(_shown(stored.item, projection))
        answers[name] = array(found)
        if level and units.table:
            consumed.append(units.render(level))
    return join({"Responses": join(answers), "UnprocessedKeys": unprocessed, "ConsumedCapacity": consumed or None})


def _plan(
    service: "DynamoDb", call: Call, name: str, part: dict[str, Any]
) -> tuple[Table, Projection | None, list[tuple[Key, Item]]]:
    if part.get("AttributesToGet") is not None:
        raise not_implemented("dynamodb", "BatchGetItem with AttributesToGet")
    refuse_mixed(part, ("ProjectionExpression",), ("AttributesToGet",))
    expressions = Expressions(part)
    projection = expressions.projection()
    expressions.finish()
    for given in part["Keys"]:
        normalise_item(given)
    table = service.table(call, {"TableName": name})
    keys = [(table.schema.key_of(given), given) for given in part["Keys"]]
    if len({key for key, _ in keys}) != len(keys):
        raise validation("Provided list of item keys contains duplicates")
    return table, projection, keys


def _shown(item: bytes, projection: Projection | None) -> bytes:
    return item if projection is None else orjson.dumps(project(orjson.loads(item), projection.paths))
