"""Which service a request is for, found as real clients say it: target header, credential scope, host, path, form action."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from stratus.wire.message import Request

_TARGETS = {
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "Logs_20140328": "logs",
}
_ACTION_VERSIONS = {"2011-06-15": "sts", "2010-05-08": "iam", "2010-05-15": "cloudformation"}
_WELL_KNOWN = "/.well-known/"


@dataclass(frozen=True, slots=True)
class Addressed:
    """`service` is botocore's name, `region` the one that scope or host name, or None; `bucket` that of a virtual host."""

    service: str
    region: str | None = None
    bucket: str | None = None


def identify(request: Request) -> Addressed:
    """Never fails: what nothing else claims is S3's, as a path-style request is any path at all."""
    bucket, host_service, host_region = _from_host(request.host)
    scope_service, scope_region = _from_scope(request)
    region = scope_region or host_region
    target = request.headers.get("x-amz-target")
    if target and (service := _TARGETS.get(target.partition(".")[0])):
        return Addressed(service, region)
    if scope_service:
        return Addressed(scope_service, region, bucket)
    if host_service:
        return Addressed(host_service, region, bucket)
    if request.method == "OPTIONS" and request.path == "/":
        return Addressed(_from_preflight(request), region)
    if _WELL_KNOWN in request.path and request.method in ("GET", "HEAD"):
        return Addressed("cognito-idp", request.path[1:].partition("_")[0])
    if service := _from_query_action(request):
        return Addressed(service, region)
    return Addressed("s3", region, bucket)


def _from_scope(request: Request) -> tuple[str | None, str | None]:
    """`AKID/20260101/eu-central-1/s3/aws4_request`, out of the Authorization header or the presigned query."""
    authorization = request.headers.get("authorization")
    if authorization:
        _, found, rest = authorization.partition("Credential=")
        credential = rest.partition(",")[0] if found else ""
    elif "X-Amz-Credential=" in request.query:
        credential = dict(parse_qsl(request.query, keep_blank_values=True)).get("X-Amz-Credential", "")
    else:
        return None, None
    parts = credential.strip().rsplit("/", 4)
    if len(parts) != 5:
        return None, None
    return parts[3], parts[2]


@lru_cache(maxsize=64)
def _from_host(host: str) -> tuple[str | None, str | None, str | None]:
    """Bucket, service and region of `b.s3.eu-central-1.amazonaws.com`, `sts.eu-central-1.amazonaws.com`, `b.s3.localhost:4566`."""
    name = host.rpartition(":")[0] or host if not host.endswith("]") else host
    for suffix in (".amazonaws.com", ".localhost"):
        if name.endswith(suffix):
            labels = name.removesuffix(suffix).split(".")
            break
    else:
        return None, None, None
    if "s3" in labels:
        at = len(labels) - 1 - labels[::-1].index("s3")
        region = labels[at + 1] if len(labels) > at + 1 else None
        return ".".join(labels[:at]) or None, "s3", region
    return None, labels[0], labels[1] if len(labels) > 1 else None


def _from_preflight(request: Request) -> str:
    """A browser asks for leave without saying for which service: who will send a target is Cognito's, who will post a form STS's."""
    wanted = request.headers.get("access-control-request-headers") or ""
    return "cognito-idp" if "x-amz-target" in wanted.lower() else "sts"


def _from_query_action(request: Request) -> str | None:
    """The query protocol without a signature (`AssumeRoleWithWebIdentity`): the API version says whose it is."""
    content_type = request.headers.get("content-type") or ""
    if request.method == "POST" and content_type.startswith("application/x-www-form-urlencoded"):
        return "sts"
    if "Action=" in request.query:
        return _ACTION_VERSIONS.get(dict(parse_qsl(request.query)).get("Version", ""))
    return None
