"""What every group of Lambda's operations works with."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from stratus.service import Access, AccessRule, Call, Service, Surroundings
from stratus.services.lambda_ import names
from stratus.services.lambda_.async_queue import AsyncQueue
from stratus.services.lambda_.functions import Function, FunctionStore
from stratus.services.lambda_.invoker import Invoker
from stratus.wire.errors import AwsError


class LambdaBase(Service):
    """The state that operations share."""

    surroundings: Surroundings
    functions: FunctionStore
    invoker: Invoker
    queue: AsyncQueue
    code_directory: Path

    def arn(self, name: str, qualifier: str | None = None) -> str:
        return names.function_arn(self.surroundings.region, self.surroundings.account, name, qualifier)

    def require(self, call: Call) -> Function:
        """The function that a call names. Raises ResourceNotFoundException."""
        name = names.latest(names.parse(call.params["FunctionName"], call.params.get("Qualifier")))
        return self.require_named(name)

    def require_named(self, name: str) -> Function:
        function = self.functions.get(name)
        if function is None:
            raise not_found(f"Function not found: {self.arn(name)}")
        return function


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, 404, members={"Type": "User"})


def conflict(message: str) -> AwsError:
    return AwsError("ResourceConflictException", message, 409, members={"Type": "User"})


def on_function(action: str) -> AccessRule:
    """`action` on the function that the call names, with its qualifier if it has one."""

    def access(service: LambdaBase, call: Call) -> Iterable[Access]:
        reference = names.parse(call.params["FunctionName"], call.params.get("Qualifier"))
        yield Access(action, service.arn(reference.name, reference.qualifier))

    return access


def timestamp(now: float) -> str:
    """LastModified's form."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
