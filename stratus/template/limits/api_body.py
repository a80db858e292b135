"""What API Gateway takes of an OpenAPI description: AWS::ApiGateway::RestApi's Body."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stratus.template.errors import Path
from stratus.template.limits.limit import Finding, Limit, known, mapping

_NOTES = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html"
_SEGMENT = re.compile(r"[A-Za-z0-9_.,:~-]*|\{[A-Za-z0-9_.:-]+\+?\}")
_VERBS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "trace", "x-amazon-apigateway-any-method"}
)
_LATER_KEYWORDS = frozenset(
    {
        "$anchor",
        "$defs",
        "$dynamicRef",
        "$id",
        "const",
        "contains",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "if",
        "maxContains",
        "minContains",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_OF_SCHEMAS = ("properties", "patternProperties", "definitions")
_LISTS_OF_SCHEMAS = ("allOf", "anyOf", "oneOf")
_SCHEMAS = ("items", "additionalProperties", "additionalItems", "not")
MIN_TIMEOUT_MS, MAX_TIMEOUT_MS = 50, 29_000


def _version(properties: Mapping[str, Any]) -> Iterator[Finding]:
    body = mapping(properties.get("Body"))
    openapi, swagger = known(body.get("openapi")), known(body.get("swagger"))
    if openapi is not None and not re.fullmatch(r"3\.0(\.\d+)?", str(openapi)):
        yield ("Body", "openapi"), f"API Gateway imports OpenAPI 2.0 and 3.0, not {openapi}: write it as 3.0.1"
    if swagger is not None and str(swagger) not in ("2.0", "2"):
        yield ("Body", "swagger"), f"API Gateway imports OpenAPI 2.0 and 3.0, not Swagger {swagger}"


def _models(properties: Mapping[str, Any]) -> Iterator[Finding]:
    for path, schemas in _model_sections(properties):
        for name, schema in schemas.items():
            if not re.fullmatch(r"[A-Za-z0-9]+", str(name)):
                yield (*path, name), "a model's name is made of letters and digits only"
            yield from _later_keywords(schema, (*path, name))


def _model_sections(properties: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    body = mapping(properties.get("Body"))
    yield ("Body", "definitions"), mapping(body.get("definitions"))
    yield ("Body", "components", "schemas"), mapping(mapping(body.get("components")).get("schemas"))


def _later_keywords(schema: Any, path: Path) -> Iterator[Finding]:
    for keyword, value in mapping(schema).items():
        here = (*path, keyword)
        if keyword in _LATER_KEYWORDS:
            yield here, f"models are JSON schema draft 4, which does not know {keyword}"
        elif keyword in ("exclusiveMinimum", "exclusiveMaximum") and not isinstance(known(value), bool | None):
            yield here, f"models are JSON schema draft 4, where {keyword} is true or false beside {_bound(keyword)}"
        elif keyword in _OF_SCHEMAS:
            for name, inner in mapping(value).items():
                yield from _later_keywords(inner, (*here, name))
        elif keyword in _LISTS_OF_SCHEMAS and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _later_keywords(inner, (*here, index))
        elif keyword in _SCHEMAS:
            yield from _later_keywords(value, here)


def _bound(keyword: str) -> str:
    return keyword.removeprefix("exclusive").lower()


def _paths(properties: Mapping[str, Any]) -> Iterator[Finding]:
    for path in mapping(mapping(properties.get("Body")).get("paths")):
        if str(path).startswith("x-"):
            continue
        for segment in str(path).split("/"):
            if not _SEGMENT.fullmatch(segment):
                yield (
                    ("Body", "paths", path),
                    f"the segment {segment!r}: a parameter is a segment of its own, and others are made of letters, digits and _.,:~-",
                )


def _integration_timeouts(properties: Mapping[str, Any]) -> Iterator[Finding]:
    for path, item in mapping(mapping(properties.get("Body")).get("paths")).items():
        for verb in _VERBS & mapping(item).keys():
            integration = mapping(mapping(item[verb]).get("x-amazon-apigateway-integration"))
            timeout = known(integration.get("timeoutInMillis"))
            if isinstance(timeout, int) and not MIN_TIMEOUT_MS <= timeout <= MAX_TIMEOUT_MS:
                where: Path = ("Body", "paths", path, verb, "x-amazon-apigateway-integration", "timeoutInMillis")
                yield where, f"an integration answers within {MIN_TIMEOUT_MS} to {MAX_TIMEOUT_MS} milliseconds"


def _gateway_responses(properties: Mapping[str, Any]) -> Iterator[Finding]:
    responses = mapping(mapping(properties.get("Body")).get("x-amazon-apigateway-gateway-responses"))
    for name in responses:
        if name not in _RESPONSE_TYPES:
            yield (
                ("Body", "x-amazon-apigateway-gateway-responses", name),
                f"there is no such gateway response; there are {', '.join(sorted(_RESPONSE_TYPES))}",
            )


_RESPONSE_TYPES = frozenset(
    {
        "ACCESS_DENIED",
        "API_CONFIGURATION_ERROR",
        "AUTHORIZER_CONFIGURATION_ERROR",
        "AUTHORIZER_FAILURE",
        "BAD_REQUEST_BODY",
        "BAD_REQUEST_PARAMETERS",
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "EXPIRED_TOKEN",
        "INTEGRATION_FAILURE",
        "INTEGRATION_TIMEOUT",
        "INVALID_API_KEY",
        "INVALID_SIGNATURE",
        "MISSING_AUTHENTICATION_TOKEN",
        "QUOTA_EXCEEDED",
        "REQUEST_TOO_LARGE",
        "RESOURCE_NOT_FOUND",
        "THROTTLED",
        "UNAUTHORIZED",
        "UNSUPPORTED_MEDIA_TYPE",
        "WAF_FILTERED",
    }
)

_TYPE = "AWS::ApiGateway::RestApi"
LIMITS = (
    Limit(
        "E9001",
        "API Gateway imports OpenAPI 2.0 and 3.0 only, not 3.1",
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html",
        _TYPE,
        _version,
    ),
    Limit("E9002", "Models are JSON schema draft 4, with names of letters and digits", _NOTES, _TYPE, _models),
    Limit("E9003", "A path parameter is a path segment of its own", _NOTES, _TYPE, _paths),
    Limit(
        "E9004",
        "An integration's timeout is 50 to 29,000 milliseconds",
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
        _TYPE,
        _integration_timeouts,
    ),
    Limit(
        "E9005",
        "Gateway responses have the documented types",
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html",
        _TYPE,
        _gateway_responses,
    ),
)
