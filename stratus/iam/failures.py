"""How each family of services words a refused signature or a denied access.

The codes and statuses are those of "Common Error Types" in each service's API reference, for S3 of "List of error codes".
"""

from enum import Enum, auto

from stratus.wire.errors import AwsError


class Failure(Enum):
    """Why a request is not believed to come from whom it says."""

    MISSING = auto()  # nothing that identifies the caller
    INCOMPLETE = auto()  # authentication that lacks a part or cannot be read
    UNSUPPORTED = auto()  # another signing algorithm
    AMBIGUOUS = auto()  # two ways of authentication at once
    UNKNOWN_KEY = auto()  # an access key id that does not exist
    BAD_TOKEN = auto()  # a session token that is not ours, or not of this key
    EXPIRED_TOKEN = auto()  # temporary credentials past their end
    SKEWED = auto()  # signed too long ago, or in the future
    URL_EXPIRED = auto()  # a presigned URL past its window
    URL_EARLY = auto()  # a presigned URL before its window
    WRONG_SCOPE = auto()  # a credential scope of another region, service or day
    UNSIGNED_HEADER = auto()  # a header that must be signed and is not
    MISMATCH = auto()  # the signature is not what the secret makes of this request
    BODY_MISMATCH = auto()  # the body is not the one whose hash was signed


class Family(Enum):
    """Services that word their errors alike: by protocol, and S3."""

    JSON = auto()
    REST_JSON = auto()
    QUERY = auto()
    S3 = auto()


_FAMILIES = {
    "s3": Family.S3,
    "dynamodb": Family.JSON,
    "dynamodbstreams": Family.JSON,
    "dax": Family.JSON,
    "cognito-idp": Family.JSON,
    "cognito-identity": Family.JSON,
    "logs": Family.JSON,
    "sqs": Family.JSON,
    "events": Family.JSON,
    "lambda": Family.REST_JSON,
    "apigateway": Family.REST_JSON,
    "execute-api": Family.REST_JSON,
    "sesv2": Family.REST_JSON,
    "scheduler": Family.REST_JSON,
}


def family_of(service: str) -> Family:
    """By botocore's service name; whatever is not listed speaks the query protocol (IAM, STS, SNS, CloudFront ...)."""
    return _FAMILIES.get(service, Family.QUERY)


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)
_S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_INVALID_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a sentence
_S3_INVALID_TOKEN = "The provided token is malformed or otherwise invalid."  # noqa: S105 - a sentence

_Words = dict[Failure, tuple[str, int, str]]

_QUERY: _Words = {
    Failure.MISSING: ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
    Failure.INCOMPLETE: ("IncompleteSignature", 400, "The request signature does not conform to AWS standards."),
    Failure.UNSUPPORTED: ("IncompleteSignature", 400, "Unsupported signing algorithm."),
    Failure.AMBIGUOUS: ("IncompleteSignature", 400, "Only one authentication mechanism is allowed."),
    Failure.UNKNOWN_KEY: ("InvalidClientTokenId", 403, _INVALID_TOKEN),
    Failure.BAD_TOKEN: ("InvalidClientTokenId", 403, _INVALID_TOKEN),
    Failure.EXPIRED_TOKEN: ("ExpiredToken", 403, "The security token included in the request is expired"),
    Failure.SKEWED: ("SignatureDoesNotMatch", 403, "Signature expired."),
    Failure.URL_EXPIRED: ("SignatureDoesNotMatch", 403, "Signature expired."),
    Failure.URL_EARLY: ("SignatureDoesNotMatch", 403, "Signature not yet current."),
    Failure.WRONG_SCOPE: ("SignatureDoesNotMatch", 403, "Credential should be scoped to a valid region."),
    Failure.UNSIGNED_HEADER: ("SignatureDoesNotMatch", 403, "A header must be signed."),
    Failure.MISMATCH: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Failure.BODY_MISMATCH: ("SignatureDoesNotMatch", 403, _MISMATCH),
}

_JSON_CODES = {
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "ExpiredToken": "ExpiredTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
_JSON: _Words = {failure: (_JSON_CODES[code], 400, text) for failure, (code, _, text) in _QUERY.items()}
_REST_JSON: _Words = {failure: (code, 403, text) for failure, (code, _, text) in _JSON.items()} | {
    Failure.MISSING: ("MissingAuthenticationTokenException", 403, "Missing Authentication Token"),
}

_S3: _Words = {
    Failure.MISSING: ("AccessDenied", 403, "Access Denied"),
    Failure.INCOMPLETE: (
        "AuthorizationHeaderMalformed",
        400,
        "The authorization header that you provided is not valid.",
    ),
    Failure.UNSUPPORTED: (
        "InvalidRequest",
        400,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    ),
    Failure.AMBIGUOUS: (
        "InvalidArgument",
        400,
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
    ),
    Failure.UNKNOWN_KEY: (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    Failure.BAD_TOKEN: ("InvalidToken", 400, _S3_INVALID_TOKEN),
    Failure.EXPIRED_TOKEN: ("ExpiredToken", 400, "The provided token has expired."),
    Failure.SKEWED: (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    Failure.URL_EXPIRED: ("AccessDenied", 403, "Request has expired"),
    Failure.URL_EARLY: ("AccessDenied", 403, "Request is not yet valid"),
    Failure.WRONG_SCOPE: ("AuthorizationHeaderMalformed", 400, "The authorization header is malformed."),
    Failure.UNSIGNED_HEADER: ("AccessDenied", 403, "There were headers present in the request which were not signed"),
    Failure.MISMATCH: ("SignatureDoesNotMatch", 403, _S3_MISMATCH),
    Failure.BODY_MISMATCH: (
        "XAmzContentSHA256Mismatch",
        400,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
}

_WORDS = {Family.JSON: _JSON, Family.REST_JSON: _REST_JSON, Family.QUERY: _QUERY, Family.S3: _S3}


def failure(family: Family, what: Failure, message: str | None = None, **members: str) -> AwsError:
    """The error that a service of `family` answers; `message` says it more exactly than the usual words."""
    code, status, words = _WORDS[family][what]
    return AwsError(code, message if message is not None else words, status, members=dict(members))


def query_failure(family: Family, message: str) -> AwsError:
    """A presigned URL whose parameters cannot be read."""
    if family is Family.S3:
        return AwsError("AuthorizationQueryParametersError", message, 400)
    return failure(family, Failure.INCOMPLETE, message)


def access_denied(family: Family, message: str) -> AwsError:
    """An authenticated caller who may not do this."""
    if family in (Family.S3, Family.QUERY):
        return AwsError("AccessDenied", message, 403)
    return AwsError("AccessDeniedException", message, 400 if family is Family.JSON else 403)
