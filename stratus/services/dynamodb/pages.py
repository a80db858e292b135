"""Reading a page of a table or an index: in key order, up to a limit or to 1 MB.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from stratus.services.dynamodb import capacity
from stratus.services.dynamodb.answer import array, join
from stratus.services.dynamodb.errors import invalid_parameter, validation
from stratus.services.dynamodb.expressions.condition import Condition
from stratus.services.dynamodb.expressions.projection import Projection, project
from stratus.services.dynamodb.rows import Stored
from stratus.services.dynamodb.table import Index, KeySchema, Table
from stratus.services.dynamodb.values import Item, normalise_item
from stratus.wire.errors import AwsError

MAX_PAGE_BYTES = 1024 * 1024
BREATH_ROWS = 200
"""Other requests are served after so many items were looked into."""

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a page comes from: a table, or one of its indexes. `whole` reads items, not what the index keeps of them."""

    table: Table
    index: Index | None
    whole: bool

    @property
    def schema(self) -> KeySchema:
        return self.table.schema if self.index is None else self.index.schema

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that give each row its place; the first is the partition."""
        return ("hash", "range") if self.index is None else ("hash", "range", "base_hash", "base_range")

    @property
    def select(self) -> str:
        if self.index is None:
            return f"SELECT item, size FROM {self.table.rows} x WHERE "
        entries = f"{self.table.index_rows(self.index)} x"
        if not self.whole and self.index.projection != "ALL":
            return f"SELECT item, size FROM {entries} WHERE "
        return (
            f"SELECT t.item, t.size FROM {entries} CROSS JOIN {self.table.rows} t"
            " ON t.hash = x.base_hash AND t.range = x.base_range WHERE "
        )

    def place(self, key: Item) -> tuple[bytes, ...]:
        """The place of an item, from its key attributes."""
        if self.index is None:
            return self.table.schema.encode(key)
        return (*self.index.schema.encode(key), *self.table.schema.encode(key))

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes of `LastEvaluatedKey`."""
        names = self.table.schema.names
        return names if self.index is None else tuple(dict.fromkeys((*names, *self.index.schema.names)))


def source_of(table: Table, request: Request, projection: Projection | None) -> Source:
    """Raises ValidationException where the index, consistency and selection do not go together."""
    name = request.get("IndexName")
    select = request.get("Select")
    _check_select(request, projection)
    if name is None:
        if select == "ALL_PROJECTED_ATTRIBUTES":
            raise invalid_parameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
        return Source(table, None, whole=True)
    index = table.index(name)
    if index.is_global and request.get("ConsistentRead"):
        raise validation("Consistent reads are not supported on global secondary indexes")
    if index.status == "CREATING":
        raise validation(f"Cannot read from backfilling global secondary index: {name}")
    whole = index.projection != "ALL" and (select == "ALL_ATTRIBUTES" or _reaches_past(table, index, projection))
    if whole and index.is_global:
        if select == "ALL_ATTRIBUTES":
            raise invalid_parameter(
                f"Select type ALL_ATTRIBUTES is not supported for global secondary index {name} "
                "because its projection type is not ALL"
            )
        missing = sorted(projection.attributes - _kept(table, index)) if projection else []
        raise invalid_parameter(f"Global secondary index {name} does not project [{', '.join(missing)}]")
    return Source(table, index, whole)


def _kept(table: Table, index: Index) -> frozenset[str]:
    return frozenset((*table.schema.names, *index.schema.names, *index.non_key_attributes))


def _reaches_past(table: Table, index: Index, projection: Projection | None) -> bool:
    return projection is not None and not projection.attributes <= _kept(table, index)


def _check_select(request: Request, projection: Projection | None) -> None:
    select = request.get("Select")
    if projection is None:
        if select == "SPECIFIC_ATTRIBUTES":
            raise validation(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
            )
    elif select == "COUNT":
        raise validation("Cannot specify the ProjectionExpression when choosing to get only the Count")
    elif select not in (None, "SPECIFIC_ATTRIBUTES"):
        raise validation(f"Cannot specify the ProjectionExpression when choosing to get {select}")


@dataclass(slots=True)
class Page:
    """What was read: rows in order, and whether the reading stopped before the end."""

    rows: list[Stored]
    size: int
    stopped: bool


def read_page(
    reader: sqlite3.Connection,
    source: Source,
    where: Iterable[str],
    arguments: Iterable[Any],
    limit: int | None,
    *,
    forward: bool = True,
    columns: tuple[str, ...] | None = None,
) -> Page:
    """Rows that match `where`, in the order of `columns` (the source's own, unless told), up to `limit` or to 1 MB."""
    direction = "" if forward else " DESC"
    ordered = ", ".join(f"x.{column}{direction}" for column in columns or source.order)
    sql = f"{source.select}{' AND '.join(where)} ORDER BY {ordered} LIMIT ?"
    cursor = reader.execute(sql, (*arguments, -1 if limit is None else limit))
    rows: list[Stored] = []
    total = 0
    for row in cursor:
        rows.append(row)
        total += row[1]
        if total > MAX_PAGE_BYTES:
            break
    cursor.close()
    return Page(rows, total, total > MAX_PAGE_BYTES or len(rows) == limit)


def start_place(source: Source, request: Request) -> tuple[bytes, ...] | None:
    """Where the page before ended, from `ExclusiveStartKey`. Raises ValidationException."""
    key: Item | None = request.get("ExclusiveStartKey")
    if key is None:
        return None
    invalid = "The provided starting key is invalid"
    try:
        normalise_item(key)
    except AwsError as error:
        if error.code != "ValidationException":
            raise
        raise validation(f"{invalid}: {error.message}") from None
    if set(key) != set(source.key_names):
        if source.index is None:
            raise validation(f"{invalid}: The provided key element does not match the schema")
        raise validation(invalid)
    for name, kind in (*source.table.schema.types, *source.schema.types):
        if kind not in key[name]:
            raise validation(f"{invalid}: The provided key element does not match the schema")
        if key[name][kind] == "":
            raise validation(
                f"{invalid}: One or more parameter values were invalid: The AttributeValue for a key attribute cannot contain an empty value. Key: {name}"
            )
    return source.place(key)


async def answer(
    source: Source,
    request: Request,
    page: Page,
    condition: Condition | None,
    values: Item,
    projection: Projection | None,
) -> bytes:
    """The answer of Query and Scan."""
    counting = request.get("Select") == "COUNT"
    shown: list[bytes] | None
    if condition is None and projection is None:
        count, shown = len(page.rows), None if counting else [row[0] for row in page.rows]
    else:
        count, found = 0, []
        for position, row in enumerate(page.rows):
            if position % BREATH_ROWS == BREATH_ROWS - 1:
                await asyncio.sleep(0)
            item = orjson.loads(row[0])
            if condition is not None and not condition.test(item, values):
                continue
            count += 1
            if not counting:
                found.append(row[0] if projection is None else orjson.dumps(project(item, projection.paths)))
        shown = None if counting else found
    last = None
    if page.stopped and page.rows:
        item = orjson.loads(page.rows[-1][0])
        last = {name: item[name] for name in source.key_names}
    return join(
        {
            "Items": None if shown is None else array(shown),
            "Count": count,
            "ScannedCount": len(page.rows),
            "LastEvaluatedKey": last,
            "ConsumedCapacity": _consumed(source, request, page),
        }
    )


def _consumed(source: Source, request: Request, page: Page) -> dict[str, Any] | None:
    level = capacity.wanted(request)
    if level is None:
        return None
    consistent = request.get("ConsistentRead") is True
    consumed = capacity.Consumed(source.table.name)
    if source.index is None:
        consumed.table = capacity.read_units(page.size, consistent=consistent)
        return consumed.render(level)
    entries = page.size
    if source.whole:
        consumed.table = sum(capacity.read_units(row[1], consistent=consistent) for row in page.rows)
        names = source.table.schema.names
        entries = sum(normalise_item(source.index.project(orjson.loads(row[0]), names)) for row in page.rows)
    consumed.add_index(source.index, capacity.read_units(entries, consistent=consistent))
    return consumed.render(level)
