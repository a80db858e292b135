"""A request's way through an API: routes, the event, the answer, errors in AWS's words."""

import asyncio
import base64
from typing import Any

import orjson
import pytest

from stratus.wire.errors import AwsError
from stratus.wire.message import BodyIncomplete
from tests.services.apigateway.conftest import ACCOUNT, FUNCTION, REGION, Bench, header, message, openapi, proxy

PATHS: dict[str, Any] = {
    "/todos": {"get": proxy(), "post": proxy()},
    "/todos/{id}": {"get": proxy(), "x-amazon-apigateway-any-method": proxy()},
    "/todos/batch": {"post": proxy()},
    "/files/{proxy+}": {"get": proxy()},
    "/": {"get": proxy()},
}


@pytest.fixture
async def api(bench: Bench) -> Bench:
    await bench.deploy(openapi(PATHS))
    return bench


@pytest.mark.parametrize(
    ("method", "path", "resource", "parameters"),
    [
        ("GET", "/api", "/", None),
        ("GET", "/api/", "/", None),
        ("GET", "/api/todos", "/todos", None),
        ("GET", "/api/todos/", "/todos", None),
        ("GET", "/api/todos/a%2Fb%20%C3%A9", "/todos/{id}", {"id": "a/b é"}),
        ("DELETE", "/api/todos/7", "/todos/{id}", {"id": "7"}),
        ("POST", "/api/todos/batch", "/todos/batch", None),
        ("GET", "/api/files/a/b.txt", "/files/{proxy+}", {"proxy": "a/b.txt"}),
    ],
)
async def test_the_most_specific_route_wins(
    api: Bench, method: str, path: str, resource: str, parameters: dict[str, str] | None
) -> None:
    response = await api.send(method, path)
    assert response.status == 200
    event = api.caller.events[-1]
    assert (event["resource"], event["pathParameters"]) == (resource, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nope"),
        ("BREW", "/api/todos/7"),
        ("PUT", "/api/todos"),
        ("GET", "/api/todos/batch"),
        ("GET", "/api/files/"),
        ("GET", "/api/todos//x"),
    ],
)
async def test_an_unknown_route_is_a_missing_authentication_token(api: Bench, method: str, path: str) -> None:
    response = await api.send(method, path)
    assert response.status == 403
    assert message(response) == {"message": "Missing Authentication Token"}
    assert header(response, "x-amzn-ErrorType") == "MissingAuthenticationTokenException"
    assert header(response, "x-amzn-RequestId")
    assert header(response, "x-amz-apigw-id")
    assert api.caller.events == []


@pytest.mark.parametrize("path", ["/", "/prod/todos", "/API/todos"])
async def test_an_unknown_stage_is_forbidden(api: Bench, path: str) -> None:
    response = await api.send("GET", path)
    assert (response.status, message(response)) == (403, {"message": "Forbidden"})
    assert header(response, "x-amzn-ErrorType") == "ForbiddenException"


async def test_the_event_is_that_of_payload_version_one(api: Bench) -> None:
    await api.send(
        "POST",
        "/api/todos",
        b'{"title":"x"}',
        query="a=1&b=2&b=%C3%A9&c",
        headers=[("Accept", "a"), ("Accept", "b"), ("User-Agent", "curl"), ("Content-Length", "13")],
    )
    event = api.caller.events[0]
    assert event["path"] == "/todos"
    assert event["queryStringParameters"] == {"a": "1", "b": "é", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1"], "b": ["2", "é"], "c": [""]}
    assert event["headers"]["accept"] == "b"
    assert event["multiValueHeaders"]["accept"] == ["a", "b"]
    assert event["headers"]["X-Forwarded-For"] == "203.0.113.7"
    assert event["headers"]["X-Forwarded-Port"] == "5000"
    assert "content-length" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"title":"x"}', False)
    assert (event["stageVariables"], event["pathParameters"]) == (None, None)
    context = event["requestContext"]
    assert context["path"] == "/api/todos"
    assert context["stage"] == "api"
    assert context["accountId"] == ACCOUNT
    assert context["requestTimeEpoch"] == 1_800_000_000_000
    assert context["requestTime"] == "15/Jan/2027:08:00:00 +0000"
    assert context["identity"]["sourceIp"] == "203.0.113.7"
    assert context["identity"]["userAgent"] == "curl"
    assert context["identity"]["cognitoIdentityId"] is None
    assert context["domainName"] == f"{api.api_id}.execute-api.{REGION}.amazonaws.com"
    assert "authorizer" not in context


async def test_lambda_is_invoked_as_the_gateway_for_the_method(api: Bench) -> None:
    await api.send("DELETE", "/api/todos/7")
    principal, params, context = api.caller.invocations[0]
    assert principal.arn == "apigateway.amazonaws.com"
    assert params["FunctionName"] == FUNCTION
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.api_id}/api/DELETE/todos/{{id}}"
    assert context == {"aws:SourceArn": (arn,), "aws:SourceAccount": (ACCOUNT,)}


async def test_the_answer_is_the_function_s(api: Bench) -> None:
    api.caller.function = lambda event: {
        "statusCode": "201",
        "headers": {"ETag": '"1"', "X-N": 5, "X-B": True, "Server": "mine", "Transfer-Encoding": "chunked"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "ETag": ['"1"']},
        "body": "é",
    }
    response = await api.send("GET", "/api/todos")
    assert (response.status, response.body) == (201, "é".encode())
    fields = [field for field in response.headers if not field[0].startswith("x-amz")]
    assert fields == [
        ("ETag", '"1"'),
        ("X-N", "5"),
        ("X-B", "true"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("content-type", "application/json"),
    ]
    assert header(response, "x-amzn-Remapped-Server") == "mine"


@pytest.mark.parametrize("answer", [{}, {"body": None}, {"headers": None, "isBase64Encoded": False}])
async def test_no_member_of_the_answer_is_mandatory(api: Bench, answer: dict[str, Any]) -> None:
    api.caller.function = lambda event: answer
    response = await api.send("GET", "/api/todos")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        b"not json",
        {"errorMessage": "boom", "errorType": "X"},
        {"statusCode": 200, "cookies": []},
        {"statusCode": "many"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 1000},
        {"body": {"a": 1}},
        {"body": 7},
        {"headers": []},
        {"headers": {"a": {}}},
        {"headers": {"a": "b\r\nc: d"}},
        {"headers": {"a b": "c"}},
        {"multiValueHeaders": {"a": "b"}},
    ],
)
async def test_a_malformed_answer_is_a_bad_gateway(api: Bench, answer: Any) -> None:
    api.caller.function = lambda event: answer
    response = await api.send("GET", "/api/todos")
    assert (response.status, message(response)) == (502, {"message": "Internal server error"})
    assert header(response, "x-amzn-ErrorType") == "InternalServerErrorException"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AwsError("AccessDeniedException", "User: apigateway.amazonaws.com is not authorized", 403), 500),
        (AwsError("ResourceNotFoundException", "Function not found", 404), 500),
        (AwsError("TooManyRequestsException", "Rate Exceeded", 429), 500),
        (AwsError("RequestTooLargeException", "too large", 413), 413),
    ],
)
async def test_the_client_learns_nothing_of_why_lambda_refused(api: Bench, error: AwsError, status: int) -> None:
    def refuse(event: Any) -> Any:
        raise error

    api.caller.function = refuse
    response = await api.send("GET", "/api/todos")
    assert response.status == status
    assert b"authorized" not in bytes(response.body)  # type: ignore[arg-type] # errors have whole bodies


async def test_given_a_function_that_hangs_when_29_seconds_pass_then_504(api: Bench) -> None:
    api.caller.function = lambda event: asyncio.get_running_loop().create_future()
    asked = asyncio.create_task(api.send("GET", "/api/todos"))
    await api.caller.invoked.wait()
    await asyncio.sleep(0)
    api.clock.advance(28.9)
    await asyncio.sleep(0)
    assert not asked.done()
    api.clock.advance(0.2)
    response = await asked
    assert (response.status, message(response)) == (504, {"message": "Endpoint request timed out"})


async def test_an_integration_may_have_less_time(bench: Bench) -> None:
    await bench.deploy(openapi({"/a": {"get": proxy(timeoutInMillis=50)}}))
    bench.caller.function = lambda event: asyncio.get_running_loop().create_future()
    asked = asyncio.create_task(bench.send("GET", "/api/a"))
    await bench.caller.invoked.wait()
    await asyncio.sleep(0)
    bench.clock.advance(0.06)
    assert (await asked).status == 504


async def test_a_client_that_goes_away_cancels_its_request_and_no_other(api: Bench) -> None:
    api.caller.function = lambda event: asyncio.get_running_loop().create_future()
    asked = asyncio.create_task(api.send("GET", "/api/todos"))
    await api.caller.invoked.wait()
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    api.caller.function = lambda event: {"statusCode": 200}
    assert (await api.send("GET", "/api/todos")).status == 200


@pytest.mark.parametrize(("size", "status"), [(10 * 1024 * 1024, 200), (10 * 1024 * 1024 + 1, 413)])
async def test_a_body_has_at_most_ten_megabytes(api: Bench, size: int, status: int) -> None:
    response = await api.send("POST", "/api/todos", b"x" * size)
    assert response.status == status
    if status == 413:
        assert message(response) == {"message": "Request Too Long"}


class SlowBody:
    """A body that never arrives whole."""

    async def read(self, limit: int) -> bytes:
        raise BodyIncomplete

    async def __aiter__(self) -> Any:
        raise BodyIncomplete
        yield b""


async def test_a_client_too_slow_with_its_body_gets_a_4xx(api: Bench) -> None:
    response = await api.send("POST", "/api/todos", SlowBody())
    assert response.status == 408
    assert api.caller.events == []


@pytest.mark.parametrize(
    "headers",
    [[(f"x-{number}", "y" * 90) for number in range(120)], [("x", "y" * 11_000)]],
)
async def test_a_flood_of_headers_is_refused(api: Bench, headers: list[tuple[str, str]]) -> None:
    assert (await api.send("GET", "/api/todos", headers=headers)).status == 431


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/todos/%ff", ""),
        ("/api/todos/%00", "%ff=%fe"),
        ("/api/" + "a/" * 4000, ""),
        ("/api/todos/" + "%25" * 2000, "&" * 3000),
        ("/api/../../etc/passwd", ""),
        ("*", ""),
        ("", ""),
        ("http://x/api/todos", ""),
    ],
)
async def test_strange_targets_never_crash(api: Bench, path: str, query: str) -> None:
    response = await api.send("GET", path, query=query, headers={"x": "\xff"})
    assert response.status in (200, 400, 403)


async def test_an_unreadable_text_body_reaches_the_function_with_replacement_characters(api: Bench) -> None:
    await api.send("POST", "/api/todos", b"\xff\xfea")
    assert api.caller.events[0]["body"] == "��a"


async def test_binary_bodies_go_both_ways_in_base64(bench: Bench) -> None:
    await bench.deploy(openapi({"/i": {"post": proxy()}}, **{"x-amazon-apigateway-binary-media-types": ["image/*"]}))
    bench.caller.function = lambda event: {"body": event["body"], "isBase64Encoded": True}
    png = {"content-type": "image/png", "accept": "image/png,*/*"}
    response = await bench.send("POST", "/api/i", b"\x89PNG", headers=png)
    assert bench.caller.events[0]["isBase64Encoded"] is True
    assert response.body == b"\x89PNG"
    as_text = await bench.send(
        "POST", "/api/i", b"\x89PNG", headers={"content-type": "image/png", "accept": "text/html"}
    )
    assert as_text.body == base64.b64encode(b"\x89PNG")
    bench.caller.function = lambda event: {"body": "no base64!", "isBase64Encoded": True}
    assert (await bench.send("POST", "/api/i", b"x", headers=png)).status == 500


async def test_mock_preflight_as_sam_emits_it(bench: Bench) -> None:
    mock = {
        "type": "mock",
        "requestTemplates": {"application/json": '{\n  "statusCode" : 200\n}\n'},
        "responses": {
            "default": {
                "statusCode": "200",
                "responseTemplates": {"application/json": "{}\n"},
                "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"},
            }
        },
    }
    await bench.deploy(openapi({"/a": {"options": {"x-amazon-apigateway-integration": mock}}}))
    response = await bench.send("OPTIONS", "/api/a")
    assert (response.status, response.body) == (200, b"{}\n")
    assert header(response, "access-control-allow-origin") == "*"


async def test_large_answers_are_compressed_where_the_api_says_so(bench: Bench) -> None:
    import gzip

    await bench.deploy(openapi({"/a": {"post": proxy()}}, **{"x-amazon-apigateway-minimum-compression-size": 100}))
    bench.caller.function = lambda event: {"body": "x" * (200 if event["body"] == "long" else 20)}
    accepting = {"accept-encoding": "br, gzip", "content-encoding": "gzip"}
    large = await bench.send("POST", "/api/a", gzip.compress(b"long"), headers=accepting)
    assert header(large, "content-encoding") == "gzip"
    assert gzip.decompress(bytes(large.body)) == b"x" * 200  # type: ignore[arg-type] # it is bytes
    assert (
        header(await bench.send("POST", "/api/a", b"", headers={"accept-encoding": "gzip"}), "content-encoding") is None
    )
    assert header(await bench.send("POST", "/api/a", b"long"), "content-encoding") is None
    bomb = gzip.compress(b"\0" * (30 * 1024 * 1024))
    assert (await bench.send("POST", "/api/a", bomb, headers=accepting)).status == 413
    assert (await bench.send("POST", "/api/a", b"nonsense", headers=accepting)).status == 400


async def test_every_json_event_is_valid_even_from_hostile_headers(api: Bench) -> None:
    await api.send("GET", "/api/todos", query="a=%F0%9F", headers=[("x-\xe9", "v\xe9"), ("y", "\x01")])
    assert orjson.dumps(api.caller.events[0])
