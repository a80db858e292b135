"""An API as its deployment runs it: read once from the API description, never changed."""

from dataclasses import dataclass, field
from typing import Any

ANY = "ANY"
CALLER_CREDENTIALS = "arn:aws:iam::*:user/*"


@dataclass(frozen=True, slots=True)
class LambdaProxy:
    """`aws_proxy` to a Lambda function. `uses_caller` invokes with the credentials that signed the request."""

    function: str
    timeout: float
    uses_caller: bool = False


@dataclass(frozen=True, slots=True)
class Mock:
    """`mock` with a literal answer, as SAM emits it for CORS."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class CognitoAuthorizer:
    name: str
    pools: tuple[str, ...]
    """ARNs of user pools."""
    header: str = "authorization"
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class IamAuthorizer:
    """AWS_IAM: Signature Version 4 and `execute-api:Invoke`."""


Authorizer = CognitoAuthorizer | IamAuthorizer | None


@dataclass(frozen=True, slots=True)
class RequiredParameters:
    """Names that a validated request must have; path parameters are there always."""

    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    path: str
    verb: str
    integration: LambdaProxy | Mock
    authorizer: Authorizer = None
    scopes: tuple[str, ...] = ()
    required: RequiredParameters = RequiredParameters()
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Draft-4 schemas by content type, empty where the body is not validated."""


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """How one type of gateway response is worded; what is None or empty comes from the default."""

    status: int | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Definition:
    methods: tuple[Method, ...]
    gateway_responses: dict[str, GatewayResponse]
    binary_media_types: tuple[str, ...] = ()
    minimum_compression_size: int | None = None
    policy: str | None = None
    endpoint_disabled: bool = False
