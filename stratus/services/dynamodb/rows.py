"""Items, index entries and stream records on disk. Whatever one write changes, it changes in one transaction.

Rows hold an item's wire JSON. An index that projects everything holds only keys and finds the item by the table's key;
the others hold what they project.
"""

import sqlite3
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import orjson

from stratus.services.dynamodb.streams import StreamLog
from stratus.services.dynamodb.table import Index, Key, Table
from stratus.services.dynamodb.values import Item, normalise_item


class Stored(NamedTuple):
    """An item on disk: its wire JSON and its size by DynamoDB's rules."""

    item: bytes
    size: int


class Statements:
    """The SQL of one table's rows. SQLite caches compiled statements by their text, so each is made once."""

    def __init__(self, rows: str) -> None:
        self.get = f"SELECT item, size FROM {rows} WHERE hash = ? AND range = ?"
        self.item = f"SELECT item FROM {rows} WHERE hash = ? AND range = ?"
        self.insert = f"INSERT INTO {rows} (item, size, expires, hash, range) VALUES (?, ?, ?, ?, ?)"
        self.update = f"UPDATE {rows} SET item = ?, size = ?, expires = ? WHERE hash = ? AND range = ?"
        self.delete = f"DELETE FROM {rows} WHERE hash = ? AND range = ?"
        self.collection = f"SELECT COALESCE(SUM(size), 0) FROM {rows} WHERE hash = ?"


statements = cache(Statements)


def create_rows(connection: sqlite3.Connection, table: Table) -> None:
    connection.execute(
        f"CREATE TABLE {table.rows} (hash BLOB NOT NULL, range BLOB NOT NULL, size INTEGER NOT NULL, expires REAL,"
        " item BLOB NOT NULL, PRIMARY KEY (hash, range)) WITHOUT ROWID"
    )
    connection.execute(f"CREATE INDEX {table.rows}_expires ON {table.rows} (expires) WHERE expires IS NOT NULL")
    for index in table.indexes:
        create_index_rows(connection, table, index)


def create_index_rows(connection: sqlite3.Connection, table: Table, index: Index) -> None:
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table.index_rows(index)} (hash BLOB NOT NULL, range BLOB NOT NULL,"
        " base_hash BLOB NOT NULL, base_range BLOB NOT NULL, size INTEGER, item BLOB,"
        " PRIMARY KEY (hash, range, base_hash, base_range)) WITHOUT ROWID"
    )


def read(connection: sqlite3.Connection, table: Table, key: Key) -> Stored | None:
    found: tuple[bytes, int] | None = connection.execute(statements(table.rows).get, key).fetchone()
    return None if found is None else Stored(*found)


def write(
    connection: sqlite3.Connection,
    table: Table,
    key: Key,
    old: Stored | None,
    new: Item | None,
    log: StreamLog,
    *,
    new_size: int = 0,
    expired: bool = False,
) -> Stored | None:
    """Puts `new` in the place of `old` (None: no item) with all its index entries and its stream record.

    `new` has been checked and normalised, `new_size` is its size. `expired` marks a deletion by time to live.
    Raises ValidationException, before anything is changed, where an index cannot take the item.
    """
    stored = None if new is None else Stored(orjson.dumps(new), new_size)
    if old is not None and stored is not None and _same(old, stored, new):
        return old
    if old is stored:
        return None
    old_item = None if old is None or not (table.maintained or new is None) else orjson.loads(old.item)
    entries = [(index, _entries(table, index, old_item, new)) for index in table.maintained]
    sql = statements(table.rows)
    if stored is None:
        connection.execute(sql.delete, key)
    else:
        assert new is not None
        expires = None if table.ttl_attribute is None else expiry(new, table.ttl_attribute)
        connection.execute(sql.insert if old is None else sql.update, (*stored, expires, *key))
    for index, (before, after) in entries:
        if before != after:
            _replace_entry(connection, table, index, key, before, after)
    if table.stream is not None:
        keys = table.schema.attributes_of(new or old_item or {})
        log.record(connection, table, keys, old and old.item, stored and stored.item, expired=expired)
    return stored


def _same(old: Stored, new: Stored, item: Item | None) -> bool:
    """Whether nothing changes where `item`, stored as `new`, replaces `old`; attributes have no order."""
    if old.item == new.item:
        return True
    return len(old.item) == len(new.item) and old.size == new.size and bool(orjson.loads(old.item) == item)


def _entries(table: Table, index: Index, old: Item | None, new: Item | None) -> "tuple[Entry | None, Entry | None]":
    before = None if old is None else entry(table, index, old)
    after = None if new is None else entry(table, index, new)
    return before, after


def _replace_entry(
    connection: sqlite3.Connection,
    table: Table,
    index: Index,
    key: Key,
    before: "Entry | None",
    after: "Entry | None",
) -> None:
    if before is not None and (after is None or before[:2] != after[:2]):
        connection.execute(
            f"DELETE FROM {table.index_rows(index)} WHERE hash = ? AND range = ? AND base_hash = ? AND base_range = ?",
            (before[0], before[1], *key),
        )
    if after is not None:
        put_entry(connection, table, index, key, after)


Entry = tuple[bytes, bytes, int | None, bytes | None]


def entry(table: Table, index: Index, item: Item) -> Entry | None:
    """The row of `item` in `index` without its base key, or None where the sparse index leaves it out."""
    if not index.holds(item):
        return None
    hash_key, range_key = index.schema.encode(item)
    if index.projection == "ALL":
        return hash_key, range_key, None, None
    projected = index.project(item, table.schema.names)
    return hash_key, range_key, normalise_item(projected), orjson.dumps(projected)


def put_entry(connection: sqlite3.Connection, table: Table, index: Index, key: Key, made: Entry) -> None:
    connection.execute(
        f"INSERT OR REPLACE INTO {table.index_rows(index)} (hash, range, size, item, base_hash, base_range)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (*made, *key),
    )


def expiry(item: Item, attribute: str) -> float | None:
    """When an item's time to live ends, in seconds since the epoch; None where it has no such number."""
    value: dict[str, Any] | None = item.get(attribute)
    if value is None or "N" not in value:
        return None
    return float(Decimal(value["N"]))
