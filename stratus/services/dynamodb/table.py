"""What a table is: its keys, its indexes, and how an item's keys are read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stratus.services.dynamodb import keys
from stratus.services.dynamodb.errors import (
    MISMATCHED_KEY,
    SchemaMismatch,
    invalid_parameter,
    unfit_parameter,
    validation,
)
from stratus.services.dynamodb.values import Item, type_of

Key = tuple[bytes, bytes]
"""Partition and sort key as stored; the sort key is empty where the schema has none."""

MAX_PARTITION_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024


@dataclass(frozen=True)
class KeySchema:
    partition: str
    partition_type: str
    sort: str | None = None
    sort_type: str = ""

    @cached_property
    def names(self) -> tuple[str, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    @cached_property
    def types(self) -> tuple[tuple[str, str], ...]:
        """Name and type of each key attribute."""
        pairs = ((self.partition, self.partition_type),)
        return pairs if self.sort is None else (*pairs, (self.sort, self.sort_type))

    def encode(self, attributes: Item) -> Key:
        """The stored key of `attributes`, which hold every key attribute with the right type."""
        partition = keys.encode(self.partition_type, attributes[self.partition][self.partition_type])
        if len(partition) > MAX_PARTITION_KEY_BYTES:
            raise unfit_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
        if self.sort is None:
            return keys.partition(partition), b""
        sort = keys.encode(self.sort_type, attributes[self.sort][self.sort_type])
        if len(sort) > MAX_SORT_KEY_BYTES:
            raise unfit_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
        return keys.partition(partition), sort

    def key_of(self, given: Item) -> Key:
        """The stored key of a request's `Key`, which holds the key attributes and nothing else."""
        if len(given) != len(self.names):
            raise SchemaMismatch(MISMATCHED_KEY)
        for name, kind in self.types:
            value = given.get(name)
            if value is None or kind not in value:
                raise SchemaMismatch(MISMATCHED_KEY)
            _refuse_empty(name, value[kind], kind)
        return self.encode(given)

    def key_of_item(self, item: Item) -> Key:
        """The stored key of a whole item."""
        for name, kind in self.types:
            value = item.get(name)
            if value is None:
                raise unfit_parameter(f"Missing the key {name} in the item")
            if kind not in value:
                raise unfit_parameter(f"Type mismatch for key {name} expected: {kind} actual: {type_of(value)}")
            _refuse_empty(name, value[kind], kind)
        return self.encode(item)

    def attributes_of(self, item: Item) -> Item:
        """The key attributes of an item that has them."""
        return {name: item[name] for name in self.names}


def _refuse_empty(name: str, content: Any, kind: str) -> None:
    if content == "":
        raise SchemaMismatch(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
            f"{'string' if kind == 'S' else 'binary'} value. Key: {name}"
        )


@dataclass(frozen=True)
class Index:
    """A secondary index. `number` names its rows on disk and is never given twice in a table."""

    number: int
    name: str
    schema: KeySchema
    is_global: bool
    projection: str
    non_key_attributes: tuple[str, ...] = ()
    status: str = "ACTIVE"

    def holds(self, item: Item) -> bool:
        """Indexes are sparse: an item without the index's keys is not in it."""
        return all(name in item for name in self.schema.names)

    def check_types(self, item: Item, *, updating: bool = False) -> None:
        """Refuses an item whose attribute could not be a key of this index; `updating`: by an update expression."""
        for name, kind in self.schema.types:
            value = item.get(name)
            if value is None:
                continue
            if kind not in value:
                raise invalid_parameter(
                    f"Type mismatch for Index Key {name} Expected: {kind} Actual: {type_of(value)} IndexName: {self.name}"
                )
            if value[kind] == "":
                empty = f"cannot contain an empty {'string' if kind == 'S' else 'binary'} value."
                if updating:
                    raise validation(
                        "One or more parameter values are not valid. The update expression attempted to update a secondary "
                        f"index key to a value that is not supported. The AttributeValue for a key attribute {empty}"
                    )
                raise validation(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not "
                    f"supported. The AttributeValue for a key attribute {empty} IndexName: {self.name}, IndexKey: {name}"
                )

    def project(self, item: Item, table_keys: tuple[str, ...]) -> Item:
        """What the index keeps of an item."""
        if self.projection == "ALL":
            return item
        kept = {*table_keys, *self.schema.names, *self.non_key_attributes}
        return {name: value for name, value in item.items() if name in kept}


@dataclass(frozen=True)
class Table:
    """One table as it stands. Changes make a new Table; `state` is what is stored of it (JSON)."""

    id: int
    name: str
    schema: KeySchema
    indexes: tuple[Index, ...]
    stream: int | None
    stream_view: str
    ttl_attribute: str | None
    state: dict[str, Any] = field(repr=False)

    @cached_property
    def rows(self) -> str:
        """The SQL name of the table's rows."""
        return f"items_{self.id}"

    def index_rows(self, index: Index) -> str:
        return f"index_{self.id}_{index.number}"

    @cached_property
    def maintained(self) -> tuple[Index, ...]:
        """The indexes that writes keep up to date: also one that is being filled, no longer one that is being deleted."""
        return tuple(index for index in self.indexes if index.status != "DELETING")

    @cached_property
    def has_local_indexes(self) -> bool:
        return any(not index.is_global for index in self.indexes)

    def index(self, name: str) -> Index:
        """The index of that name. Raises ValidationException."""
        for index in self.maintained:
            if index.name == name:
                return index
        raise validation(f"The table does not have the specified index: {name}")

    def check_index_types(self, item: Item, *, updating: bool = False) -> None:
        for index in self.maintained:
            index.check_types(item, updating=updating)

    @property
    def status(self) -> str:
        return str(self.state["TableStatus"])

    @classmethod
    def from_state(cls, table_id: int, state: dict[str, Any]) -> "Table":
        types = {each["AttributeName"]: each["AttributeType"] for each in state["AttributeDefinitions"]}
        stream = state.get("Stream") or {}
        return cls(
            id=table_id,
            name=state["TableName"],
            schema=key_schema(state["KeySchema"], types),
            indexes=tuple(_indexes(state, types)),
            stream=stream.get("Id") if stream.get("Enabled") else None,
            stream_view=stream.get("ViewType", ""),
            ttl_attribute=state.get("TtlAttribute"),
            state=state,
        )


def key_schema(elements: list[dict[str, str]], types: dict[str, str]) -> KeySchema:
    """From the API's list of `{AttributeName, KeyType}`, partition key first."""
    partition = elements[0]["AttributeName"]
    if len(elements) == 1:
        return KeySchema(partition, types[partition])
    sort = elements[1]["AttributeName"]
    return KeySchema(partition, types[partition], sort, types[sort])


def _indexes(state: dict[str, Any], types: dict[str, str]) -> Iterator[Index]:
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for each in state.get(kind, ()):
            yield Index(
                number=each["Number"],
                name=each["IndexName"],
                schema=key_schema(each["KeySchema"], types),
                is_global=kind == "GlobalSecondaryIndexes",
                projection=each["Projection"]["ProjectionType"],
                non_key_attributes=tuple(each["Projection"].get("NonKeyAttributes", ())),
                status=each.get("IndexStatus", "ACTIVE"),
            )
