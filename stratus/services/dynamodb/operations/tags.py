"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html, UntagResource and ListTagsOfResource."""

import sqlite3
from typing import TYPE_CHECKING

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_arn
from stratus.services.dynamodb.catalog import State
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.shapes import check

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

MAX_TAGS = 50


@operation("TagResource", on_arn("dynamodb:TagResource", "ResourceArn"))
async def tag_resource(service: "DynamoDb", call: Call) -> Result:
    check("dynamodb", "TagResource", call.params)
    table = service.table_of_arn(call.params["ResourceArn"])

    def alter(connection: sqlite3.Connection, state: State) -> None:
        tags = {tag["Key"]: tag for tag in (*state["Tags"], *call.params["Tags"])}
        if len(tags) > MAX_TAGS:
            raise validation(f"Too many tags: the maximum number of tags on a resource is {MAX_TAGS}")
        state["Tags"] = list(tags.values())

    await service.catalog.change(table, alter)
    return None


@operation("UntagResource", on_arn("dynamodb:UntagResource", "ResourceArn"))
async def untag_resource(service: "DynamoDb", call: Call) -> Result:
    check("dynamodb", "UntagResource", call.params)
    table = service.table_of_arn(call.params["ResourceArn"])

    def alter(connection: sqlite3.Connection, state: State) -> None:
        state["Tags"] = [tag for tag in state["Tags"] if tag["Key"] not in call.params["TagKeys"]]

    await service.catalog.change(table, alter)
    return None


@operation("ListTagsOfResource", on_arn("dynamodb:ListTagsOfResource", "ResourceArn"))
async def list_tags_of_resource(service: "DynamoDb", call: Call) -> Result:
    check("dynamodb", "ListTagsOfResource", call.params)
    return {"Tags": service.table_of_arn(call.params["ResourceArn"]).state["Tags"]}
