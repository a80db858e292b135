"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html"""

from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_scan
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.pages import answer, read_page, source_of, start_place
from stratus.services.dynamodb.request import Expressions, refuse_mixed
from stratus.services.dynamodb.shapes import check

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

EXPRESSIONS = ("ProjectionExpression", "FilterExpression")
LEGACY = ("AttributesToGet", "ScanFilter", "ConditionalOperator")
PARTITIONS = 2**32
"""Stored partition keys begin with four bytes of checksum: segments share these evenly."""


@operation("Scan", on_scan)
async def scan(service: "DynamoDb", call: Call) -> Result:
    """A page of a whole table or index, or of one segment of it."""
    request = call.params
    check("dynamodb", "Scan", request, LEGACY)
    refuse_mixed(request, EXPRESSIONS, LEGACY)
    _check_segments(request)
    expressions = Expressions(request)
    projection = expressions.projection()
    condition = expressions.condition("FilterExpression")
    expressions.finish()
    source = source_of(service.table(call), request, projection)
    where, arguments = _segment(request)
    start = start_place(source, request)
    if start is not None:
        _check_in_segment(request, start[0])
        columns = ", ".join(f"x.{column}" for column in source.order)
        where.append(f"({columns}) > ({', '.join('?' for _ in start)})")
        arguments.extend(start)
    page = read_page(service.database.reader, source, where or ["TRUE"], arguments, request.get("Limit"))
    return await answer(source, request, page, condition, expressions.values, projection)


def _check_segments(request: dict[str, Any]) -> None:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is not None and total is None:
        raise validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
        )
    if total is not None and segment is None:
        raise validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
        )
    if segment is not None and segment >= total:
        raise validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )


def _bounds(request: dict[str, Any]) -> tuple[int, int]:
    """First checksum of the segment, and of the one after it."""
    segment, total = request.get("Segment") or 0, request.get("TotalSegments") or 1
    return -(-PARTITIONS * segment // total), -(-PARTITIONS * (segment + 1) // total)


def _segment(request: dict[str, Any]) -> tuple[list[str], list[Any]]:
    low, high = _bounds(request)
    where: list[str] = []
    arguments: list[Any] = []
    if low > 0:
        where.append("x.hash >= ?")
        arguments.append(low.to_bytes(4, "big"))
    if high < PARTITIONS:
        where.append("x.hash < ?")
        arguments.append(high.to_bytes(4, "big"))
    return where, arguments


def _check_in_segment(request: dict[str, Any], partition: bytes) -> None:
    low, high = _bounds(request)
    if not low <= int.from_bytes(partition[:4], "big") < high:
        raise validation(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct "
            f"Segment. TotalSegments: {request.get('TotalSegments')} Segment: {request.get('Segment')}"
        )
