"""Amazon DynamoDB: one instance per region, one SQLite file."""

from typing import Any

from stratus.service import Call, Service, Surroundings
from stratus.services.dynamodb import catalog, rows, streams
from stratus.services.dynamodb.catalog import Catalog, table_name
from stratus.services.dynamodb.census import Census
from stratus.services.dynamodb.description import describe
from stratus.services.dynamodb.operations import (
    create_table,
    delete_item,
    describe_table,
    get_item,
    put_item,
    update_item,
)
from stratus.services.dynamodb.operations import query as query_operation
from stratus.services.dynamodb.operations import scan as scan_operation
from stratus.services.dynamodb.streams import StreamLog
from stratus.services.dynamodb.table import Table
from stratus.services.dynamodb.values import Item
from stratus.services.dynamodb.writes import ItemWrite, Writer, Written
from stratus.storage.database import Database

GIGABYTE = 1024**3


class DynamoDb(Service):
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html"""

    name = "dynamodb"
    wire_json = True

    create_table = create_table.create_table
    describe_table = describe_table.describe_table
    put_item = put_item.put_item
    get_item = get_item.get_item
    update_item = update_item.update_item
    delete_item = delete_item.delete_item
    query = query_operation.query
    scan = scan_operation.scan

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.clock = surroundings.clock
        self.database = Database(surroundings.directory / "dynamodb.sqlite", catalog.SCHEMA + streams.SCHEMA)
        self.catalog = Catalog(self.database)
        self.log = StreamLog(self.database.reader, self.clock)
        self.census = Census(self.database)
        self.writer = Writer(self.catalog, self.log)

    async def stop(self) -> None:
        await self.database.close()

    def table(self, call: Call, request: dict[str, Any] | None = None) -> Table:
        """The table that an item operation means. Raises ResourceNotFoundException."""
        given = (request or call.params)["TableName"]
        return self.catalog.find_active(given) or self.catalog.named(table_name(given, call.region, call.account))

    def described_table(self, call: Call) -> Table:
        """The table that a control-plane operation means. Raises ResourceNotFoundException with its name."""
        return self.catalog.described(table_name(call.params["TableName"], call.region, call.account))

    def arn(self, table: Table) -> str:
        return f"arn:aws:dynamodb:{self.surroundings.region}:{self.surroundings.account}:table/{table.name}"

    def description(self, table: Table, counts: dict[str, tuple[int, int]]) -> dict[str, Any]:
        return describe(table.state, self.arn(table), counts)

    async def counts(self, table: Table) -> dict[str, tuple[int, int]]:
        """Items and bytes of a table ("") and of its indexes."""
        return await self.census.count(table)

    def table_or_none(self, given: Any) -> Table | None:
        """The table of that name or ARN, for access rules, which judge requests before they are checked."""
        return self.catalog.find(given.rpartition("/")[2]) if isinstance(given, str) else None

    async def write(self, write: ItemWrite) -> Written:
        """Carries out one item write and returns when it is on disk."""
        return await self.database.write(lambda connection: self.writer.perform(connection, write), savepoint=False)

    def collection_size_range(self, table: Table, item: Item) -> list[float]:
        """Bounds, in gigabytes, of the item collection that `item` is in."""
        partition, _ = table.schema.encode(item)
        (size,) = self.database.reader.execute(rows.statements(table.rows).collection, (partition,)).fetchone()
        floor = float(size // GIGABYTE)
        return [floor, floor + 1.0]
