"""Consumed capacity: what a request would have cost, in AWS's units.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from dataclasses import dataclass, field
from math import ceil
from typing import Any

from stratus.services.dynamodb.rows import entry
from stratus.services.dynamodb.table import Index, Table
from stratus.services.dynamodb.values import Item, normalise_item

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024


@dataclass(slots=True)
class Consumed:
    """Units used in one table and its indexes."""

    table_name: str
    table: float = 0.0
    local: dict[str, float] = field(default_factory=dict)
    global_: dict[str, float] = field(default_factory=dict)

    def add_index(self, index: Index, units: float) -> None:
        by_name = self.global_ if index.is_global else self.local
        by_name[index.name] = by_name.get(index.name, 0.0) + units

    def add(self, other: "Consumed") -> None:
        self.table += other.table
        for mine, theirs in ((self.local, other.local), (self.global_, other.global_)):
            for name, units in theirs.items():
                mine[name] = mine.get(name, 0.0) + units

    def render(self, wanted: str, *, kind: str | None = None) -> dict[str, Any]:
        """The API's `ConsumedCapacity`. `kind` adds `ReadCapacityUnits` or `WriteCapacityUnits`, as transactions do."""
        total = self.table + sum(self.local.values()) + sum(self.global_.values())
        shown: dict[str, Any] = {"TableName": self.table_name, "CapacityUnits": total}
        if kind is not None:
            shown[kind] = total
        if wanted == "INDEXES":
            shown["Table"] = _units(self.table, kind)
            if self.local:
                shown["LocalSecondaryIndexes"] = {name: _units(units, kind) for name, units in self.local.items()}
            if self.global_:
                shown["GlobalSecondaryIndexes"] = {name: _units(units, kind) for name, units in self.global_.items()}
        return shown


def _units(units: float, kind: str | None) -> dict[str, float]:
    return {"CapacityUnits": units} if kind is None else {"CapacityUnits": units, kind: units}


def wanted(request: dict[str, Any]) -> str | None:
    """`TOTAL` or `INDEXES` where the request asks for its consumed capacity."""
    level = request.get("ReturnConsumedCapacity")
    return level if level in ("TOTAL", "INDEXES") else None


def read_units(size: int, *, consistent: bool) -> float:
    """Units for reading `size` bytes in one go; a miss costs as much as a small item."""
    return max(1, ceil(size / READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)


def write_units(size: int) -> float:
    return float(max(1, ceil(size / WRITE_UNIT_BYTES)))


def of_write(
    table: Table, old: Item | None, old_size: int, new: Item | None, new_size: int, factor: float = 1.0
) -> Consumed:
    """What replacing `old` by `new` costs, indexes included."""
    consumed = Consumed(table.name, factor * write_units(max(old_size, new_size)))
    for index in table.maintained:
        before = _index_write(table, index, old)
        after = _index_write(table, index, new)
        if before == after:
            continue
        if before is None or after is None or before[0] != after[0]:
            units = sum(write_units(each[1]) for each in (before, after) if each is not None)
        else:
            units = write_units(max(before[1], after[1]))
        consumed.add_index(index, factor * units)
    return consumed


def _index_write(table: Table, index: Index, item: Item | None) -> tuple[Any, int, Item] | None:
    if item is None or (row := entry(table, index, item)) is None:
        return None
    projected = index.project(item, table.schema.names)
    return row[:2], normalise_item(projected), projected
