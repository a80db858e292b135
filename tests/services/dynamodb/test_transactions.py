"""Batches and transactions: all or nothing, once, and why not."""

from typing import Any

import pytest
from harness import Harness

from stratus.wire.errors import AwsError


def put(pk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "things", "Item": {"pk": {"S": pk}}, **more}}


async def stored(dynamodb: Harness) -> set[str]:
    return {item["pk"]["S"] for item in (await dynamodb("Scan", TableName="things"))["Items"]}


async def cancelled(call: Any) -> list[dict[str, Any]]:
    with pytest.raises(AwsError) as error:
        await call
    assert error.value.code == "TransactionCanceledException", error.value
    reasons: list[dict[str, Any]] = error.value.members["CancellationReasons"]
    codes = ", ".join(reason["Code"] for reason in reasons)
    assert error.value.message.endswith(f"[{codes}]")
    return reasons


async def test_one_failed_condition_undoes_all_and_is_told_in_its_place(dynamodb: Harness) -> None:
    await dynamodb.table()
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "b"}})
    guarded = put("b", ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    reasons = await cancelled(dynamodb("TransactWriteItems", TransactItems=[put("a"), guarded, put("c")]))
    assert reasons == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {"pk": {"S": "b"}},
        },
        {"Code": "None"},
    ]
    assert await stored(dynamodb) == {"b"}


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (
            {"Update": {"TableName": "things", "Key": {"pk": {"S": "z"}}, "UpdateExpression": "SET a = b"}},
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            {"Update": {"TableName": "things", "Key": {"pk": {"S": "z"}}, "UpdateExpression": "REMOVE a.b"}},
            "The document path provided in the update expression is invalid for update",
        ),
        ({"Delete": {"TableName": "things", "Key": {"no": {"S": "z"}}}}, "The provided key element does not match the schema"),
        (
            {"Put": {"TableName": "things", "Item": {"pk": {"N": "1"}}}},
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
        ),
    ],
)  # fmt: skip
async def test_what_the_item_does_not_allow_is_a_reason(
    dynamodb: Harness, member: dict[str, Any], message: str
) -> None:
    await dynamodb.table()
    reasons = await cancelled(dynamodb("TransactWriteItems", TransactItems=[put("a"), member]))
    assert reasons == [{"Code": "None"}, {"Code": "ValidationError", "Message": message}]
    assert await stored(dynamodb) == set()


async def test_a_token_makes_it_happen_once_within_ten_minutes(dynamodb: Harness) -> None:
    await dynamodb.table()
    add = {
        "Update": {
            "TableName": "things",
            "Key": {"pk": {"S": "counter"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }

    async def count() -> str:
        item = (await dynamodb("GetItem", TableName="things", Key={"pk": {"S": "counter"}}))["Item"]
        return str(item["n"]["N"])

    first = await dynamodb(
        "TransactWriteItems", TransactItems=[add], ClientRequestToken="t", ReturnConsumedCapacity="TOTAL"
    )
    again = await dynamodb(
        "TransactWriteItems", TransactItems=[add], ClientRequestToken="t", ReturnConsumedCapacity="TOTAL"
    )
    assert await count() == "1"
    assert "WriteCapacityUnits" in first["ConsumedCapacity"][0]
    assert "ReadCapacityUnits" in again["ConsumedCapacity"][0]
    with pytest.raises(AwsError) as error:
        await dynamodb("TransactWriteItems", TransactItems=[put("other")], ClientRequestToken="t")
    assert error.value.code == "IdempotentParameterMismatchException"
    dynamodb.clock.advance(601)
    await dynamodb("TransactWriteItems", TransactItems=[add], ClientRequestToken="t")
    assert await count() == "2"


async def test_tokens_are_forgotten(dynamodb: Harness) -> None:
    await dynamodb.table()
    for number in range(5):
        await dynamodb("TransactWriteItems", TransactItems=[put("a")], ClientRequestToken=f"t{number}")
    dynamodb.clock.advance(601)
    await dynamodb.service.jobs.sweep()
    assert dynamodb.service.database.reader.execute("SELECT COUNT(*) FROM transactions").fetchone() == (0,)


async def test_a_cancelled_transaction_does_not_use_up_its_token(dynamodb: Harness) -> None:
    await dynamodb.table()
    guarded = [put("a", ConditionExpression="attribute_exists(pk)")]
    await cancelled(dynamodb("TransactWriteItems", TransactItems=guarded, ClientRequestToken="t"))
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "a"}})
    await dynamodb("TransactWriteItems", TransactItems=guarded, ClientRequestToken="t")


@pytest.mark.parametrize(
    ("members", "start"),
    [
        ([], "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        ([put(str(number)) for number in range(101)], "1 validation error detected: Value '["),
        ([put("a"), put("a")], "Transaction request cannot include multiple operations on one item"),
        ([{}], "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"),
        ([{**put("a"), "Delete": {"TableName": "things", "Key": {"pk": {"S": "b"}}}}], "TransactItems can only contain one of Check, Put, Update or Delete"),
        ([{"Put": {"TableName": "things", "Item": {"pk": {"S": str(number)}, "v": {"S": "x" * 390_000}}}} for number in range(11)], "The aggregate size of the items in the transaction cannot exceed 4 MB"),
    ],
)  # fmt: skip
async def test_a_bad_transaction_is_refused(dynamodb: Harness, members: list[Any], start: str) -> None:
    await dynamodb.table()
    with pytest.raises(AwsError) as error:
        await dynamodb("TransactWriteItems", TransactItems=members)
    assert error.value.code == "ValidationException"
    assert error.value.message.startswith(start)
    assert await stored(dynamodb) == set()


async def test_a_batch_of_more_than_16_megabytes_leaves_keys_unprocessed(dynamodb: Harness) -> None:
    await dynamodb.table()
    for number in range(45):
        item = {"pk": {"S": str(number)}, "v": {"S": "x" * 380_000}}
        await dynamodb("PutItem", TableName="things", Item=item)
    keys = [{"pk": {"S": str(number)}} for number in range(45)]
    answer = await dynamodb("BatchGetItem", RequestItems={"things": {"Keys": keys}})
    left = answer["UnprocessedKeys"]["things"]["Keys"]
    assert len(answer["Responses"]["things"]) + len(left) == 45
    assert left == keys[-len(left) :]


@pytest.mark.parametrize(
    ("operation", "items", "start"),
    [
        ("BatchGetItem", {"things": {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "a"}}]}}, "Provided list of item keys contains duplicates"),
        ("BatchGetItem", {name: {"Keys": [{"pk": {"S": str(number)}} for number in range(51)]} for name in ("things", "other")}, "Too many items requested for the BatchGetItem call"),
        ("BatchWriteItem", {"things": [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}, {"DeleteRequest": {"Key": {"pk": {"S": "a"}}}}]}, "Provided list of item keys contains duplicates"),
        ("BatchWriteItem", {"things": [{}]}, "Supplied AttributeValue has more than one datatypes set"),
        ("BatchWriteItem", {}, "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        ("BatchWriteItem", {"things": [{"PutRequest": {"Item": {"pk": {"S": str(number)}}}} for number in range(26)]}, "1 validation error detected: Value '{"),
    ],
)  # fmt: skip
async def test_a_bad_batch_is_refused(dynamodb: Harness, operation: str, items: Any, start: str) -> None:
    await dynamodb.table()
    with pytest.raises(AwsError) as error:
        await dynamodb(operation, RequestItems=items)
    assert error.value.message.startswith(start)
