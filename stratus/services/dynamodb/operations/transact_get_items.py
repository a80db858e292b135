"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html"""

from typing import TYPE_CHECKING, Any

import orjson

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import capacity, rows
from stratus.services.dynamodb.access import on_transaction
from stratus.services.dynamodb.answer import array, join
from stratus.services.dynamodb.errors import SchemaMismatch, validation
from stratus.services.dynamodb.expressions.projection import Projection, project
from stratus.services.dynamodb.operations.transact_write_items import MAX_BYTES, REPEATED, cancelled
from stratus.services.dynamodb.request import Expressions, refuse_mixed
from stratus.services.dynamodb.rows import Stored
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.table import Key, Table
from stratus.services.dynamodb.values import normalise_item
from stratus.wire.errors import AwsError

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb


@operation("TransactGetItems", on_transaction)
async def transact_get_items(service: "DynamoDb", call: Call) -> Result:
    """Up to 100 items as they were at one moment."""
    request = call.params
    check("dynamodb", "TransactGetItems", request)
    plans: list[tuple[Table, Projection | None, Key]] = []
    reasons: list[AwsError | None] = []
    for member in request["TransactItems"]:
        try:
            plans.append(_plan(service, call, member["Get"]))
            reasons.append(None)
        except SchemaMismatch as reason:
            reasons.append(reason)
    if any(reasons):
        raise cancelled(reasons)
    if len({(table.id, key) for table, _, key in plans}) != len(plans):
        raise validation(REPEATED)
    found = _read(service, plans)
    if sum(stored.size for stored in found if stored) > MAX_BYTES:
        raise validation("The aggregate size of the items in the transaction cannot exceed 4 MB")
    responses = array(
        join({"Item": None if stored is None else _shown(stored.item, projection)})
        for stored, (_, projection, _) in zip(found, plans, strict=True)
    )
    return join({"Responses": responses, "ConsumedCapacity": _consumed(request, plans, found)})


def _plan(service: "DynamoDb", call: Call, request: dict[str, Any]) -> tuple[Table, Projection | None, Key]:
    refuse_mixed(request, ("ProjectionExpression",), ())
    expressions = Expressions(request)
    projection = expressions.projection()
    expressions.finish()
    normalise_item(request["Key"])
    table = service.table(call, request)
    return table, projection, table.schema.key_of(request["Key"])


def _read(service: "DynamoDb", plans: list[tuple[Table, Projection | None, Key]]) -> list[Stored | None]:
    """All in one read transaction: a commit between two reads is not seen."""
    reader = service.database.reader
    reader.execute("BEGIN")
    try:
        return [rows.read(reader, table, key) for table, _, key in plans]
    finally:
        reader.execute("COMMIT")


def _shown(item: bytes, projection: Projection | None) -> bytes:
    return item if projection is None else orjson.dumps(project(orjson.loads(item), projection.paths))


def _consumed(
    request: dict[str, Any], plans: list[tuple[Table, Projection | None, Key]], found: list[Stored | None]
) -> list[dict[str, Any]] | None:
    level = capacity.wanted(request)
    if level is None:
        return None
    by_table: dict[str, capacity.Consumed] = {}
    for (table, _, _), stored in zip(plans, found, strict=True):
        consumed = by_table.setdefault(table.name, capacity.Consumed(table.name))
        consumed.table += 2 * capacity.read_units(stored.size if stored else 0, consistent=True)
    return [consumed.render(level, kind="ReadCapacityUnits") for consumed in by_table.values()]
