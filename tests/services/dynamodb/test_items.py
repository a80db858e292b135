"""PutItem, GetItem, UpdateItem, DeleteItem: what they hold, and what they refuse in AWS's words."""

from typing import Any

import pytest
from harness import Harness

from stratus.wire.errors import AwsError

KEY = {"pk": {"S": "a"}}


async def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(AwsError) as error:
        await call
    return error.value.code, error.value.message


async def test_an_item_comes_back_in_canonical_form(dynamodb: Harness) -> None:
    await dynamodb.table()
    sent = {
        **KEY,
        "n": {"N": "0012.50"},
        "e": {"N": "1e3"},
        "set": {"SS": ["z", "a"]},
        "numbers": {"NS": ["10", "9", "-1"]},
        "blobs": {"BS": ["Yg==", "YQ=="]},
        "deep": {"L": [{"M": {"x": {"N": "-0.0"}}}]},
    }
    await dynamodb("PutItem", TableName="things", Item=sent)
    assert (await dynamodb("GetItem", TableName="things", Key=KEY))["Item"] == {
        **KEY,
        "n": {"N": "12.5"},
        "e": {"N": "1000"},
        "set": {"SS": ["a", "z"]},
        "numbers": {"NS": ["-1", "9", "10"]},
        "blobs": {"BS": ["YQ==", "Yg=="]},
        "deep": {"L": [{"M": {"x": {"N": "0"}}}]},
    }


BAD_VALUES: list[tuple[Any, str, str]] = [
    ("x", "SerializationException", "Unexpected value type in payload"),
    ([], "SerializationException", "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"),
    (None, "SerializationException", "Unexpected value type in payload"),
    ({}, "ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"X": "a"}, "ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"S": None}, "ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"S": "a", "N": "1"}, "ValidationException", "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
    ({"S": 5}, "SerializationException", "NUMBER_VALUE cannot be converted to String"),
    ({"S": 5.5}, "SerializationException", "DECIMAL_VALUE cannot be converted to String"),
    ({"S": True}, "SerializationException", "TRUE_VALUE cannot be converted to String"),
    ({"S": []}, "SerializationException", "Unrecognized collection type class java.lang.String"),
    ({"S": {}}, "SerializationException", "Start of structure or map found where not expected"),
    ({"N": 5}, "SerializationException", "NUMBER_VALUE cannot be converted to String"),
    ({"BOOL": "maybe"}, "SerializationException", "Unexpected token received from parser"),
    ({"BOOL": 1}, "SerializationException", "NUMBER_VALUE cannot be converted to Boolean"),
    ({"NULL": False}, "ValidationException", "One or more parameter values were invalid: Null attribute value types must have the value of true"),
    ({"B": 5}, "SerializationException", "only base-64-encoded strings are convertible to bytes"),
    ({"B": "abc"}, "SerializationException", "Base64 encoded length is expected a multiple of 4 bytes but found: 3"),
    ({"B": "YR=="}, "SerializationException", "Invalid last non-pad Base64 character dectected"),
    ({"B": "é==="}, "SerializationException", "Invalid last non-pad Base64 character dectected"),
    ({"L": {}}, "SerializationException", "Start of structure or map found where not expected"),
    ({"L": "x"}, "SerializationException", "Unexpected field type"),
    ({"M": []}, "SerializationException", "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"),
    ({"SS": []}, "ValidationException", "One or more parameter values were invalid: An string set  may not be empty"),
    ({"SS": ["a", "a"]}, "ValidationException", "One or more parameter values were invalid: Input collection [a, a] contains duplicates."),
    ({"NS": ["1", "1.0"]}, "ValidationException", "Input collection contains duplicates"),
    ({"BS": ["YQ==", "YQ=="]}, "ValidationException", "One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS contains duplicates."),
    ({"SS": [1]}, "SerializationException", "NUMBER_VALUE cannot be converted to String"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "code", "message"), BAD_VALUES)
async def test_a_bad_value_is_refused(dynamodb: Harness, value: Any, code: str, message: str) -> None:
    await dynamodb.table()
    assert await refused(dynamodb("PutItem", TableName="things", Item={**KEY, "v": value})) == (code, message)
    nested = {"L": [{"M": {"x": value}}]}
    assert await refused(dynamodb("PutItem", TableName="things", Item={**KEY, "v": nested})) == (code, message)


async def test_an_item_of_400_kilobytes_is_held_and_not_one_byte_more(dynamodb: Harness) -> None:
    await dynamodb.table()
    room = 400 * 1024 - len("pk") - len("a") - len("v")
    await dynamodb("PutItem", TableName="things", Item={**KEY, "v": {"S": "x" * room}})
    too_large = dynamodb("PutItem", TableName="things", Item={**KEY, "v": {"S": "x" * (room + 1)}})
    assert await refused(too_large) == ("ValidationException", "Item size has exceeded the maximum allowed size")
    grown = dynamodb(
        "UpdateItem",
        TableName="things",
        Key=KEY,
        UpdateExpression="SET w = :w",
        ExpressionAttributeValues={":w": {"S": "x"}},
    )
    assert await refused(grown) == ("ValidationException", "Item size to update has exceeded the maximum allowed size")


async def test_key_sizes_are_bounded(dynamodb: Harness) -> None:
    await dynamodb.table(sort="S")

    def put(partition: int, sort: int) -> Any:
        return dynamodb("PutItem", TableName="things", Item={"pk": {"S": "p" * partition}, "sk": {"S": "s" * sort}})

    await put(2048, 1024)
    assert (await refused(put(2049, 1)))[1].endswith("Size of hashkey has exceeded the maximum size limit of2048 bytes")
    assert (await refused(put(1, 1025)))[1].endswith("the size limit of 1024 bytes")


@pytest.mark.parametrize(("levels", "fits"), [(32, True), (33, False)])
async def test_nesting_is_bounded(dynamodb: Harness, levels: int, fits: bool) -> None:
    await dynamodb.table()
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    put = dynamodb("PutItem", TableName="things", Item={**KEY, "v": value})
    if fits:
        await put
    else:
        assert (await refused(put))[1].startswith("Nesting Levels have exceeded supported limits")


async def test_deep_nesting_ends_in_an_error_not_in_the_stack(dynamodb: Harness) -> None:
    await dynamodb.table()
    value: dict[str, Any] = {"S": "x"}
    for _ in range(400):
        value = {"M": {"x": value}}
    assert (await refused(dynamodb("PutItem", TableName="things", Item={**KEY, "v": value})))[
        0
    ] == "ValidationException"
    for text in ("(" * 2000 + "a = :v" + ")" * 2000, "NOT " * 1000 + "a = :v"):
        put = dynamodb(
            "PutItem",
            TableName="things",
            Item=KEY,
            ConditionExpression=text,
            ExpressionAttributeValues={":v": {"S": "x"}},
        )
        assert (await refused(put))[0] == "ValidationException"


BAD_REQUESTS: list[tuple[str, dict[str, Any], str]] = [
    ("GetItem", {}, "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'key' failed to satisfy constraint: Member must not be null"),
    ("GetItem", {"TableName": "things", "Key": {}}, "The provided key element does not match the schema"),
    ("GetItem", {"TableName": "things", "Key": {"pk": {"N": "1"}}}, "The provided key element does not match the schema"),
    ("GetItem", {"TableName": "things", "Key": {"pk": {"S": ""}}}, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"),
    ("GetItem", {"TableName": "x", "Key": KEY}, "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"),
    ("GetItem", {"TableName": "things", "Key": KEY, "ReturnConsumedCapacity": "ALL"}, "1 validation error detected: Value 'ALL' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"),
    ("GetItem", {"TableName": "things", "Key": KEY, "ExpressionAttributeNames": {"#a": "b"}}, "ExpressionAttributeNames can only be specified when using expressions"),
    ("PutItem", {"TableName": "things", "Item": {"v": {"S": "x"}}}, "One or more parameter values were invalid: Missing the key pk in the item"),
    ("PutItem", {"TableName": "things", "Item": {"pk": {"N": "1"}}}, "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"),
    ("PutItem", {"TableName": "things", "Item": KEY, "ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
    ("PutItem", {"TableName": "things", "Item": KEY, "ExpressionAttributeValues": {":a": {"S": "b"}}}, "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"),
    ("UpdateItem", {"TableName": "things", "Key": KEY, "UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}, "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "params", "message"), BAD_REQUESTS)
async def test_a_bad_request_is_refused(
    dynamodb: Harness, operation: str, params: dict[str, Any], message: str
) -> None:
    await dynamodb.table()
    assert await refused(dynamodb(operation, **params)) == ("ValidationException", message)


async def test_what_is_not_done_is_refused_by_name(dynamodb: Harness) -> None:
    await dynamodb.table()
    put = dynamodb("PutItem", TableName="things", Item=KEY, Expected={"a": {"Exists": False}})
    assert await refused(put) == ("NotImplemented", "Stratus does not implement dynamodb PutItem with Expected.")


async def test_a_table_that_is_not_there(dynamodb: Harness) -> None:
    code, message = await refused(dynamodb("GetItem", TableName="nowhere", Key=KEY))
    assert (code, message) == ("ResourceNotFoundException", "Requested resource not found")
    code, message = await refused(dynamodb("DescribeTable", TableName="nowhere"))
    assert message == "Requested resource not found: Table: nowhere not found"


async def test_a_failed_condition_brings_the_item_if_asked(dynamodb: Harness) -> None:
    await dynamodb.table()
    await dynamodb("PutItem", TableName="things", Item=KEY)
    with pytest.raises(AwsError) as error:
        await dynamodb(
            "PutItem",
            TableName="things",
            Item=KEY,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert error.value.code == "ConditionalCheckFailedException"
    assert error.value.members == {"Item": KEY}


async def test_updated_values_are_the_nested_ones_alone(dynamodb: Harness) -> None:
    """DynamoDB Local returns the whole attribute; the service only what was updated, as its Getting Started guide shows."""
    await dynamodb.table()
    await dynamodb(
        "PutItem", TableName="things", Item={**KEY, "info": {"M": {"rating": {"N": "5"}, "plot": {"S": "?"}}}}
    )
    updated = await dynamodb(
        "UpdateItem",
        TableName="things",
        Key=KEY,
        UpdateExpression="SET info.rating = info.rating + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    assert updated == {"Attributes": {"info": {"M": {"rating": {"N": "6"}}}}}


async def test_a_table_may_be_named_by_its_arn(dynamodb: Harness) -> None:
    await dynamodb.table()
    arn = (await dynamodb("DescribeTable", TableName="things"))["Table"]["TableArn"]
    await dynamodb("PutItem", TableName=arn, Item=KEY)
    assert (await dynamodb("GetItem", TableName="things", Key=KEY))["Item"] == KEY
    foreign = arn.replace("123456789012", "999999999999")
    assert (await refused(dynamodb("GetItem", TableName=foreign, Key=KEY)))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("expression", ["SET colour = :v", "SET colour = hue", "ADD colour :v"])
async def test_an_update_may_not_give_an_index_key_another_type(dynamodb: Harness, expression: str) -> None:
    """DynamoDB Local lets it through; the service names type and index (recorded by dynalite)."""
    await dynamodb.table(
        AttributeDefinitions=[{"AttributeName": "colour", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-colour",
                "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    await dynamodb("PutItem", TableName="things", Item={**KEY, "hue": {"N": "1"}})
    values = {"ExpressionAttributeValues": {":v": {"N": "1"}}} if ":v" in expression else {}
    update = dynamodb("UpdateItem", TableName="things", Key=KEY, UpdateExpression=expression, **values)
    message = "Type mismatch for Index Key colour Expected: S Actual: N IndexName: by-colour"
    assert await refused(update) == ("ValidationException", f"One or more parameter values were invalid: {message}")
