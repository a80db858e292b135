"""Amazon DynamoDB: one instance per region, one SQLite file."""

from typing import Any

from stratus.service import Call, Service, Surroundings
from stratus.services.dynamodb import catalog, rows, streams
from stratus.services.dynamodb.catalog import Catalog, table_name
from stratus.services.dynamodb.census import Census
from stratus.services.dynamodb.description import describe
from stratus.services.dynamodb.errors import table_not_found
from stratus.services.dynamodb.jobs import Jobs
from stratus.services.dynamodb.operations import (
    batch_get_item,
    batch_write_item,
    continuous_backups,
    create_table,
    delete_item,
    delete_table,
    describe_table,
    get_item,
    list_tables,
    put_item,
    query,
    resource_policy,
    scan,
    tags,
    time_to_live,
    transact_get_items,
    transact_write_items,
    update_item,
    update_table,
)
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
    list_tables = list_tables.list_tables
    update_table = update_table.update_table
    delete_table = delete_table.delete_table
    put_item = put_item.put_item
    get_item = get_item.get_item
    update_item = update_item.update_item
    delete_item = delete_item.delete_item
    query = query.query
    scan = scan.scan
    batch_get_item = batch_get_item.batch_get_item
    batch_write_item = batch_write_item.batch_write_item
    transact_get_items = transact_get_items.transact_get_items
    transact_write_items = transact_write_items.transact_write_items
    update_time_to_live = time_to_live.update_time_to_live
    describe_time_to_live = time_to_live.describe_time_to_live
    update_continuous_backups = continuous_backups.update_continuous_backups
    describe_continuous_backups = continuous_backups.describe_continuous_backups
    tag_resource = tags.tag_resource
    untag_resource = tags.untag_resource
    list_tags_of_resource = tags.list_tags_of_resource
    put_resource_policy = resource_policy.put_resource_policy
    get_resource_policy = resource_policy.get_resource_policy
    delete_resource_policy = resource_policy.delete_resource_policy

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.clock = surroundings.clock
        schema = catalog.SCHEMA + streams.SCHEMA + transact_write_items.SCHEMA
        self.database = Database(surroundings.directory / "dynamodb.sqlite", schema)
        self.catalog = Catalog(self.database)
        self.census = Census(self.database)
        self.log = StreamLog(self.database.reader, self.clock)
        self.writer = Writer(self.catalog, self.log)
        self.jobs = Jobs(self)

    async def start(self) -> None:
        self.jobs.start()

    async def stop(self) -> None:
        await self.jobs.stop()
        await self.database.close()

    def resource_policy(self, resource: str) -> str | None:
        """A table's policy guards its indexes too."""
        name = resource.partition(":table/")[2].partition("/index/")[0]
        table = self.catalog.find(name)
        return None if table is None else table.state.get("ResourcePolicy")

    def table(self, call: Call, request: dict[str, Any] | None = None) -> Table:
        """The table that an item operation means. Raises ResourceNotFoundException."""
        given = (request or call.params)["TableName"]
        return self.catalog.find_active(given) or self.catalog.named(table_name(given, call.region, call.account))

    def described_table(self, call: Call) -> Table:
        """The table that a control-plane operation means. Raises ResourceNotFoundException with its name."""
        return self.catalog.described(table_name(call.params["TableName"], call.region, call.account))

    def table_of_arn(self, arn: str) -> Table:
        """Raises ResourceNotFoundException where it is no table of ours."""
        for table in self.catalog.tables():
            if self.arn(table) == arn:
                return table
        raise table_not_found()

    def table_or_none(self, given: Any) -> Table | None:
        """The table of that name or ARN, for access rules, which judge requests before they are checked."""
        return self.catalog.find(given.rpartition("/")[2]) if isinstance(given, str) else None

    def arn(self, table: Table) -> str:
        return f"arn:aws:dynamodb:{self.surroundings.region}:{self.surroundings.account}:table/{table.name}"

    def description(self, table: Table, counts: dict[str, tuple[int, int]]) -> dict[str, Any]:
        return describe(table.state, self.arn(table), counts)

    async def counts(self, table: Table) -> dict[str, tuple[int, int]]:
        """Items and bytes of a table ("") and of its indexes; nothing of one that is being deleted."""
        return {} if table.status == "DELETING" else await self.census.count(table)

    async def write(self, write: ItemWrite) -> Written:
        """Carries out one item write and returns when it is on disk."""
        return await self.database.write(lambda connection: self.writer.perform(connection, write), savepoint=False)

    def collection_size_range(self, table: Table, item: Item) -> list[float]:
        """Bounds, in gigabytes, of the item collection that `item` is in."""
        partition, _ = table.schema.encode(item)
        (size,) = self.database.reader.execute(rows.statements(table.rows).collection, (partition,)).fetchone()
        floor = float(size // GIGABYTE)
        return [floor, floor + 1.0]
