"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html"""

from typing import TYPE_CHECKING

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_table
from stratus.services.dynamodb.shapes import check

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb


@operation("DescribeTable", on_table("dynamodb:DescribeTable"))
async def describe_table(service: "DynamoDb", call: Call) -> Result:
    """The table as it stands."""
    check("dynamodb", "DescribeTable", call.params)
    table = service.described_table(call)
    return {"Table": service.description(table, await service.counts(table))}
