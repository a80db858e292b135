"""The two OpenAPI documents, made from the table of routes."""

from __future__ import annotations

import re
from typing import Any

from contract import schemas
from todolist.api.routes import LATEST, ROUTES, Route
from todolist.rules import ids

Document = dict[str, Any]

_VERSION: Document = {"type": "integer", "minimum": 0, "maximum": LATEST}
QUERY: dict[str, tuple[str, Document]] = {
    "list": ("Only to-dos of this list.", {"type": "string", "pattern": ids.LIST_PATTERN}),
    "status": ("Only open or done ones; all without it.", {"type": "string", "enum": ["open", "done", "all"]}),
    "tag": ("Only to-dos with this tag.", {"type": "string"}),
    "dueBefore": ("Only to-dos due before this date, or date-time with zone.", {"type": "string"}),
    "q": ("Only to-dos with this text in title or notes, whatever its case and encoding.", {"type": "string"}),
    "limit": ("At most so many; a page may be shorter and still have a cursor.", {"type": "integer"}),
    "cursor": ("Where the page before ended.", {"type": "string"}),
    "minVersion": ("The version that you know: an answer that may be older is read again.", _VERSION),
    "since": ("The version that you have; 0 for everything.", _VERSION),
}
_TAG: Document = {"type": "string"}
HEADERS: dict[str, tuple[str, Document]] = {
    "Idempotency-Key": (
        "The same key with the same body does nothing twice, for a day.",
        {"type": "string", "minLength": 1, "maxLength": 255},
    ),
    "If-Match": ("The ETag that you know: 412 when it has changed since.", _TAG),
    "If-None-Match": ("The ETag that you have: 304 when it is still the same.", _TAG),
}
PATHS = {"todoId": ids.TODO_PATTERN, "listId": ids.LIST_PATTERN, "jobId": ids.JOB_PATTERN}


def published() -> Document:
    """OpenAPI 3.1 for clients."""
    components = {**schemas.bodies(), **schemas.answers()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MyTodoList",
            "version": "1",
            "description": "Lists and to-dos of the signed-in user. README.md has a tour.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "{apiUrl}", "variables": {"apiUrl": {"default": "/api", "description": "Output ApiUrl."}}}],
        "security": [{"idToken": []}],
        "paths": _paths(_published_operation),
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": {"Problem": _problem_answer()},
            "securitySchemes": {
                "idToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The ID token of the Cognito user pool.",
                }
            },
        },
    }


def gateway() -> Document:
    """OpenAPI 3.0.1 with API Gateway's extensions: the body of the REST API in template.yaml."""
    bodies = {name: schemas.draft4(schema) for name, schema in schemas.bodies().items()}
    return {
        "openapi": "3.0.1",
        "info": {"title": "MyTodoList", "version": "1"},
        "x-amazon-apigateway-request-validators": {
            "everything": {"validateRequestBody": True, "validateRequestParameters": True}
        },
        "x-amazon-apigateway-request-validator": "everything",
        "paths": _paths(_gateway_operation),
        "components": {"schemas": dict(sorted(bodies.items()))},
    }


def _paths(operation: Any) -> Document:
    paths: Document = {}
    for name, route in ROUTES.items():
        method, path = name.split(" ")
        paths.setdefault(path, {})[method.lower()] = operation(path, route)
    return paths


def _published_operation(path: str, route: Route) -> Document:
    operation: Document = {"operationId": route.operation, "summary": route.summary}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": PATHS[name]}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    for name in route.query:
        description, schema = QUERY[name]
        if name == "limit":
            usual, most = route.limit
            schema = {**schema, "minimum": 1, "maximum": most, "default": usual}
        place = {"name": name, "in": "query", "required": name == "since"}
        parameters.append({**place, "description": description, "schema": schema})
    parameters += [
        {"name": name, "in": "header", "description": description, "schema": schema}
        for name, (description, schema) in ((name, HEADERS[name]) for name in route.headers)
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = _request_body(route)
    answers = {str(status): _answer(status, model) for status, model in route.answers.items()}
    return {**operation, "responses": {**answers, "default": {"$ref": "#/components/responses/Problem"}}}


def _gateway_operation(path: str, route: Route) -> Document:
    operation: Document = {"operationId": route.operation}
    parameters: list[Document] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": name == "since", "schema": {"type": "string"}} for name in route.query
    ]
    parameters += [{"name": name, "in": "header", "schema": {"type": "string"}} for name in route.headers]
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = _request_body(route)
    function = f"${{{route.function}Function.Arn}}"
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": {
            "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
            f"{function}/invocations"
        },
    }
    answers = {str(status): {"description": _describe(status)} for status in route.answers}
    return {**operation, "responses": answers, "x-amazon-apigateway-integration": integration}


def _request_body(route: Route) -> Document:
    schema = {"$ref": f"#/components/schemas/{route.body}"}
    return {"required": True, "content": {each: {"schema": schema} for each in route.media_types}}


def _answer(status: int, model: str) -> Document:
    headers = {}
    answer: Document = {"description": _describe(status)}
    if model == "Export":
        answer["content"] = {"application/x-ndjson": {"schema": {"type": "string"}}}
        headers["Link"] = "The next page, if any."
    elif model:
        answer["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}
    if status in {202, 204}:
        headers["X-Version"] = "Your version after it."
    if status in {201, 202}:
        headers["Location"] = "Where it is, relative to this request's URL."
    if model == "Job":
        headers["Retry-After"] = "Seconds until it is worth another look, while the job is running."
    if model in {"Todo", "List"}:
        headers["ETag"] = "Its version."
    if headers:
        text = {"schema": {"type": "string"}}
        answer["headers"] = {name: {"description": description, **text} for name, description in headers.items()}
    return answer


def _describe(status: int) -> str:
    return {200: "As asked", 201: "Made", 202: "Accepted, a job goes on", 204: "Deleted", 304: "Not modified"}[status]


def _problem_answer() -> Document:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "What to change", "content": {"application/problem+json": {"schema": schema}}}
