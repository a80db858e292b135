"""DynamoDB over HTTP, 16 raw connections: PutItem, GetItem, UpdateItem, Query of 50; and Query with Limit=1 in a large partition."""

import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

from bench.driver import measure
from bench.load import Outcome
from bench.requests import signed
from bench.servers import Server

TABLE = "bench"
ITEMS = 22_000
"""All different: a PutItem that changes nothing is spared the write, there as here."""
COUNTS = {"PutItem": 20_000, "GetItem": 20_000, "UpdateItem": 20_000, "Query": 8_000}


def prepare(server: Server) -> None:
    server.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    _fill(server, "page", 50)


def operations(server: Server) -> Iterator[tuple[str, Outcome]]:
    """Each operation's outcome. Every request is signed; Stratus and ministack verify it."""
    for name, parameters in _parameters().items():
        requests = [_request(server, name, given) for given in parameters]
        yield name, measure(server, requests, COUNTS[name])


def large_partition(server: Server, items: int) -> tuple[float, float]:
    """Median milliseconds of Query with Limit=1 in a partition of ten items, and in one of `items`."""
    _fill(server, "small", 10)
    _fill(server, "large", items)
    client = server.client("dynamodb")
    return _first_item(client, "small"), _first_item(client, "large")


def _parameters() -> dict[str, list[dict[str, Any]]]:
    keys = [{"pk": {"S": f"user-{number % 200}"}, "sk": {"S": f"{number:06}"}} for number in range(ITEMS)]
    increment = {"UpdateExpression": "SET n = n + :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    items = [{**key, "doc": {"S": "x" * 300}, "n": {"N": str(number)}} for number, key in enumerate(keys)]
    page = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "page"}}, "Limit": 50}
    return {
        "PutItem": [{"TableName": TABLE, "Item": item} for item in items],
        "GetItem": [{"TableName": TABLE, "Key": key} for key in keys],
        "UpdateItem": [{"TableName": TABLE, "Key": key, **increment} for key in keys],
        "Query": [{"TableName": TABLE, **page}],
    }


def _request(server: Server, operation: str, parameters: dict[str, Any]) -> bytes:
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
    body = json.dumps(parameters).encode()
    credentials = server.credentials
    return signed("POST", server.url, body, headers, service="dynamodb", region=server.region, credentials=credentials)


def _fill(server: Server, partition: str, items: int) -> None:
    client = server.client("dynamodb")
    for start in range(0, items, 25):
        puts = [
            {"PutRequest": {"Item": {"pk": {"S": partition}, "sk": {"S": f"{number:08}"}, "doc": {"S": "x" * 300}}}}
            for number in range(start, min(start + 25, items))
        ]
        client.batch_write_item(RequestItems={TABLE: puts})


def _first_item(client: Any, partition: str) -> float:
    took = []
    for _ in range(200):
        started = time.perf_counter()
        client.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            Limit=1,
        )
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000
