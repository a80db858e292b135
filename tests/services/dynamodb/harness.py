"""Calls a service in process: parameters as JSON in, JSON out, AWS errors as exceptions."""

import json
from pathlib import Path
from typing import Any

import orjson

from stratus.clock import ManualClock
from stratus.iam.principal import Kind, Principal
from stratus.service import Access, Call, Service, Surroundings
from stratus.services.dynamodb.service import DynamoDb

REGION, ACCOUNT = "eu-central-1", "123456789012"
ADMIN = Principal(Kind.USER, f"arn:aws:iam::{ACCOUNT}:user/admin", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/admin")


class Nobody:
    """Stands where other services would be; DynamoDB calls none."""

    endpoint = "http://localhost"

    def localise(self, text: str) -> str:
        raise AssertionError("not needed")

    async def call(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise AssertionError("not needed")


class Harness:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.service = DynamoDb(Surroundings(REGION, ACCOUNT, directory, self.clock, Nobody(), Nobody()))

    @staticmethod
    def operations() -> list[str]:
        return list(DynamoDb.operations)

    async def __call__(self, operation: str, service: Service | None = None, **params: Any) -> Any:
        target = service or self.service
        call = self.make_call(operation, params)
        result = await target.operations[operation].handler(target, call)
        return orjson.loads(result) if isinstance(result, bytes) else result or {}

    def access(self, operation: str, **params: Any) -> list[Access]:
        rule = self.service.operations[operation].access
        assert rule is not None
        return list(rule(self.service, self.make_call(operation, params)))

    def make_call(self, operation: str, params: dict[str, Any]) -> Call:
        return Call(
            "dynamodb", operation, json.loads(json.dumps(params)), ADMIN, REGION, ACCOUNT, "request", self.clock.now()
        )

    async def table(self, name: str = "things", sort: str | None = None, **more: Any) -> None:
        """A table with partition key `pk` (S) and, if told, a sort key: `sort="N"` makes `sk` a number."""
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}]
        definitions = [{"AttributeName": "pk", "AttributeType": "S"}]
        if sort is not None:
            keys.append({"AttributeName": "sk", "KeyType": "RANGE"})
            definitions.append({"AttributeName": "sk", "AttributeType": sort})
        definitions += more.pop("AttributeDefinitions", [])
        await self(
            "CreateTable",
            TableName=name,
            KeySchema=keys,
            AttributeDefinitions=definitions,
            BillingMode="PAY_PER_REQUEST",
            **more,
        )
