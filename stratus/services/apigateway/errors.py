"""Errors of the control plane, and the gateway errors that the data plane answers with.

Types and statuses: API Gateway Developer Guide, "Gateway response types".
"""

from stratus.wire.errors import AwsError

GATEWAY_STATUSES: dict[str, int] = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 504,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}
RESPONSE_TYPES = frozenset(GATEWAY_STATUSES) | {"DEFAULT_4XX", "DEFAULT_5XX"}


class GatewayError(Exception):
    """An answer that API Gateway gives by itself. The API's gateway responses may reword it.

    `kind` is the gateway response type; `error_type` goes into x-amzn-ErrorType; `status` differs from the type's own where one type
    stands for several (DEFAULT_5XX: a malformed answer of a function is 502).
    """

    def __init__(self, kind: str, message: str, error_type: str, status: int | None = None, detail: str = "") -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.error_type = error_type
        self.status = GATEWAY_STATUSES.get(kind, 500) if status is None else status
        self.detail = detail


def unauthorized(message: str = "Unauthorized") -> GatewayError:
    return GatewayError("UNAUTHORIZED", message, "UnauthorizedException")


def missing_token() -> GatewayError:
    """What an unknown route gets, as AWS words it."""
    return GatewayError(
        "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token", "MissingAuthenticationTokenException"
    )


def access_denied(message: str = "User is not authorized to access this resource") -> GatewayError:
    return GatewayError("ACCESS_DENIED", message, "AccessDeniedException")


def bad_body(detail: str = "") -> GatewayError:
    return GatewayError("BAD_REQUEST_BODY", "Invalid request body", "BadRequestException", detail=detail)


def missing_parameters(names: list[str]) -> GatewayError:
    message = f"Missing required request parameters: [{', '.join(names)}]"
    return GatewayError("BAD_REQUEST_PARAMETERS", message, "BadRequestException")


def body_incomplete() -> GatewayError:
    return GatewayError("DEFAULT_4XX", "Request Timeout", "RequestTimeoutException", 408)


def too_large() -> GatewayError:
    return GatewayError("REQUEST_TOO_LARGE", "Request Too Long", "RequestTooLargeException")


def throttled() -> GatewayError:
    return GatewayError("THROTTLED", "Too Many Requests", "TooManyRequestsException")


def configuration_error() -> GatewayError:
    return GatewayError("API_CONFIGURATION_ERROR", "Internal server error", "InternalServerErrorException")


def authorizer_failure() -> GatewayError:
    return GatewayError("AUTHORIZER_FAILURE", "Internal server error", "InternalServerErrorException")


def bad_gateway() -> GatewayError:
    """The function's answer is not one that a proxy integration may give."""
    return GatewayError("DEFAULT_5XX", "Internal server error", "InternalServerErrorException", 502)


def timed_out() -> GatewayError:
    return GatewayError("INTEGRATION_TIMEOUT", "Endpoint request timed out", "InternalServerErrorException")


def bad_request(message: str) -> AwsError:
    return AwsError("BadRequestException", message, 400)


def not_found(what: str) -> AwsError:
    return AwsError("NotFoundException", f"Invalid {what} identifier specified", 404)


def refused(what: str) -> AwsError:
    """Something of API Gateway that Stratus does not do, named where it stands in the API description."""
    return AwsError("BadRequestException", f"Stratus does not implement {what}", 400)
