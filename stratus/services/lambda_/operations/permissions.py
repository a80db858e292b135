"""The resource policy of a function: who may invoke it.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""

import re
import uuid
from typing import Any

import orjson

from stratus.service import Call, Params, Result, operation
from stratus.services.lambda_ import names
from stratus.services.lambda_.base import LambdaBase, conflict, not_found, on_function
from stratus.services.lambda_.code import invalid
from stratus.services.lambda_.functions import Function
from stratus.wire.errors import AwsError, not_implemented

MAX_POLICY = 20 * 1024
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com")
_ACCOUNT = re.compile(r"\d{12}")
_IAM = re.compile(r"arn:aws[a-zA-Z-]*:(?:iam|sts)::\d{12}:\S+")


class PermissionOperations(LambdaBase):
    @operation("AddPermission", on_function("lambda:AddPermission"))
    async def add_permission(self, call: Call) -> Result:
        function = self.require(call)
        _check_revision(function, call.params)
        sid = call.params["StatementId"]
        if sid in function.policy:
            raise conflict(
                f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
            )
        statement = _statement(function, call.params)
        policy = {**function.policy, sid: statement}
        if len(_document(policy)) > MAX_POLICY:
            raise AwsError("PolicyLengthExceededException", f"The policy is longer than {MAX_POLICY} bytes.")
        await self.functions.change(function.name, policy=policy, policy_revision=str(uuid.uuid4()))
        return {"Statement": orjson.dumps(statement).decode(), "ResponseMetadata": {"HTTPStatusCode": 201}}

    @operation("RemovePermission", on_function("lambda:RemovePermission"))
    async def remove_permission(self, call: Call) -> Result:
        function = self.require(call)
        _check_revision(function, call.params)
        sid = call.params["StatementId"]
        if sid not in function.policy:
            raise not_found(f"Statement {sid} is not found in resource policy.")
        policy = {key: value for key, value in function.policy.items() if key != sid}
        await self.functions.change(function.name, policy=policy, policy_revision=str(uuid.uuid4()))
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}

    @operation("GetPolicy", on_function("lambda:GetPolicy"))
    async def get_policy(self, call: Call) -> Result:
        function = self.require(call)
        if not function.policy:
            raise not_found("The resource you requested does not exist.")
        return {"Policy": _document(function.policy).decode(), "RevisionId": function.policy_revision}

    def resource_policy(self, resource: str) -> str | None:
        function = self.functions.get(names.parse(resource).name) if ":function:" in resource else None
        if function is None or not function.policy:
            return None
        return _document(function.policy).decode()


def _statement(function: Function, params: Params) -> dict[str, Any]:
    if params.get("FunctionUrlAuthType") or params.get("InvokedViaFunctionUrl"):
        raise not_implemented("lambda", "function URLs")
    if params.get("EventSourceToken"):
        raise not_implemented("lambda", "EventSourceToken (Alexa)")
    statement: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": function.arn,
    }
    condition: dict[str, dict[str, str]] = {}
    if params.get("SourceAccount"):
        condition.setdefault("StringEquals", {})["AWS:SourceAccount"] = params["SourceAccount"]
    if params.get("PrincipalOrgID"):
        condition.setdefault("StringEquals", {})["aws:PrincipalOrgID"] = params["PrincipalOrgID"]
    if params.get("SourceArn"):
        condition["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    if condition:
        statement["Condition"] = condition
    return statement


def _principal(text: str) -> Any:
    if text == "*":
        return "*"
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if _IAM.fullmatch(text):
        return {"AWS": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def _document(policy: dict[str, Any]) -> bytes:
    return orjson.dumps({"Version": "2012-10-17", "Id": "default", "Statement": list(policy.values())})


def _check_revision(function: Function, params: Params) -> None:
    wanted = params.get("RevisionId")
    if wanted and wanted != function.policy_revision:
        raise AwsError(
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId.",
            412,
            members={"Type": "User"},
        )
