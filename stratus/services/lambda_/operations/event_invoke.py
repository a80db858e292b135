"""How often and how long asynchronous events are tried, and who is told of their end.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
"""

from typing import Any

from stratus.service import Call, Params, Result, operation
from stratus.services.lambda_ import names
from stratus.services.lambda_.base import LambdaBase, not_found, on_function
from stratus.services.lambda_.code import invalid
from stratus.services.lambda_.functions import Function
from stratus.wire.errors import not_implemented


class EventInvokeOperations(LambdaBase):
    @operation("PutFunctionEventInvokeConfig", on_function("lambda:PutFunctionEventInvokeConfig"))
    async def put_event_invoke_config(self, call: Call) -> Result:
        return await self._store(call, {})

    @operation("UpdateFunctionEventInvokeConfig", on_function("lambda:UpdateFunctionEventInvokeConfig"))
    async def update_event_invoke_config(self, call: Call) -> Result:
        return await self._store(call, _existing(self.require(call)))

    @operation("GetFunctionEventInvokeConfig", on_function("lambda:GetFunctionEventInvokeConfig"))
    async def get_event_invoke_config(self, call: Call) -> Result:
        function = self.require(call)
        return _answer(function, _existing(function))

    @operation("ListFunctionEventInvokeConfigs", on_function("lambda:ListFunctionEventInvokeConfigs"))
    async def list_event_invoke_configs(self, call: Call) -> Result:
        function = self.require(call)
        found = [_answer(function, function.event_invoke)] if function.event_invoke else []
        return {"FunctionEventInvokeConfigs": found}

    @operation("DeleteFunctionEventInvokeConfig", on_function("lambda:DeleteFunctionEventInvokeConfig"))
    async def delete_event_invoke_config(self, call: Call) -> Result:
        function = self.require(call)
        _existing(function)
        await self.functions.change(function.name, event_invoke={})
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}

    async def _store(self, call: Call, before: dict[str, Any]) -> Result:
        function = self.require(call)
        given = _read(call.params)
        for side in given.get("DestinationConfig", {}).values():
            self._check_destination(side["Destination"])
        config = {**before, **given, "LastModified": call.now}
        await self.functions.change(function.name, event_invoke=config)
        return _answer(function, config)

    def _check_destination(self, arn: str) -> None:
        if ":lambda:" not in arn:
            raise not_implemented(
                "lambda",
                f"destinations other than Lambda functions ({arn.split(':')[2] if arn.count(':') > 2 else arn})",
            )
        name = names.latest(names.parse(arn))
        if self.functions.get(name) is None:
            raise invalid(f"The destination ARN {arn} is invalid.")


def _read(params: Params) -> dict[str, Any]:
    given: dict[str, Any] = {}
    retries, age = params.get("MaximumRetryAttempts"), params.get("MaximumEventAgeInSeconds")
    if retries is not None:
        if not 0 <= retries <= 2:
            raise invalid("MaximumRetryAttempts must be between 0 and 2.")
        given["MaximumRetryAttempts"] = retries
    if age is not None:
        if not 60 <= age <= 21_600:
            raise invalid("MaximumEventAgeInSeconds must be between 60 and 21600.")
        given["MaximumEventAgeInSeconds"] = age
    destinations = params.get("DestinationConfig")
    if destinations is not None:
        given["DestinationConfig"] = {
            side: {"Destination": destinations[side]["Destination"]}
            for side in ("OnSuccess", "OnFailure")
            if destinations.get(side, {}).get("Destination")
        }
    if not given:
        raise invalid("You must specify at least one of error handling or destination setting.")
    return given


def _existing(function: Function) -> dict[str, Any]:
    if not function.event_invoke:
        raise not_found(f"The function {function.arn}:$LATEST doesn't have an EventInvokeConfig")
    return function.event_invoke


def _answer(function: Function, config: dict[str, Any]) -> dict[str, Any]:
    return {"DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}, **config, "FunctionArn": f"{function.arn}:$LATEST"}
