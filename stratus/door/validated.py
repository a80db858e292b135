"""In-process calls with parameters that a user wrote: a template's go through here, a service's own do not."""

from typing import Any

from stratus.iam.principal import ContextValues, Principal
from stratus.service import Caller, Params
from stratus.wire.constraints import validate


class ValidatedCaller:
    """A `Caller` that refuses what the model does not allow (lengths, ranges, enumerations, patterns), as the API over HTTP."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def call(
        self,
        principal: Principal,
        region: str,
        service: str,
        operation: str,
        params: Params,
        *,
        context: ContextValues | None = None,
    ) -> dict[str, Any]:
        """Runs one operation (see `stratus.service.Caller`). Types are the caller's care. Raises AwsError."""
        validate(service, operation, params)
        return await self._caller.call(principal, region, service, operation, params, context=context)
