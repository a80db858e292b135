"""Access logs: one line per request, in the stage's format, to a CloudWatch log group.

Lines wait in a bounded queue and go out in batches; when the log cannot keep up the oldest are dropped, requests never wait.
"""

import asyncio
import logging
import uuid
from collections import deque

from stratus.iam.principal import service_principal
from stratus.service import Caller
from stratus.services.apigateway.exchange import Exchange
from stratus.services.apigateway.substitution import Fill, template
from stratus.wire.errors import AwsError

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
MAX_BATCH = 1000
MAX_LINE = 10_000
GATEWAY = service_principal("apigateway.amazonaws.com")
_DELIVERY = service_principal("delivery.logs.amazonaws.com")


class AccessLog:
    """The access log of one stage. `destination` is the ARN of a log group, `line_format` the stage's format.

    Lines are delivered as vended logs are: by `delivery.logs.amazonaws.com` on behalf of the account.
    """

    def __init__(self, caller: Caller, account: str, region: str, destination: str, line_format: str) -> None:
        self._caller = caller
        self._region = region
        self._context = {"aws:SourceAccount": (account,), "aws:SourceArn": (f"arn:aws:logs:{region}:{account}:*",)}
        self._group = log_group(destination)
        self._stream = uuid.uuid4().hex
        self._format: Fill = template(line_format, absent="-")
        self._lines: deque[tuple[int, str]] = deque(maxlen=MAX_WAITING)
        self._sending: asyncio.Task[None] | None = None
        self._has_stream = False

    def write(self, exchange: Exchange) -> None:
        line = self._format(exchange)[:MAX_LINE]
        self._lines.append((int(exchange.started * 1000), line))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Sends what still waits."""
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        try:
            await asyncio.sleep(0)  # let the answers go out first: lines of the same turn make one batch
            while self._lines:
                batch = [self._lines.popleft() for _ in range(min(MAX_BATCH, len(self._lines)))]
                await self._put(sorted(batch, key=lambda line: line[0]))
        except AwsError as error:
            log.warning("access log %s: %s; lines are lost", self._group, error)
            self._lines.clear()
            self._has_stream = False
        finally:
            self._sending = None

    async def _put(self, batch: list[tuple[int, str]]) -> None:
        if not self._has_stream:
            await self._call("CreateLogStream", {})
            self._has_stream = True
        events = [{"timestamp": moment, "message": line} for moment, line in batch]
        await self._call("PutLogEvents", {"logEvents": events})

    async def _call(self, operation: str, params: dict[str, object]) -> None:
        where = {"logGroupName": self._group, "logStreamName": self._stream}
        await self._caller.call(_DELIVERY, self._region, "logs", operation, where | params, context=self._context)


def log_group(arn: str) -> str:
    """`arn:aws:logs:r:a:log-group:NAME` or `…:NAME:*`; raises ValueError for another ARN."""
    head, found, name = arn.partition(":log-group:")
    if not found or not head.startswith("arn:"):
        raise ValueError(arn)
    return name.removesuffix(":*")
