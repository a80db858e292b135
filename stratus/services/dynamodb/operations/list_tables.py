"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html"""

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_everything
from stratus.services.dynamodb.shapes import check

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

MAX_NAMES = 100


@operation("ListTables", on_everything("dynamodb:ListTables"))
async def list_tables(service: "DynamoDb", call: Call) -> Result:
    """Names of tables, in order, 100 at a time."""
    request = call.params
    check("dynamodb", "ListTables", request)
    names = service.catalog.names()
    after = request.get("ExclusiveStartTableName")
    start = 0 if after is None else bisect_right(names, after)
    limit = request.get("Limit") or MAX_NAMES
    shown = names[start : start + limit]
    answer: dict[str, Any] = {"TableNames": shown}
    if start + limit < len(names):
        answer["LastEvaluatedTableName"] = shown[-1]
    return answer
