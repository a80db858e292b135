"""boto3, unmodified, against the whole cloud."""

import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud_under_test import CloudUnderTest


def a_table(client: Any) -> str:
    name = f"clients-{uuid.uuid4().hex[:8]}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.get_waiter("table_exists").wait(TableName=name)
    return name


def test_items_go_in_and_come_out_as_python_knows_them(cloud: "CloudUnderTest") -> None:
    client = cloud.client("dynamodb")
    name = a_table(client)
    item = {"pk": {"S": "a"}, "sk": {"N": "1.5"}, "blob": {"B": b"\x00\xff"}, "tags": {"SS": ["x", "y"]}}
    client.put_item(TableName=name, Item=item)
    assert client.get_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})["Item"] == item
    found = client.query(
        TableName=name,
        KeyConditionExpression="pk = :p AND sk BETWEEN :l AND :h",
        ExpressionAttributeValues={":p": {"S": "a"}, ":l": {"N": "1"}, ":h": {"N": "2"}},
        ReturnConsumedCapacity="TOTAL",
    )
    assert (found["Count"], found["ConsumedCapacity"]["CapacityUnits"]) == (1, 0.5)


def test_modelled_errors_arrive_as_their_classes_with_their_members(cloud: "CloudUnderTest") -> None:
    client = cloud.client("dynamodb")
    name = a_table(client)
    item = {"pk": {"S": "a"}, "sk": {"N": "1"}}
    client.put_item(TableName=name, Item=item)
    guarded = {
        "TableName": name,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as failed:
        client.put_item(**guarded)
    assert failed.value.response["Item"] == item
    with pytest.raises(client.exceptions.TransactionCanceledException) as cancelled:
        client.transact_write_items(TransactItems=[{"Put": guarded}])
    (reason,) = cancelled.value.response["CancellationReasons"]
    assert (reason["Code"], reason["Item"]) == ("ConditionalCheckFailed", item)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_item(TableName="nowhere", Key={"pk": {"S": "a"}})


def test_the_paginator_follows_filtered_pages(cloud: "CloudUnderTest") -> None:
    client = cloud.client("dynamodb")
    name = a_table(client)
    for number in range(30):
        client.put_item(
            TableName=name, Item={"pk": {"S": "a"}, "sk": {"N": str(number)}, "even": {"BOOL": number % 2 == 0}}
        )
    names, values = (
        {"#pk": "pk", "#sk": "sk", "#even": "even"},
        {":p": {"S": "a"}, ":s": {"N": "10"}, ":t": {"BOOL": True}},
    )
    pages = client.get_paginator("query").paginate(
        TableName=name,
        KeyConditionExpression="#pk = :p AND #sk >= :s",
        FilterExpression="#even = :t",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        PaginationConfig={"PageSize": 3},
    )
    assert [item["sk"]["N"] for page in pages for item in page["Items"]] == [str(each) for each in range(10, 30, 2)]


def test_the_stream_is_read_with_its_own_client(cloud: "CloudUnderTest") -> None:
    client, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    name = a_table(client)
    client.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"N": "1"}})
    arn = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    (record,) = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert (record["eventName"], record["dynamodb"]["NewImage"]["pk"]) == ("INSERT", {"S": "a"})


def test_what_is_not_there_is_refused_by_name(cloud: "CloudUnderTest") -> None:
    client = cloud.client("dynamodb")
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.execute_statement(Statement="SELECT * FROM x")
    assert "ExecuteStatement" in refused.value.response["Error"]["Message"]
