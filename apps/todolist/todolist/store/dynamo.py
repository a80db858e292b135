"""DynamoDB through pydynox, whose core is Rust: a quarter of boto3's time for a Query of 50 items.

`tests/test_dynamo_client.py` holds that it answers, refuses and retries as boto3 does, for the calls made here.
The endpoint, region and credentials come from the environment (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), as boto3 takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydynox import pydynox_core

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .items import Item

CONNECT_SECONDS = 2
READ_SECONDS = 5
ATTEMPTS = 3


class Conflict(Exception):  # noqa: N818 - what happened, not a fault
    """Another write came in between: nothing was written."""


class Overloaded(Exception):  # noqa: N818 - likewise
    """The table is throttled or out of reach, after all retries."""


class TooLarge(Exception):  # noqa: N818 - likewise
    """A transaction, or an item in it, is larger than DynamoDB takes."""


class Dynamo:
    """The few calls that the store makes, of one table. Keys are `pk` and `sk`."""

    def __init__(self, table: str, client: pydynox_core.DynamoDBClient | None = None) -> None:
        self._table = table
        # Any, because pydynox's stubs leave out the sync_ calls that its core has.
        self._client: Any = client or pydynox_core.DynamoDBClient(
            connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, max_retries=ATTEMPTS
        )

    def get(self, user: str, sort_key: str, *, consistent: bool) -> Item | None:
        try:
            found, _ = self._client.sync_get_item(self._table, {"pk": user, "sk": sort_key}, consistent_read=consistent)
        except pydynox_core.PydynoxException as error:
            raise _translated(error) from error
        item: Item | None = found
        return item

    def query(
        self,
        user: str,
        sort_attribute: str,
        low: Any,
        high: Any,
        *,
        index: str | None = None,
        start: Item | None = None,
        limit: int | None = None,
        forward: bool = True,
        consistent: bool = False,
    ) -> tuple[list[Item], Item | None]:
        """One page (at most 1 MB) of the items between `low` and `high`, and the key to go on after it, if any."""
        try:
            items, last, _ = self._client.sync_query_page(
                self._table,
                f"pk = :p AND {sort_attribute} BETWEEN :l AND :h",
                expression_attribute_values={":p": user, ":l": low, ":h": high},
                limit=limit,
                exclusive_start_key=start,
                scan_index_forward=forward,
                index_name=index,
                consistent_read=consistent,
            )
        except pydynox_core.PydynoxException as error:
            raise _translated(error) from error
        return items, last

    def pages(self, user: str, low: str, high: str) -> Iterator[list[Item]]:
        """All items whose `sk` is between `low` and `high`, a page at a time, read strongly consistent."""
        start: Item | None = None
        while True:
            items, start = self.query(user, "sk", low, high, start=start, consistent=True)
            yield items
            if start is None:
                return

    def get_together(self, user: str, sort_keys: list[str]) -> list[Item | None]:
        """Items as they were at one moment (TransactGetItems). Raises Conflict while a write of them is under way."""
        gets = [{"table": self._table, "key": {"pk": user, "sk": sort_key}} for sort_key in sort_keys]
        try:
            found: list[Item | None] = self._client.sync_transact_get(gets)
        except pydynox_core.PydynoxException as error:
            raise _translated(error) from error
        return found

    def write_together(self, operations: list[dict[str, Any]]) -> None:
        """All of the operations or none (TransactWriteItems). Raises Conflict when a condition does not hold."""
        try:
            self._client.sync_transact_write([{"table": self._table, **operation} for operation in operations])
        except pydynox_core.PydynoxException as error:
            raise _translated(error) from error

    def put(self, item: Item, unless_changed: tuple[str, Any] | None = None) -> None:
        """Replaces an item; with `unless_changed` (attribute, value) only if it still has that. Raises Conflict."""
        condition: dict[str, Any] = {}
        if unless_changed:
            attribute, seen = unless_changed
            condition = {
                "condition_expression": f"{attribute} = :seen",
                "expression_attribute_values": {":seen": seen},
            }
        try:
            self._client.sync_put_item(self._table, item, **condition)
        except pydynox_core.PydynoxException as error:
            raise _translated(error) from error

    def delete(self, user: str, sort_keys: list[str]) -> None:
        """Deletes up to any number of items, in batches; a repeat does no harm."""
        try:
            self._client.sync_batch_write(self._table, [], [{"pk": user, "sk": sort_key} for sort_key in sort_keys])
        except pydynox_core.PydynoxException as error:
            raise _translated(error) from error


_CONFLICTS = ("ConditionalCheckFailed", "TransactionConflict")
_OVERLOADS = ("ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded")


def _translated(error: pydynox_core.PydynoxException) -> Exception:
    """The error in the store's words. pydynox gives DynamoDB's message, which lists the code of each operation."""
    text = str(error)
    if isinstance(error, pydynox_core.ConditionalCheckFailedException):
        return Conflict(text)
    if isinstance(error, pydynox_core.TransactionCanceledException):
        if any(code in text for code in _CONFLICTS):
            return Conflict(text)
        return Overloaded(text) if any(code in text for code in _OVERLOADS) else TooLarge(text)
    if isinstance(error, pydynox_core.ProvisionedThroughputExceededException | pydynox_core.ConnectionException):
        return Overloaded(text)
    if isinstance(error, pydynox_core.ValidationException) and "size" in text:
        return TooLarge(text)
    return error
