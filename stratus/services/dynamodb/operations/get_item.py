"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""

from typing import TYPE_CHECKING

import orjson

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import capacity, rows
from stratus.services.dynamodb.access import on_item
from stratus.services.dynamodb.answer import join
from stratus.services.dynamodb.expressions.projection import project
from stratus.services.dynamodb.request import Expressions, refuse_mixed
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.values import normalise_item

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

REFUSED = ("AttributesToGet",)


@operation("GetItem", on_item("dynamodb:GetItem", "Key"))
async def get_item(service: "DynamoDb", call: Call) -> Result:
    """One item by its key."""
    request = call.params
    check("dynamodb", "GetItem", request, REFUSED)
    refuse_mixed(request, ("ProjectionExpression",), ("AttributesToGet",))
    expressions = Expressions(request)
    projection = expressions.projection()
    expressions.finish()
    normalise_item(request["Key"])
    table = service.table(call)
    stored = rows.read(service.database.reader, table, table.schema.key_of(request["Key"]))
    item = None if stored is None else stored.item
    if item is not None and projection is not None:
        item = orjson.dumps(project(orjson.loads(item), projection.paths))
    consumed = None
    if level := capacity.wanted(request):
        units = capacity.read_units(stored.size if stored else 0, consistent=request.get("ConsistentRead") is True)
        consumed = capacity.Consumed(table.name, units).render(level)
    return join({"Item": item, "ConsumedCapacity": consumed})
