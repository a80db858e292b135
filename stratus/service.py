"""What a service is: operations of an AWS API, each with what a caller must be allowed before it runs.

A service never checks signatures or policies by itself. The door authenticates the caller, asks the operation for its
`Access` list, evaluates it, and only then runs the handler. A service reaches another through `Caller`, as a principal.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from stratus.clock import Clock
from stratus.iam.access import Access
from stratus.iam.principal import ContextValues, Principal
from stratus.wire.message import HeaderList, Params, Request, Response, Result


def _nothing_more(access: Access) -> bool:
    """Default deny."""
    return False


@dataclass(slots=True)
class Call:
    """One call of one operation. `request` is None when another service calls inside the process.

    `allows` is set by whoever authorised the call: whether the same caller would be allowed one more `Access`, for operations whose
    answer depends on it (S3 says 404 instead of 403 only to who may list the bucket, and decides key by key in DeleteObjects).
    """

    service: str
    operation: str
    params: Params
    principal: Principal
    region: str
    account: str
    request_id: str
    now: float
    request: Request | None = None
    context: ContextValues = field(default_factory=dict)
    allows: Callable[[Access], bool] = _nothing_more


Handler = Callable[[Any, Call], Awaitable[Result]]
AccessRule = Callable[[Any, Call], Iterable[Access]]


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    handler: Handler
    access: AccessRule | None


H = TypeVar("H", bound=Handler)


def operation(name: str, access: AccessRule | None) -> Callable[[H], H]:
    """Marks a method as the handler of the API operation `name`.

    `access(service, call)` yields what the caller must be allowed; None says that the API takes no credentials (botocore's
    model calls it `authtype: none`) and the handler itself decides on tokens, passwords and codes in the request.
    """

    def mark(handler: H) -> H:
        handler.__dict__["aws_operation"] = Operation(name, handler, access)
        return handler

    return mark


class Service:
    """Base of the services: one instance per region (one in all where the AWS service is global).

    A service is made with `Surroundings` and gives its operations as methods marked with `@operation`.
    """

    name: ClassVar[str]
    """botocore's name of the service: `dynamodb`, `cognito-idp`, `lambda`."""
    wire_json: ClassVar[bool] = False
    operations: ClassVar[Mapping[str, Operation]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found: dict[str, Operation] = {}
        for base in reversed(cls.__mro__):
            for member in vars(base).values():
                marked = getattr(member, "aws_operation", None)
                if isinstance(marked, Operation):
                    found[marked.name] = marked
        cls.operations = found

    async def start(self) -> None:
        """Called once when the cloud comes up, after every service was made."""

    async def stop(self) -> None:
        """Called once when the cloud goes down; stops background tasks, closes files."""

    async def http(self, request: Request) -> Response | None:
        """Answers a plain, unsigned request that is no API operation (OpenID discovery), or returns None."""
        return None

    def answer_headers(self, request: Request) -> HeaderList:
        """Headers that the answer to a request from a page (one with an Origin) carries besides, errors too."""
        return []

    def knows(self, params: Params) -> bool:
        """Whether what an unsigned call names (a client, a pool, a token) is in this region; asked where several are up."""
        return False

    def resource_policy(self, resource: str) -> str | None:
        """The JSON text of the resource policy that guards `resource` (an ARN), or None."""
        return None


class Caller(Protocol):
    """How a service reaches another, as AWS would: through its API, as a principal, with policies evaluated."""

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
        """Runs one operation. `context` adds condition keys such as `aws:SourceArn`. Raises AwsError as the API would."""
        ...


class Addresses(Protocol):
    """How the world reaches what AWS gives a host name: the one table of local addresses."""

    def localise(self, text: str) -> str:
        """`text` with every AWS URL of ours in it replaced by its local one; other text is left as it is."""
        ...

    def endpoint_of(self, host: str, *, secure: bool) -> str | None:
        """The AWS endpoint as somebody addressed it who sent `host` (a Host header), or None where that is no address of ours."""
        ...

    def is_endpoint(self, url: str) -> bool:
        """Whether `url` is an address of the AWS endpoint, as `endpoint_of` gives it."""
        ...

    @property
    def endpoint(self) -> str:
        """The AWS endpoint over plain HTTP, `http://localhost:4566`, without a slash at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service is given when it is made. `directory` is its own, mode 0700, for this region."""

    region: str
    account: str
    directory: Path
    clock: Clock
    caller: Caller
    addresses: Addresses


__all__ = [
    "Access",
    "Addresses",
    "Call",
    "Caller",
    "Operation",
    "Params",
    "Result",
    "Service",
    "Surroundings",
    "operation",
]
