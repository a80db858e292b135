"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html, Get- and DeleteResourcePolicy."""

import hashlib
import sqlite3
from typing import TYPE_CHECKING

import orjson

from stratus.service import Call, Result, operation
from stratus.services.dynamodb.access import on_arn
from stratus.services.dynamodb.catalog import State
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.shapes import check
from stratus.wire.errors import AwsError

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

MAX_POLICY_BYTES = 20 * 1024
NO_POLICY = "NO_POLICY"


@operation("PutResourcePolicy", on_arn("dynamodb:PutResourcePolicy", "ResourceArn"))
async def put_resource_policy(service: "DynamoDb", call: Call) -> Result:
    """Attaches the policy that guards a table and its indexes."""
    request = call.params
    check("dynamodb", "PutResourcePolicy", request)
    policy = request["Policy"]
    if len(policy.encode()) > MAX_POLICY_BYTES:
        raise validation(f"Resource policy size exceeds the limit of {MAX_POLICY_BYTES} bytes")
    try:
        document = orjson.loads(policy)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), list | dict):
        raise validation("The policy document is not valid JSON with statements")

    def alter(connection: sqlite3.Connection, state: State) -> None:
        _check_revision(state, request.get("ExpectedRevisionId"))
        state["ResourcePolicy"] = policy

    await service.catalog.change(service.table_of_arn(request["ResourceArn"]), alter)
    return {"RevisionId": _revision(policy)}


@operation("GetResourcePolicy", on_arn("dynamodb:GetResourcePolicy", "ResourceArn"))
async def get_resource_policy(service: "DynamoDb", call: Call) -> Result:
    check("dynamodb", "GetResourcePolicy", call.params)
    policy = service.table_of_arn(call.params["ResourceArn"]).state.get("ResourcePolicy")
    if policy is None:
        raise _not_found(call.params["ResourceArn"])
    return {"Policy": policy, "RevisionId": _revision(policy)}


@operation("DeleteResourcePolicy", on_arn("dynamodb:DeleteResourcePolicy", "ResourceArn"))
async def delete_resource_policy(service: "DynamoDb", call: Call) -> Result:
    request = call.params
    check("dynamodb", "DeleteResourcePolicy", request)
    gone: list[str] = []

    def alter(connection: sqlite3.Connection, state: State) -> None:
        _check_revision(state, request.get("ExpectedRevisionId"))
        policy = state.pop("ResourcePolicy", None)
        if policy is not None:
            gone.append(policy)

    await service.catalog.change(service.table_of_arn(request["ResourceArn"]), alter)
    return {"RevisionId": _revision(gone[0])} if gone else {}


def _check_revision(state: State, expected: str | None) -> None:
    current = state.get("ResourcePolicy")
    if expected is None or expected == (NO_POLICY if current is None else _revision(current)):
        return
    raise AwsError("PolicyNotFoundException", "Resource policy not found with the specified revision id")


def _revision(policy: str) -> str:
    return str(int.from_bytes(hashlib.sha256(policy.encode()).digest()[:7], "big"))


def _not_found(arn: str) -> AwsError:
    return AwsError("PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {arn}")
