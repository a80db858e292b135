"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""

import hashlib
import sqlite3
from typing import TYPE_CHECKING, Any

import orjson

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import capacity
from stratus.services.dynamodb.access import on_transaction
from stratus.services.dynamodb.errors import SchemaMismatch, validation
from stratus.services.dynamodb.operations.item_writes import (
    check_request,
    collection_metrics,
    consumed_by,
    delete_request,
    put_request,
    update_request,
)
from stratus.services.dynamodb.request import refuse_mixed
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.writes import ItemWrite, Written
from stratus.wire.errors import AwsError

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

MAX_BYTES = 4 * 1024 * 1024
TOKEN_SECONDS = 600
REPEATED = "Transaction request cannot include multiple operations on one item"
KINDS = ("ConditionCheck", "Put", "Delete", "Update")

SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (token TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, expires REAL NOT NULL)
WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS transactions_expires ON transactions (expires);
"""


@operation("TransactWriteItems", on_transaction)
async def transact_write_items(service: "DynamoDb", call: Call) -> Result:
    """Up to 100 changes and checks, all or none; with a token, once in ten minutes."""
    request = call.params
    check("dynamodb", "TransactWriteItems", request)
    fingerprint = _fingerprint(request)
    writes: list[ItemWrite] = []
    reasons: list[AwsError | None] = []
    for member in request["TransactItems"]:
        try:
            writes.append(_write(service, call, member))
            reasons.append(None)
        except SchemaMismatch as reason:
            reasons.append(reason)
    if any(reasons):
        raise cancelled(reasons)
    if len({(write.table.id, write.key) for write in writes}) != len(writes):
        raise validation(REPEATED)
    token = request.get("ClientRequestToken")

    def work(connection: sqlite3.Connection) -> list[Written] | None:
        if token is not None and _done_before(connection, token, fingerprint, service.clock.now()):
            return None
        return _perform(service, connection, writes)

    return _answer(service, request, writes, await service.database.write(work))


def _fingerprint(request: dict[str, Any]) -> bytes:
    """What makes two requests with one token the same; how much they want to be told does not count."""
    return hashlib.sha256(orjson.dumps(request["TransactItems"], option=orjson.OPT_SORT_KEYS)).digest()


def _write(service: "DynamoDb", call: Call, member: dict[str, Any]) -> ItemWrite:
    given = [kind for kind in KINDS if member.get(kind) is not None]
    if not given:
        raise validation("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
    if len(given) > 1:
        raise validation("TransactItems can only contain one of Check, Put, Update or Delete")
    (kind,) = given
    request = member[kind]
    if kind == "Update":
        refuse_mixed(request, ("UpdateExpression", "ConditionExpression"), ())
        return update_request(service, call, request)[0]
    refuse_mixed(request, ("ConditionExpression",), ())
    prepare = {"Put": put_request, "Delete": delete_request, "ConditionCheck": check_request}[kind]
    return prepare(service, call, request)


def _done_before(connection: sqlite3.Connection, token: str, fingerprint: bytes, now: float) -> bool:
    """Whether the token's transaction has been carried out; if not, it is taken as carried out from now on."""
    found = connection.execute("SELECT fingerprint, expires FROM transactions WHERE token = ?", (token,)).fetchone()
    if found is not None and found[1] > now:
        if found[0] != fingerprint:
            raise AwsError(
                "IdempotentParameterMismatchException",
                "You retried a request with a different payload but with an idempotent token that was already used.",
            )
        return True
    connection.execute(
        "INSERT OR REPLACE INTO transactions (token, fingerprint, expires) VALUES (?, ?, ?)",
        (token, fingerprint, now + TOKEN_SECONDS),
    )
    return False


def _perform(service: "DynamoDb", connection: sqlite3.Connection, writes: list[ItemWrite]) -> list[Written]:
    """Every write is tried, so that every reason is told; one reason undoes all (the caller's savepoint)."""
    written: list[Written] = []
    reasons: list[AwsError | None] = []
    for write in writes:
        try:
            written.append(service.writer.perform(connection, write))
            reasons.append(None)
        except AwsError as reason:
            if reason.code not in _REASONS:
                raise
            reasons.append(reason)
    if any(reasons):
        raise cancelled(reasons)
    if sum(max(each.old.size if each.old else 0, each.new.size if each.new else 0) for each in written) > MAX_BYTES:
        raise validation("The aggregate size of the items in the transaction cannot exceed 4 MB")
    return written


_REASONS = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
}


def cancelled(reasons: list[AwsError | None]) -> AwsError:
    """TransactionCanceledException with one reason for each member of the transaction."""
    told = [{"Code": "None"} if reason is None else _reason(reason) for reason in reasons]
    codes = ", ".join(str(each["Code"]) for each in told)
    return AwsError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        members={"CancellationReasons": told},
    )


def _reason(reason: AwsError) -> dict[str, Any]:
    return {"Code": _REASONS[reason.code], "Message": reason.message} | reason.members


def _answer(
    service: "DynamoDb", request: dict[str, Any], writes: list[ItemWrite], written: list[Written] | None
) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    level = capacity.wanted(request)
    if written is None:  # carried out before: AWS charges a read
        if level:
            repeated: dict[str, capacity.Consumed] = {}
            for write in writes:
                name = write.table.name
                repeated.setdefault(name, capacity.Consumed(name)).table += 2 * capacity.read_units(0, consistent=True)
            answer["ConsumedCapacity"] = [each.render(level, kind="ReadCapacityUnits") for each in repeated.values()]
        return answer
    metrics: dict[str, list[Any]] = {}
    by_table: dict[str, capacity.Consumed] = {}
    for each in written:
        if level:
            by_table.setdefault(each.table.name, capacity.Consumed(each.table.name)).add(consumed_by(each, 2.0))
        found = collection_metrics(service, request, each)
        if found is not None:
            metrics.setdefault(each.table.name, []).append(found)
    if level:
        answer["ConsumedCapacity"] = [each.render(level, kind="WriteCapacityUnits") for each in by_table.values()]
    if metrics:
        answer["ItemCollectionMetrics"] = metrics
    return answer
