"""What policies see of a request."""

from typing import Any

import pytest
from harness import Harness

ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/things"


async def test_an_item_shows_its_partition_key_and_its_attributes(dynamodb: Harness) -> None:
    await dynamodb.table(sort="N")
    item = {"pk": {"S": "me"}, "sk": {"N": "1"}, "v": {"S": "x"}}
    (put,) = dynamodb.access("PutItem", TableName="things", Item=item)
    assert (put.action, put.resource) == ("dynamodb:PutItem", ARN)
    assert put.context["dynamodb:LeadingKeys"] == ("me",)
    assert set(put.context["dynamodb:Attributes"]) == {"pk", "sk", "v"}
    (update,) = dynamodb.access(
        "UpdateItem",
        TableName="things",
        Key={"pk": {"S": "me"}, "sk": {"N": "1"}},
        UpdateExpression="SET #a.b = c",
        ConditionExpression="attribute_exists(d[0])",
        ExpressionAttributeNames={"#a": "name"},
        ReturnValues="ALL_NEW",
    )
    assert set(update.context["dynamodb:Attributes"]) == {"pk", "sk", "name", "c", "d"}
    assert update.context["dynamodb:ReturnValues"] == ("ALL_NEW",)


@pytest.mark.parametrize(
    ("condition", "names"),
    [("pk = :p", {}), (":p = #k AND sk > :s", {"#k": "pk"}), ("(sk > :s) AND (pk = (:p))", {})],
)
async def test_a_query_shows_the_partition_key_of_its_condition(
    dynamodb: Harness, condition: str, names: dict[str, str]
) -> None:
    await dynamodb.table(sort="N")
    more = {"ExpressionAttributeNames": names} if names else {}
    (access,) = dynamodb.access(
        "Query",
        TableName="things",
        KeyConditionExpression=condition,
        ExpressionAttributeValues={":p": {"S": "me"}, ":s": {"N": "1"}},
        **more,
    )
    assert access.context["dynamodb:LeadingKeys"] == ("me",)
    assert access.context["dynamodb:Select"] == ("ALL_ATTRIBUTES",)


@pytest.mark.parametrize(
    "value", [{"X": "me", "S": "you"}, {"N": None, "S": "you"}, {"X": {"S": "me"}, "B": None, "S": "you"}]
)
async def test_members_that_are_dropped_do_not_hide_the_key_that_is_used(
    dynamodb: Harness, value: dict[str, Any]
) -> None:
    """GIVEN a value with members that AWS ignores WHEN it is judged THEN by the key that the operation will use."""
    await dynamodb.table()
    await dynamodb("PutItem", TableName="things", Item={"pk": {"S": "you"}})
    (access,) = dynamodb.access("GetItem", TableName="things", Key={"pk": value})
    assert access.context["dynamodb:LeadingKeys"] == ("you",)
    assert (await dynamodb("GetItem", TableName="things", Key={"pk": value}))["Item"] == {"pk": {"S": "you"}}


async def test_an_index_is_a_resource_of_its_own(dynamodb: Harness) -> None:
    (access,) = dynamodb.access("Scan", TableName="things", IndexName="by-colour")
    assert access.resource == f"{ARN}/index/by-colour"
    assert access.context["dynamodb:Select"] == ("ALL_PROJECTED_ATTRIBUTES",)


async def test_batches_and_transactions_are_judged_table_by_table_and_item_by_item(dynamodb: Harness) -> None:
    await dynamodb.table()
    await dynamodb.table("others")
    keys = [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}]
    found = dynamodb.access("BatchGetItem", RequestItems={"things": {"Keys": keys}, "others": {"Keys": keys[:1]}})
    assert [(each.action, each.context["dynamodb:LeadingKeys"]) for each in found] == [
        ("dynamodb:BatchGetItem", ("a", "b")),
        ("dynamodb:BatchGetItem", ("a",)),
    ]
    writes = [{"PutRequest": {"Item": keys[0]}}, {"DeleteRequest": {"Key": keys[1]}}]
    (batch,) = dynamodb.access("BatchWriteItem", RequestItems={"things": writes})
    assert batch.context["dynamodb:LeadingKeys"] == ("a", "b")
    members = [
        {"Put": {"TableName": "things", "Item": keys[0]}},
        {"Delete": {"TableName": "others", "Key": keys[1]}},
        {"ConditionCheck": {"TableName": "things", "Key": keys[1], "ConditionExpression": "x = y"}},
    ]
    judged = dynamodb.access("TransactWriteItems", TransactItems=members)
    assert [each.action for each in judged] == [
        "dynamodb:PutItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
    ]
    assert judged[0].context["dynamodb:EnclosingOperation"] == ("TransactWriteItems",)


@pytest.mark.parametrize("operation", sorted(Harness.operations()))
@pytest.mark.parametrize(
    "params",
    [{}, {"TableName": 5, "RequestItems": 5, "TransactItems": 5, "Key": [], "Item": "x"}, {"TransactItems": [5, {"Put": 5}], "RequestItems": {"things": 5}}],
)  # fmt: skip
async def test_malformed_requests_are_judged_without_falling_over(
    dynamodb: Harness, operation: str, params: dict[str, Any]
) -> None:
    dynamodb.access(operation, **params)
