"""AWS Lambda, one instance per region.

Source: https://docs.aws.amazon.com/lambda/latest/api/. Functions are version $LATEST; versions, aliases, layers, images, event
source mappings and function URLs are refused by name.
"""

import asyncio
from typing import ClassVar

from stratus.service import Surroundings
from stratus.services.lambda_ import code
from stratus.services.lambda_.async_queue import AsyncQueue
from stratus.services.lambda_.destinations import Destinations
from stratus.services.lambda_.functions import FunctionStore
from stratus.services.lambda_.invoker import Invoker
from stratus.services.lambda_.operations.concurrency import ConcurrencyOperations
from stratus.services.lambda_.operations.event_invoke import EventInvokeOperations
from stratus.services.lambda_.operations.functions import FunctionOperations
from stratus.services.lambda_.operations.invoke import InvokeOperations
from stratus.services.lambda_.operations.permissions import PermissionOperations
from stratus.services.lambda_.operations.tags import TagOperations
from stratus.services.lambda_.pool import default_workers


class LambdaService(
    FunctionOperations,
    InvokeOperations,
    PermissionOperations,
    ConcurrencyOperations,
    EventInvokeOperations,
    TagOperations,
):
    """`warnings` (after `start`) are sentences about what this system cannot isolate."""

    name: ClassVar[str] = "lambda"

    def __init__(self, surroundings: Surroundings, max_workers: int | None = None) -> None:
        self.surroundings = surroundings
        self.functions = FunctionStore(surroundings.directory)
        self.code_directory = surroundings.directory / "code"
        self.code_directory.mkdir(mode=0o755, exist_ok=True)
        workers = max_workers or default_workers()
        self.invoker = Invoker(surroundings, workers)
        self.queue = AsyncQueue(
            surroundings.directory,
            surroundings.clock,
            self.functions,
            self.invoker,
            Destinations(surroundings.caller, self.invoker.credentials, surroundings.region),
            concurrency=workers,
        )

    @property
    def warnings(self) -> list[str]:
        return self.invoker.warnings

    async def start(self) -> None:
        used = {function.code_path for function in self.functions.all()}
        await asyncio.get_running_loop().run_in_executor(None, code.remove_unused, self.code_directory, used)
        await self.invoker.start()
        self.queue.start()

    async def stop(self) -> None:
        await self.queue.stop()
        await self.invoker.stop()
        await self.functions.close()
