"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"""

from typing import TYPE_CHECKING, Any

import orjson

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_item
from stratus.services.dynamodb.expressions.projection import project
from stratus.services.dynamodb.expressions.update import Update
from stratus.services.dynamodb.operations.item_writes import update_request, written_answer
from stratus.services.dynamodb.request import refuse_mixed
from stratus.services.dynamodb.rows import Stored
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.writes import Written

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

REFUSED = ("Expected", "ConditionalOperator", "AttributeUpdates")


@operation("UpdateItem", on_item("dynamodb:UpdateItem", "Key"))
async def update_item(service: "DynamoDb", call: Call) -> Result:
    """Parts of an item change; an item that is not there is made."""
    request = call.params
    check("dynamodb", "UpdateItem", request, REFUSED)
    refuse_mixed(
        request,
        ("UpdateExpression", "ConditionExpression"),
        ("AttributeUpdates", "Expected", "ConditionalOperator"),
    )
    write, update = update_request(service, call, request)
    written = await service.write(write)
    return written_answer(service, request, written, _attributes(request.get("ReturnValues"), update, written))


def _attributes(wanted: Any, update: Update | None, written: Written) -> Stored | bytes | None:
    """What `ReturnValues` asks for, or None."""
    if wanted is None or wanted == "NONE":
        return None
    if wanted == "ALL_OLD":
        return written.old
    if wanted == "ALL_NEW":
        return written.new
    image = written.old if wanted == "UPDATED_OLD" else written.new
    if image is None or update is None:
        return None
    return orjson.dumps(part) if (part := project(orjson.loads(image.item), update.paths)) else None
