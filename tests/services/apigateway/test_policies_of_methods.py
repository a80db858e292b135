"""What a method asks of its requests and how often it may be called: validators, models, throttling; how refusals are worded."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.clock import ManualClock
from stratus.services.apigateway.throttle import TokenBucket
from tests.services.apigateway.conftest import Bench, header, message, openapi, proxy

MODEL = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 5},
        "priority": {"type": "integer", "enum": [0, 1]},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/todo"}},
    },
    "additionalProperties": False,
}
METHOD = proxy() | {
    "x-amazon-apigateway-request-validator": "all",
    "parameters": [
        {"name": "list", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "X-Client", "in": "header", "required": True},
        {"name": "q", "in": "query"},
    ],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/todo"}}}},
}
PROBLEM = {
    "DEFAULT_4XX": {
        "responseTemplates": {
            "application/problem+json": '{"title":$context.error.messageString,"status":"$context.error.responseType",'
            '"id":"$context.requestId","detail":"$context.error.validationErrorString","path":"${context.path}"}'
        },
        "responseParameters": {
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
            "gatewayresponse.header.X-Echo": "method.request.header.X-Ask",
            "gatewayresponse.header.X-Kind": "context.error.responseType",
        },
    },
    "MISSING_AUTHENTICATION_TOKEN": {"statusCode": "404", "responseTemplates": {"text/plain": "no such route"}},
}


def description(**more: Any) -> dict[str, Any]:
    validators = {"all": {"validateRequestParameters": True, "validateRequestBody": True}}
    return openapi(
        {"/todos": {"post": METHOD}, "/free": {"get": proxy()}},
        components={"schemas": {"todo": MODEL}},
        **{"x-amazon-apigateway-request-validators": validators},
        **more,
    )


@pytest.fixture
async def api(bench: Bench) -> Bench:
    await bench.deploy(description())
    return bench


async def post(bench: Bench, body: Any, content_type: str | None = "application/json", query: str = "list=a") -> Any:
    headers = {"x-client": "t"} | ({} if content_type is None else {"content-type": content_type})
    return await bench.send(
        "POST", "/api/todos", body if isinstance(body, bytes) else orjson.dumps(body), query=query, headers=headers
    )


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", None])
async def test_a_valid_request_passes(api: Bench, content_type: str | None) -> None:
    assert (await post(api, {"title": "a", "children": [{"title": "b"}]}, content_type)).status == 200


async def test_a_type_without_a_model_is_not_looked_at(api: Bench) -> None:
    assert (await post(api, b"<a/>", "application/xml")).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 5000,
        b'{"title":' * 900 + b"1" + b"}" * 900,
        b'{"children":[' * 150 + b"{}" + b"]}" * 150,
        {},
        [],
        {"title": 1},
        {"title": ""},
        {"title": "a" * 6},
        {"title": "a", "priority": 9},
        {"title": "a", "more": 1},
        {"title": "a", "children": [{}]},
    ],
)
async def test_an_invalid_body_is_a_bad_request(api: Bench, body: Any) -> None:
    response = await post(api, body)
    assert (response.status, message(response)) == (400, {"message": "Invalid request body"})
    assert header(response, "x-amzn-ErrorType") == "BadRequestException"
    assert api.caller.events == []


async def test_missing_parameters_are_named(api: Bench) -> None:
    response = await api.send("POST", "/api/todos", b"{}", query="list=")
    assert (response.status, message(response)) == (
        400,
        {"message": "Missing required request parameters: [list, X-Client]"},
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, '[object has missing required properties (["title"])]'),
        ({"title": 1}, '[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]'),
        ({"title": ""}, '[string "" is too short (length: 0, required minimum: 1)]'),
        ({"title": "aaaaaa"}, '[string "aaaaaa" is too long (length: 6, maximum allowed: 5)]'),
        ({"title": "a", "priority": 9}, "[instance value (9) not found in enum (possible values: [0,1])]"),
        ({"title": "a", "b": 1}, '[object instance has properties which are not allowed by the schema: ["b"]]'),
    ],
)
async def test_validation_errors_are_worded_as_aws_s_validator_does(bench: Bench, body: Any, detail: str) -> None:
    template = {"BAD_REQUEST_BODY": {"responseTemplates": {"text/plain": "$context.error.validationErrorString"}}}
    await bench.deploy(description(**{"x-amazon-apigateway-gateway-responses": template}))
    response = await post(bench, body)
    assert orjson.loads(b'"' + response.body + b'"') == detail


async def test_gateway_responses_reword_errors(bench: Bench) -> None:
    await bench.deploy(description(**{"x-amazon-apigateway-gateway-responses": PROBLEM}))
    response = await bench.send("POST", "/api/todos", b"{}", headers={"x-ask": "me"})
    assert response.status == 400
    assert header(response, "content-type") == "application/problem+json"
    assert header(response, "access-control-allow-origin") == "*"
    assert header(response, "x-echo") == "me"
    assert header(response, "x-kind") == "BAD_REQUEST_PARAMETERS"
    assert message(response) == {
        "title": "Missing required request parameters: [list, X-Client]",
        "status": "BAD_REQUEST_PARAMETERS",
        "id": header(response, "x-amzn-RequestId"),
        "detail": "",
        "path": "/api/todos",
    }
    own = await bench.send("GET", "/api/nope")
    assert (own.status, own.body, header(own, "content-type")) == (404, b"no such route", "text/plain")


async def test_a_mapped_content_type_stands_in_place_of_the_template_s(bench: Bench) -> None:
    mapped = {"gatewayresponse.header.Content-Type": "'application/problem+json'"}
    responses = {"DEFAULT_4XX": {"responseParameters": mapped, "responseTemplates": {"application/json": "{}"}}}
    await bench.deploy(description(**{"x-amazon-apigateway-gateway-responses": responses}))
    response = await bench.send("GET", "/api/nope")
    types = [value for name, value in response.headers if name.lower() == "content-type"]
    assert types == ["application/problem+json"]


async def test_an_echoed_header_cannot_break_out_of_its_line(bench: Bench) -> None:
    await bench.deploy(description(**{"x-amazon-apigateway-gateway-responses": PROBLEM}))
    response = await bench.send("POST", "/api/todos", b"", headers={"x-ask": "a\r\nset-cookie: b"})
    assert header(response, "x-echo") is None


async def test_default_5xx_rewords_and_restates_all_that_has_no_response_of_its_own(bench: Bench) -> None:
    responses = {"DEFAULT_5XX": {"statusCode": "599", "responseTemplates": {"text/plain": "$context.error.message!"}}}
    await bench.deploy(description(**{"x-amazon-apigateway-gateway-responses": responses}))
    bench.caller.function = lambda event: None
    response = await bench.send("GET", "/api/free")
    assert response.body == b"Internal server error!"
    assert response.status == 599


def limits(path: str, rate: int, burst: int) -> list[dict[str, str]]:
    return [
        {"op": "replace", "path": f"/{path}/throttling/rateLimit", "value": str(rate)},
        {"op": "replace", "path": f"/{path}/throttling/burstLimit", "value": str(burst)},
    ]


async def test_each_method_has_a_bucket_of_the_stage_s_size(bench: Bench) -> None:
    paths = {"/a": {"get": proxy()}, "/b": {"get": proxy()}, "/c/{id}": {"get": proxy()}}
    await bench.deploy(openapi(paths), settings=limits("*/*", 1, 2) + limits("~1c~1{id}/GET", 1, 1))

    async def statuses(path: str, count: int) -> list[int]:
        return [(await bench.send("GET", path)).status for _ in range(count)]

    assert await statuses("/api/a", 3) == [200, 200, 429]
    assert await statuses("/api/b", 3) == [200, 200, 429]
    assert await statuses("/api/c/1", 2) == [200, 429]
    response = await bench.send("GET", "/api/a")
    assert message(response) == {"message": "Too Many Requests"}
    assert header(response, "x-amzn-ErrorType") == "TooManyRequestsException"
    bench.clock.advance(1)
    assert await statuses("/api/a", 2) == [200, 429]


@given(
    rate=st.floats(0, 1000),
    burst=st.integers(0, 100),
    waits=st.lists(st.floats(0, 5), max_size=200),
)
def test_a_bucket_never_gives_more_than_its_burst_and_rate(rate: float, burst: int, waits: list[float]) -> None:
    clock = ManualClock()
    bucket, start, taken = TokenBucket(clock, rate, burst), clock.now(), 0
    for wait in waits:
        clock.advance(wait)
        taken += bucket.take()
        assert taken <= burst + rate * (clock.now() - start) + 1e-6
