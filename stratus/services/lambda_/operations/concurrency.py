"""Reserved concurrency: how many invocations of a function may run at once; with 0, none."""

from stratus.service import Call, Result, operation
from stratus.services.lambda_.base import LambdaBase, on_function
from stratus.services.lambda_.code import invalid


class ConcurrencyOperations(LambdaBase):
    @operation("PutFunctionConcurrency", on_function("lambda:PutFunctionConcurrency"))
    async def put_function_concurrency(self, call: Call) -> Result:
        function = self.require(call)
        reserved = call.params["ReservedConcurrentExecutions"]
        if reserved < 0:
            raise invalid("ReservedConcurrentExecutions must be 0 or more.")
        await self.functions.change(function.name, reserved_concurrency=reserved)
        return {"ReservedConcurrentExecutions": reserved}

    @operation("GetFunctionConcurrency", on_function("lambda:GetFunctionConcurrency"))
    async def get_function_concurrency(self, call: Call) -> Result:
        reserved = self.require(call).reserved_concurrency
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    @operation("DeleteFunctionConcurrency", on_function("lambda:DeleteFunctionConcurrency"))
    async def delete_function_concurrency(self, call: Call) -> Result:
        await self.functions.change(self.require(call).name, reserved_concurrency=None)
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}
