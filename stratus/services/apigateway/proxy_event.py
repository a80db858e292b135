"""The event of a Lambda proxy integration, payload version 1.0.

Source: Lambda Developer Guide, "API Gateway event format"; AWS's example is a test.
"""

import base64
import secrets
from typing import Any

import orjson

from stratus.iam.principal import Kind
from stratus.services.apigateway.exchange import Exchange

Multi = dict[str, list[str]]

# Header fields of the connection, which mean nothing to the function.
_NOT_PASSED = frozenset({"connection", "transfer-encoding", "te", "upgrade", "expect", "content-length", "trailer"})


def proxy_event(exchange: Exchange, *, binary: bool) -> bytes:
    """The event as JSON. A binary body is Base64; any other is text, with U+FFFD for what is not UTF-8."""
    headers = _headers(exchange)
    query = _gathered(exchange.query)
    body = exchange.body
    event = {
        "resource": exchange.resource_path,
        "path": exchange.path,
        "httpMethod": exchange.request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": exchange.path_parameters or None,
        "stageVariables": exchange.place.variables or None,
        "requestContext": _context(exchange),
        "body": _text(body, binary) if body else None,
        "isBase64Encoded": bool(body) and binary,
    }
    return orjson.dumps(event)


def _text(body: bytes, binary: bool) -> str:
    return base64.b64encode(body).decode("ascii") if binary else body.decode("utf-8", "replace")


def _gathered(fields: list[tuple[str, str]]) -> Multi:
    found: Multi = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


def _headers(exchange: Exchange) -> Multi:
    request = exchange.request
    signed = exchange.caller is not None
    found: Multi = {}
    for name, value in request.headers.fields:
        if name in _NOT_PASSED or (signed and name == "authorization"):
            continue
        found.setdefault(name, []).append(value)
    forwarded = found.pop("x-forwarded-for", [])
    found["X-Forwarded-For"] = [", ".join([*forwarded, request.client])]
    found.setdefault("X-Forwarded-Proto", found.pop("x-forwarded-proto", ["https" if request.secure else "http"]))
    found.setdefault("X-Forwarded-Port", found.pop("x-forwarded-port", [_port(request.host, request.secure)]))
    if "x-amzn-trace-id" not in found:
        found["X-Amzn-Trace-Id"] = [f"Root=1-{int(exchange.started):08x}-{secrets.token_hex(12)}"]
    return found


def _port(host: str, secure: bool) -> str:
    port = host.rpartition(":")[2]
    return port if port.isdigit() else "443" if secure else "80"


def _context(exchange: Exchange) -> dict[str, Any]:
    place, request = exchange.place, exchange.request
    context: dict[str, Any] = {
        "resourceId": exchange.resource_id,
        "resourcePath": exchange.resource_path,
        "httpMethod": request.method,
        "extendedRequestId": exchange.extended_id,
        "requestTime": exchange.request_time,
        "path": f"/{place.stage}{exchange.path}",
        "accountId": place.account,
        "protocol": "HTTP/1.1",
        "stage": place.stage,
        "domainPrefix": place.api,
        "requestTimeEpoch": int(exchange.started * 1000),
        "requestId": exchange.request_id,
        "identity": _identity(exchange),
        "domainName": place.domain,
        "deploymentId": place.deployment,
        "apiId": place.api,
    }
    if exchange.claims is not None:
        context["authorizer"] = {"claims": exchange.claims}
    return context


def _identity(exchange: Exchange) -> dict[str, str | None]:
    identity: dict[str, str | None] = dict.fromkeys(_IDENTITY_FIELDS)
    identity["sourceIp"] = exchange.request.client
    identity["userAgent"] = exchange.user_agent
    caller = exchange.caller
    if caller is not None and caller.kind is not Kind.ANONYMOUS:
        for name in ("accountId", "accessKey", "userArn", "caller", "user"):
            identity[name] = exchange.identity(name)
        identity |= _cognito_identity(exchange)
    return identity


def _cognito_identity(exchange: Exchange) -> dict[str, str | None]:
    """Who a caller with credentials of an identity pool is."""
    assert exchange.caller is not None
    keys = exchange.caller.context
    pool = keys.get("cognito-identity.amazonaws.com:aud")
    if pool is None:
        return {}
    kinds = keys.get("cognito-identity.amazonaws.com:amr", ())
    return {
        "cognitoIdentityPoolId": pool[0],
        "cognitoIdentityId": keys.get("cognito-identity.amazonaws.com:sub", (None,))[0],
        "cognitoAuthenticationType": kinds[0] if kinds else None,
        "cognitoAuthenticationProvider": ",".join(kinds[1:]) or None,
    }


_IDENTITY_FIELDS = (
    "cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp", "principalOrgId", "accessKey",
    "cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "userAgent", "user",
)  # fmt: skip
