"""What a function's answer becomes: status, headers and body of a Lambda proxy integration.

Source: API Gateway Developer Guide, "Output format of a Lambda function for proxy integration" and "Amazon API Gateway important
notes" (the header fields that are remapped).
"""

import base64
import binascii
import re
from typing import Any

import orjson

from stratus.services.apigateway.errors import GatewayError, bad_gateway
from stratus.wire.message import HeaderList, Response

_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_REMAPPED = frozenset(
    {"authorization", "connection", "content-length", "content-md5", "date", "host", "server", "www-authenticate"}
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_LINE_BREAK = re.compile(r"[\r\n\0]")
_DROPPED = frozenset({"transfer-encoding", "trailer", "upgrade", "te", "keep-alive", "proxy-authenticate"})


def proxy_response(payload: bytes, *, binary: bool) -> Response:
    """Raises GatewayError (502) for an answer that is not of the documented form. No member is mandatory, others are not allowed.

    `binary` says that the client accepts a binary media type of the API: only then is a Base64 body decoded.
    """
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise bad_gateway() from None
    if type(answer) is not dict or not _MEMBERS.issuperset(answer):
        raise bad_gateway()
    headers = _headers(answer.get("headers"), answer.get("multiValueHeaders"))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return Response(_status(answer.get("statusCode")), headers, _body(answer, binary))


def _status(value: Any) -> int:
    if value is None:
        return 200
    if type(value) is bool:
        raise bad_gateway()
    try:
        status = int(value)
    except (TypeError, ValueError):
        raise bad_gateway() from None
    if not 200 <= status <= 599:
        raise bad_gateway()
    return status


def _body(answer: dict[str, Any], binary: bool) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if type(body) is not str:
        raise bad_gateway()
    if not (binary and answer.get("isBase64Encoded") is True):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal server error", "InternalServerErrorException") from None


def _headers(single: Any, multiple: Any) -> HeaderList:
    """The fields of both maps; a name in `multiValueHeaders` that has the same value in `headers` is sent once."""
    single, multiple = {} if single is None else single, {} if multiple is None else multiple
    if type(single) is not dict or type(multiple) is not dict:
        raise bad_gateway()
    fields: HeaderList = []
    for name, value in single.items():
        if value is not None:
            _append(fields, name, value)
    for name, values in multiple.items():
        if type(values) is not list:
            raise bad_gateway()
        for value in values:
            if value is not None and (name, value) not in fields:
                _append(fields, name, value)
    return fields


def _append(fields: HeaderList, name: str, value: Any) -> None:
    if type(value) is bool:
        value = "true" if value else "false"
    elif type(value) in (int, float):
        value = str(value)
    if type(value) is not str or not _TOKEN.fullmatch(name) or _LINE_BREAK.search(value):
        raise bad_gateway()
    lower = name.lower()
    if lower in _DROPPED:
        return
    fields.append((f"x-amzn-Remapped-{name}" if lower in _REMAPPED else name, value))
