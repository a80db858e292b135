"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html"""

from typing import TYPE_CHECKING

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_item
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.operations.item_writes import put_request, written_answer
from stratus.services.dynamodb.request import refuse_mixed
from stratus.services.dynamodb.shapes import check

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

REFUSED = ("Expected", "ConditionalOperator")


@operation("PutItem", on_item("dynamodb:PutItem", "Item"))
async def put_item(service: "DynamoDb", call: Call) -> Result:
    """A whole item in the place of whatever had its key."""
    request = call.params
    check("dynamodb", "PutItem", request, REFUSED)
    refuse_mixed(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
    if request.get("ReturnValues") not in (None, "NONE", "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")
    write = put_request(service, call, request)
    written = await service.write(write)
    return written_answer(service, request, written, written.old if request.get("ReturnValues") == "ALL_OLD" else None)
