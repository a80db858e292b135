"""One change of one item: the path that PutItem, UpdateItem, DeleteItem, batches and transactions share."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from stratus.services.dynamodb import rows
from stratus.services.dynamodb.catalog import Catalog
from stratus.services.dynamodb.errors import conditional_check_failed, validation
from stratus.services.dynamodb.expressions.condition import Condition
from stratus.services.dynamodb.rows import Stored
from stratus.services.dynamodb.streams import StreamLog
from stratus.services.dynamodb.table import Key, Table
from stratus.services.dynamodb.values import Item

MAX_ITEM_BYTES = 400 * 1024

Change = Callable[[Item | None], tuple[Item | None, int]]
"""From the item as it is to the item as it shall be, with its size."""


@dataclass(slots=True)
class ItemWrite:
    """A checked request to change one item. `change` is None where only the condition is asked for."""

    table: Table
    key: Key
    change: Change | None
    condition: Condition | None = None
    values: Item | None = None
    return_on_failure: bool = False
    updating: bool = False


class Written(NamedTuple):
    table: Table
    old: Stored | None
    new: Stored | None


@dataclass(frozen=True, slots=True)
class Writer:
    """Carries out item writes inside the batch that is open."""

    catalog: Catalog
    log: StreamLog

    def perform(self, connection: sqlite3.Connection, write: ItemWrite) -> Written:
        """Raises AwsError, always before anything is changed."""
        table = self.catalog.live(write.table)
        old = rows.read(connection, table, write.key)
        old_item: Item | None = None
        if old is not None and (write.condition is not None or write.updating):
            old_item = orjson.loads(old.item)
        if write.condition is not None and not write.condition.test(old_item or {}, write.values or {}):
            raise conditional_check_failed(old_item if write.return_on_failure else None)
        if write.change is None:
            return Written(table, old, old)
        item, size = write.change(old_item)
        if item is not None and table.maintained:
            table.check_index_types(item, updating=write.updating)
        return Written(table, old, rows.write(connection, table, write.key, old, item, self.log, new_size=size))


def put(item: Item, size: int) -> Change:
    """The item itself, whatever was there. Raises ValidationException where it is too large."""
    if size > MAX_ITEM_BYTES:
        raise validation("Item size has exceeded the maximum allowed size")
    return lambda old: (item, size)


def delete(old: Item | None) -> tuple[Item | None, int]:
    return None, 0
