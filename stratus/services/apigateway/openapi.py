"""API descriptions, OpenAPI 3.0 or Swagger 2.0 with AWS's extensions, into definitions.

What we do not do is refused with its place in the description. Sources: API Gateway Developer Guide, "OpenAPI extensions for API
Gateway", and what aws-sam-translator emits.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from jsonschema import Draft4Validator
from jsonschema.exceptions import SchemaError

from stratus.services.apigateway.definition import (
    ANY,
    CALLER_CREDENTIALS,
    Authorizer,
    CognitoAuthorizer,
    Definition,
    GatewayResponse,
    IamAuthorizer,
    LambdaProxy,
    Method,
    Mock,
    RequiredParameters,
)
from stratus.services.apigateway.errors import RESPONSE_TYPES, bad_request, refused
from stratus.services.apigateway.mock import read_mock

Document = dict[str, Any]

MAX_DOCUMENT = 6 * 1024 * 1024
MAX_METHODS = 3000
MAX_TIMEOUT_MS = 29_000
GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
_INTEGRATION = "x-amazon-apigateway-integration"
_ANY_METHOD = "x-amazon-apigateway-any-method"
_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", _ANY_METHOD)
_FUNCTION_URI = re.compile(
    r"arn:[\w-]+:apigateway:[\w-]+:lambda:path/2015-03-31/functions/(?P<function>.+)/invocations"
)
_RESOURCE = re.compile(r"/|(/([\w.\-:]+|\{[\w.\-]+\}))*(/([\w.\-:]+|\{[\w.\-]+\+?\}))")
_HEADER_SOURCE = "method.request.header."
_OF_DOCUMENT = frozenset(
    {
        GATEWAY_RESPONSES, "x-amazon-apigateway-request-validators", "x-amazon-apigateway-request-validator",
        "x-amazon-apigateway-binary-media-types", "x-amazon-apigateway-minimum-compression-size", "x-amazon-apigateway-policy",
        "x-amazon-apigateway-api-key-source", "x-amazon-apigateway-endpoint-configuration", "x-amazon-apigateway-documentation",
    }
)  # fmt: skip
_OF_PATH = frozenset({_ANY_METHOD})
_OF_METHOD = frozenset({_INTEGRATION, "x-amazon-apigateway-request-validator", "x-amazon-apigateway-auth"})
_INTEGRATION_DONE = frozenset(
    {
        "type", "httpMethod", "uri", "credentials", "timeoutInMillis", "passthroughBehavior", "requestTemplates", "responses",
        "cacheKeyParameters", "cacheNamespace", "connectionType", "contentHandling",
    }
)  # fmt: skip


def parse_document(body: bytes) -> Document:
    """The description out of JSON; AWS takes YAML too."""
    if len(body) > MAX_DOCUMENT:
        raise bad_request(f"The API definition is larger than {MAX_DOCUMENT} bytes")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refused("API definitions other than JSON: convert it (aws apigateway get-export gives JSON)") from error
    if not isinstance(document, dict) or not (document.get("openapi") or document.get("swagger")):
        raise bad_request("Invalid OpenAPI input.")
    version = str(document.get("openapi") or document.get("swagger"))
    if not version.startswith(("3.0", "2.0")):
        raise bad_request(f"Unsupported OpenAPI version {version}: API Gateway takes 3.0 and 2.0")
    return document


def gateway_response(kind: str, spec: Mapping[str, Any]) -> GatewayResponse:
    """One entry of `x-amazon-apigateway-gateway-responses`, or the input of PutGatewayResponse."""
    if kind not in RESPONSE_TYPES:
        raise bad_request(f"Invalid gateway response type {kind}")
    status = spec.get("statusCode")
    if status is not None and not re.fullmatch(r"[1-5]\d\d", str(status)):
        raise bad_request(f"Invalid status code {status} of gateway response {kind}")
    parameters = dict(spec.get("responseParameters") or {})
    for target in parameters:
        if not target.startswith("gatewayresponse.header."):
            raise refused(f"the parameter {target} of gateway response {kind}")
    return GatewayResponse(
        None if status is None else int(status), parameters, dict(spec.get("responseTemplates") or {})
    )


class Reader:
    """Reads one description. `settings` are those of the API itself, which stand above the description's."""

    def __init__(self, document: Document, settings: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self._document = document
        self._settings = settings
        self._variables = variables
        components = document.get("components") or {}
        self._schemes = components.get("securitySchemes") or document.get("securityDefinitions") or {}
        self._validators = document.get("x-amazon-apigateway-request-validators") or {}

    def definition(self) -> Definition:
        """Raises AwsError (BadRequestException), naming the place of what is wrong or not done."""
        _refuse_others("the API description", self._document, _OF_DOCUMENT)
        key_source = self._document.get("x-amazon-apigateway-api-key-source", "HEADER")
        if key_source != "HEADER":
            raise refused(f"x-amazon-apigateway-api-key-source {key_source}")
        methods = tuple(self._methods())
        if len(methods) > MAX_METHODS:
            raise bad_request(f"An API has at most {MAX_METHODS} methods")
        responses = self._document.get(GATEWAY_RESPONSES) or {}
        policy = self._settings.get("policy") or self._document.get("x-amazon-apigateway-policy")
        return Definition(
            methods,
            {kind: gateway_response(kind, spec) for kind, spec in responses.items()},
            tuple(self._setting("binaryMediaTypes", "x-amazon-apigateway-binary-media-types") or ()),
            self._setting("minimumCompressionSize", "x-amazon-apigateway-minimum-compression-size"),
            policy if policy is None or isinstance(policy, str) else orjson.dumps(policy).decode(),
            self._endpoint_disabled(),
        )

    def _endpoint_disabled(self) -> bool:
        endpoint = self._document.get("x-amazon-apigateway-endpoint-configuration") or {}
        if endpoint.get("vpcEndpointIds"):
            raise refused("vpcEndpointIds")
        return bool(self._settings.get("disableExecuteApiEndpoint") or endpoint.get("disableExecuteApiEndpoint"))

    def _setting(self, name: str, extension: str) -> Any:
        value = self._settings.get(name)
        return self._document.get(extension) if value is None else value

    def _methods(self) -> Iterator[Method]:
        for path, item in (self._document.get("paths") or {}).items():
            if not _RESOURCE.fullmatch(path):
                raise bad_request(f"Invalid resource path {path}")
            _refuse_others(path, item, _OF_PATH)
            shared = item.get("parameters") or []
            for verb in _VERBS:
                if verb in item:
                    yield self._method(path, ANY if verb == _ANY_METHOD else verb.upper(), item[verb], shared)

    def _method(self, path: str, verb: str, spec: Mapping[str, Any], shared: list[Any]) -> Method:
        place = f"{verb} {path}"
        _refuse_others(place, spec, _OF_METHOD)
        integration = spec.get(_INTEGRATION)
        if integration is None:
            raise bad_request(f"No integration defined for method {place}")
        authorizer, scopes = self._security(place, spec)
        validator = self._validator(place, spec)
        parameters = [self._resolved(each) for each in [*shared, *(spec.get("parameters") or [])]]
        return Method(
            path,
            verb,
            self._integration(place, integration),
            authorizer,
            scopes,
            _required(parameters) if validator.get("validateRequestParameters") else RequiredParameters(),
            dict(self._models(place, spec, parameters)) if validator.get("validateRequestBody") else {},
        )

    def _validator(self, place: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        key = "x-amazon-apigateway-request-validator"
        name = spec.get(key, self._document.get(key))
        if name is None:
            return {}
        if name not in self._validators:
            raise bad_request(f"Invalid request validator {name} specified for method {place}")
        validator: Mapping[str, Any] = self._validators[name]
        return validator

    def _models(
        self, place: str, spec: Mapping[str, Any], parameters: list[Mapping[str, Any]]
    ) -> Iterator[tuple[str, Any]]:
        body = self._resolved(spec.get("requestBody") or {})
        for content_type, media in (body.get("content") or {}).items():
            if "schema" in media:
                yield content_type.lower(), self._schema(place, media["schema"])
        for parameter in parameters:
            if parameter.get("in") == "body" and "schema" in parameter:  # Swagger 2.0
                for content_type in spec.get("consumes") or self._document.get("consumes") or ["application/json"]:
                    yield content_type.lower(), self._schema(place, parameter["schema"])

    def _schema(self, place: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """A schema that carries what its references point to. A reference out of the document is never followed."""
        for reference in _references([schema, self._document.get("components"), self._document.get("definitions")]):
            if not reference.startswith("#/"):
                raise refused(f"the reference {reference} in a model of {place}")
        whole = {
            **schema,
            "components": self._document.get("components"),
            "definitions": self._document.get("definitions"),
        }
        try:
            Draft4Validator.check_schema(schema)
        except SchemaError as error:
            raise bad_request(f"Invalid model specified for {place}: {error.message}") from error
        except RecursionError as error:
            raise bad_request(f"Invalid model specified for {place}: it is nested too deeply") from error
        return {key: value for key, value in whole.items() if value is not None}

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """A parameter or request body, where it is a reference into the components."""
        reference = node.get("$ref")
        if reference is None:
            return node
        found: Any = self._document
        for part in str(reference).removeprefix("#/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise bad_request(f"Unable to resolve the reference {reference}")
        return found

    def _integration(self, place: str, spec: Mapping[str, Any]) -> LambdaProxy | Mock:
        kind = str(spec.get("type", "")).lower()
        if kind == "mock":
            return read_mock(place, spec)
        if kind != "aws_proxy":
            raise refused(f"the integration type {kind or 'none'} of {place} (aws_proxy and mock are done)")
        for key in spec:
            if key not in _INTEGRATION_DONE:
                raise refused(f"{key} in the integration of {place}")
        uri = str(spec.get("uri", ""))
        for name, value in self._variables.items():
            uri = uri.replace(f"${{stageVariables.{name}}}", value)
        match = _FUNCTION_URI.fullmatch(uri)
        if match is None:
            raise refused(f"the integration uri {uri} of {place} (Lambda functions are done)")
        if str(spec.get("httpMethod", "POST")).upper() != "POST":
            raise bad_request(f"The integration of {place} invokes a Lambda function: its httpMethod must be POST")
        credentials = spec.get("credentials")
        if credentials not in (None, CALLER_CREDENTIALS):
            raise refused(
                f"the integration credentials {credentials} of {place} (a resource policy of the function, or the caller's own, are done)"
            )
        timeout = int(spec.get("timeoutInMillis") or MAX_TIMEOUT_MS)
        if not 50 <= timeout <= MAX_TIMEOUT_MS:
            raise bad_request(f"Timeout should be between 50 ms and {MAX_TIMEOUT_MS} ms")
        return LambdaProxy(match["function"], timeout / 1000, credentials == CALLER_CREDENTIALS)

    def _security(self, place: str, spec: Mapping[str, Any]) -> tuple[Authorizer, tuple[str, ...]]:
        requirements = spec.get("security", self._document.get("security")) or []
        if spec.get("x-amazon-apigateway-auth", {}).get("type", "").upper() == "NONE":
            return None, ()
        found: list[tuple[Authorizer, tuple[str, ...]]] = []
        for requirement in requirements:
            for name, scopes in requirement.items():
                if name == "NONE":  # SAM's word for no authorizer
                    continue
                if name == "api_key" or self._is_api_key(name):
                    raise refused(f"the API key that {place} asks for")
                found.append((self._authorizer(place, name), tuple(scopes or ())))
        if len(found) > 1:
            raise bad_request(f"Method {place} has more than one authorizer")
        return found[0] if found else (None, ())

    def _is_api_key(self, name: str) -> bool:
        scheme = self._schemes.get(name) or {}
        return str(scheme.get("name", "")).lower() == "x-api-key" and "x-amazon-apigateway-authtype" not in scheme

    def _authorizer(self, place: str, name: str) -> Authorizer:
        scheme = self._schemes.get(name)
        if scheme is None:
            raise bad_request(f"Method {place} names the authorizer {name}, which is not defined")
        if str(scheme.get("x-amazon-apigateway-authtype", "")).lower() == "awssigv4":
            return IamAuthorizer()
        spec = scheme.get("x-amazon-apigateway-authorizer") or {}
        kind = str(spec.get("type", "")).lower()
        if kind != "cognito_user_pools":
            raise refused(f"the authorizer type {kind or 'none'} of {name} (cognito_user_pools and AWS_IAM are done)")
        pools = tuple(spec.get("providerARNs") or ())
        if not pools:
            raise bad_request(f"The authorizer {name} has no providerARNs")
        source = str(spec.get("identitySource") or _HEADER_SOURCE + scheme.get("name", "Authorization"))
        if not source.startswith(_HEADER_SOURCE) or "," in source:
            raise refused(f"the identity source {source} of the authorizer {name} (one header is done)")
        return CognitoAuthorizer(
            name, pools, source.removeprefix(_HEADER_SOURCE).lower(), spec.get("identityValidationExpression")
        )


def _refuse_others(place: str, spec: Mapping[str, Any], known: frozenset[str]) -> None:
    """Extensions of API Gateway that are not among the known ones ask for something that we would not do."""
    for key in spec:
        if key.startswith("x-amazon-apigateway-") and key not in known:
            raise refused(f"{key} in {place}")


def _required(parameters: list[Mapping[str, Any]]) -> RequiredParameters:
    needed = [(str(each["in"]), str(each["name"])) for each in parameters if each.get("required") and "name" in each]
    return RequiredParameters(
        tuple(name for place, name in needed if place == "query"),
        tuple(name for place, name in needed if place == "header"),
    )


def _references(nodes: list[Any]) -> Iterator[str]:
    """All `$ref` inside of some nodes, however deep."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                yield reference
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
