"""Cross-origin resource sharing: which pages may call, and what browsers are told (S3 User Guide, "Using CORS")."""

from typing import Any

from stratus.services.s3.errors import invalid_request, malformed_xml, need
from stratus.wire.errors import AwsError
from stratus.wire.message import HeaderList

METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
MAX_RULES = 100
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

Rules = list[dict[str, Any]]


def check(configuration: dict[str, Any] | None) -> Rules:
    """The rules of a PutBucketCors; raises MalformedXML or InvalidRequest."""
    rules: Rules = need(configuration, "CORSRules")["CORSRules"]
    if not 1 <= len(rules) <= MAX_RULES:
        raise malformed_xml()
    for rule in rules:
        need(rule, "AllowedMethods", "AllowedOrigins")
        for method in rule["AllowedMethods"]:
            if method not in METHODS:
                raise invalid_request(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
        for kind in ("AllowedOrigins", "AllowedHeaders"):
            for pattern in rule.get(kind) or []:
                if pattern.count("*") > 1:
                    raise invalid_request(f'{kind[:-1]} "{pattern}" can not have more than one wildcard.')
        for header in rule.get("ExposeHeaders") or []:
            if "*" in header:
                raise invalid_request(
                    f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
                )
    return rules


def preflight(rules: Rules | None, origin: str | None, method: str | None, requested: str | None) -> HeaderList:
    """What an OPTIONS request is answered; raises BadRequest (400) or AccessForbidden (403)."""
    if not origin:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.", 400)
    if method not in METHODS:
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method or 'null'}", 400)
    if not rules:
        raise _forbidden("CORSResponse: CORS is not enabled for this bucket.", method)
    wanted = [name.strip().lower() for name in (requested or "").split(",") if name.strip()]
    for rule in rules:
        if _allows(rule, origin, method) and all(_allows_header(rule, name) for name in wanted):
            headers = _granted(rule, origin)
            if wanted:
                headers.append(("access-control-allow-headers", ", ".join(wanted)))
            return headers
    raise _forbidden(
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
        "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
        method,
    )


def response_headers(rules: Rules | None, origin: str | None, method: str) -> HeaderList:
    """What is added to the answer of an actual request from a page, an error too; nothing when no rule allows it."""
    for rule in rules or []:
        if origin and _allows(rule, origin, method):
            return _granted(rule, origin)
    return []


def _allows(rule: dict[str, Any], origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and any(_matches(pattern, origin) for pattern in rule["AllowedOrigins"])


def _allows_header(rule: dict[str, Any], name: str) -> bool:
    return any(_matches(pattern.lower(), name) for pattern in rule.get("AllowedHeaders") or [])


def _matches(pattern: str, text: str) -> bool:
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)


def _granted(rule: dict[str, Any], origin: str) -> HeaderList:
    headers = [
        ("access-control-allow-origin", "*" if "*" in rule["AllowedOrigins"] else origin),
        ("access-control-allow-methods", ", ".join(rule["AllowedMethods"])),
        ("vary", VARY),
    ]
    if "*" not in rule["AllowedOrigins"]:
        headers.append(("access-control-allow-credentials", "true"))
    if rule.get("ExposeHeaders"):
        headers.append(("access-control-expose-headers", ", ".join(rule["ExposeHeaders"])))
    if rule.get("MaxAgeSeconds") is not None:
        headers.append(("access-control-max-age", str(rule["MaxAgeSeconds"])))
    return headers


def _forbidden(message: str, method: str) -> AwsError:
    return AwsError("AccessForbidden", message, 403, members={"Method": method, "ResourceType": "BUCKET"})
