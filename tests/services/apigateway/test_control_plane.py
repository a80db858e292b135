"""APIs, deployments, stages: what is kept, what is refused by name, what takes effect when."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from stratus.wire.errors import AwsError
from stratus.wire.protocol import protocol_for
from tests.services.apigateway.conftest import (
    ACCOUNT,
    FUNCTION,
    REGION,
    Bench,
    FakePool,
    cognito,
    make_bench,
    openapi,
    proxy,
)

ONE = openapi({"/a": {"get": proxy()}})


async def refusal(bench: Bench, operation: str, /, **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await bench.operate(operation, **params)
    return caught.value


async def patched(bench: Bench, operation: str, *patches: tuple[str, str, str | None], **params: Any) -> Any:
    operations = [{"op": op, "path": path, "value": value} for op, path, value in patches]
    return await bench.operate(operation, restApiId=bench.api_id, patchOperations=operations, **params)


async def test_a_deployment_is_a_snapshot(bench: Bench) -> None:
    await bench.deploy(ONE)
    await bench.operate(
        "PutRestApi", restApiId=bench.api_id, mode="overwrite", body=orjson.dumps(openapi({"/b": {"get": proxy()}}))
    )
    assert (await bench.send("GET", "/api/a")).status == 200
    assert (await bench.send("GET", "/api/b")).status == 403
    later = await bench.operate("CreateDeployment", restApiId=bench.api_id)
    assert (await bench.send("GET", "/api/b")).status == 403
    await patched(bench, "UpdateStage", ("replace", "/deploymentId", later["id"]), stageName="api")
    assert (await bench.send("GET", "/api/b")).status == 200
    assert (await bench.send("GET", "/api/a")).status == 403


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path, pool_keys: FakePool) -> None:
    first = make_bench(tmp_path, pool_keys)
    api = await first.deploy(ONE, settings=[{"op": "replace", "path": "/variables/a", "value": "b"}])
    await first.operate("PutGatewayResponse", restApiId=api, responseType="UNAUTHORIZED", statusCode="418")
    await first.operate(
        "UpdateAccount", patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:r"}]
    )
    second = make_bench(tmp_path, pool_keys)
    second.api_id = api
    assert (await second.send("GET", "/api/a")).status == 200
    assert second.caller.events[0]["stageVariables"] == {"a": "b"}
    assert (await second.operate("GetGatewayResponse", restApiId=api, responseType="UNAUTHORIZED"))[
        "statusCode"
    ] == "418"
    assert (await second.operate("GetAccount"))["cloudwatchRoleArn"] == "arn:r"
    await second.service.stop()
    await first.service.stop()


async def test_create_then_put_as_cloudformation_does(bench: Bench) -> None:
    made = await bench.operate("CreateRestApi", name="x", endpointConfiguration={"types": ["REGIONAL"]})
    body = orjson.dumps(ONE)
    put = await bench.operate(
        "PutRestApi",
        restApiId=made["id"],
        mode="overwrite",
        body=body,
        parameters={"endpointConfigurationTypes": "REGIONAL"},
    )
    assert put["name"] == "x"
    assert put["endpointConfiguration"] == {"types": ["REGIONAL"]}
    assert put["rootResourceId"] == made["rootResourceId"]
    assert [api["id"] for api in (await bench.operate("GetRestApis"))["items"]] == [made["id"]]


async def test_merge_keeps_what_the_new_description_does_not_name(bench: Bench) -> None:
    await bench.deploy(ONE)
    more = openapi({"/b": {"get": proxy()}})
    await bench.operate("PutRestApi", restApiId=bench.api_id, mode="merge", body=orjson.dumps(more))
    await bench.operate("CreateDeployment", restApiId=bench.api_id, stageName="two", variables={"v": "1"})
    assert (await bench.send("GET", "/two/a")).status == 200
    assert (await bench.send("GET", "/two/b")).status == 200
    assert (await bench.send("GET", "/api/b")).status == 403


async def test_every_answer_fits_the_model_of_its_operation(bench: Bench) -> None:
    await bench.deploy(ONE, settings=[{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"}])
    api = {"restApiId": bench.api_id}
    stage = await bench.operate("GetStage", **api, stageName="api")
    answers = {
        "GetRestApi": await bench.operate("GetRestApi", **api),
        "GetRestApis": await bench.operate("GetRestApis"),
        "GetDeployments": await bench.operate("GetDeployments", **api),
        "GetDeployment": await bench.operate("GetDeployment", **api, deploymentId=stage["deploymentId"]),
        "GetStage": stage,
        "GetStages": await bench.operate("GetStages", **api),
        "GetGatewayResponses": await bench.operate("GetGatewayResponses", **api),
        "GetAccount": await bench.operate("GetAccount"),
    }
    protocol = protocol_for("apigateway")
    for name, answer in answers.items():
        assert protocol.serialise(protocol.model.operation_model(name), answer, "id").status == 200
    assert stage["methodSettings"] == {"*/*": {"throttlingRateLimit": 5.0}}


async def test_deleting(bench: Bench) -> None:
    api = {"restApiId": await bench.deploy(ONE)}
    deployment = (await bench.operate("GetDeployments", **api))["items"][0]["id"]
    busy = await refusal(bench, "DeleteDeployment", **api, deploymentId=deployment)
    assert busy.message == "Active stages pointing to this deployment must be moved or deleted"
    await bench.operate("DeleteStage", **api, stageName="api")
    assert (await bench.send("GET", "/api/a")).status == 403
    await bench.operate("DeleteDeployment", **api, deploymentId=deployment)
    await bench.operate("DeleteRestApi", **api)
    assert (await refusal(bench, "GetRestApi", **api)).code == "NotFoundException"
    assert (await bench.send("GET", "/api/a")).status == 403


async def test_an_api_without_methods_is_not_deployed(bench: Bench) -> None:
    made = await bench.operate("CreateRestApi", name="x")
    error = await refusal(bench, "CreateDeployment", restApiId=made["id"])
    assert error.message == "The REST API doesn't contain any methods"


async def test_changes_at_the_same_time_are_all_kept(bench: Bench) -> None:
    await bench.deploy(ONE)
    kinds = ["UNAUTHORIZED", "THROTTLED", "ACCESS_DENIED", "EXPIRED_TOKEN"]
    puts = [
        bench.operate("PutGatewayResponse", restApiId=bench.api_id, responseType=kind, statusCode="418")
        for kind in kinds
    ]
    await asyncio.gather(*puts)
    listed = (await bench.operate("GetGatewayResponses", restApiId=bench.api_id))["items"]
    assert {each["responseType"] for each in listed if not each["defaultResponse"]} == set(kinds)


async def test_a_disabled_endpoint_is_forbidden(bench: Bench) -> None:
    await bench.deploy(ONE)
    await patched(bench, "UpdateRestApi", ("replace", "/disableExecuteApiEndpoint", "true"))
    await bench.operate("CreateDeployment", restApiId=bench.api_id, stageName="api")
    assert (await bench.send("GET", "/api/a")).status == 403


async def test_a_description_may_disable_the_endpoint(bench: Bench) -> None:
    await bench.deploy(ONE | {"x-amazon-apigateway-endpoint-configuration": {"disableExecuteApiEndpoint": True}})
    assert (await bench.send("GET", "/api/a")).status == 403


async def test_settings_of_an_api_are_patched(bench: Bench) -> None:
    await bench.deploy(ONE)
    described = await patched(
        bench,
        "UpdateRestApi",
        ("replace", "/name", "new"),
        ("replace", "/description", "d"),
        ("add", "/binaryMediaTypes/image~1png", None),
        ("add", "/binaryMediaTypes/*~1*", None),
        ("remove", "/binaryMediaTypes/*~1*", None),
        ("replace", "/minimumCompressionSize", "10"),
    )
    assert described["name"] == "new"
    assert described["binaryMediaTypes"] == ["image/png"]
    assert described["minimumCompressionSize"] == 10


@pytest.mark.parametrize(
    ("operation", "op", "path", "value"),
    [
        ("UpdateRestApi", "replace", "/nope", "x"),
        ("UpdateRestApi", "move", "/name", "x"),
        ("UpdateRestApi", "replace", "name", "x"),
        ("UpdateRestApi", "replace", "/name", None),
        ("UpdateRestApi", "replace", "/policy", "{"),
        ("UpdateRestApi", "replace", "/minimumCompressionSize", "-1"),
        ("UpdateRestApi", "replace", "/minimumCompressionSize", "many"),
        ("UpdateRestApi", "replace", "/apiKeySource", "AUTHORIZER"),
        ("UpdateStage", "replace", "/cacheClusterEnabled", "true"),
        ("UpdateStage", "replace", "/*/*/caching/enabled", "true"),
        ("UpdateStage", "replace", "/*/*/throttling/rateLimit", "-1"),
        ("UpdateStage", "replace", "/*/*/throttling/rateLimit", "nan"),
        ("UpdateStage", "replace", "/*/BREW/throttling/rateLimit", "1"),
        ("UpdateStage", "replace", "/*/*/nope", "1"),
        ("UpdateStage", "replace", "/tracingEnabled", "perhaps"),
    ],
)
async def test_bad_patches_change_nothing(bench: Bench, operation: str, op: str, path: str, value: str | None) -> None:
    await bench.deploy(ONE)
    more = {"stageName": "api"} if operation == "UpdateStage" else {}
    with pytest.raises(AwsError) as caught:
        await patched(bench, operation, (op, path, value), **more)
    assert caught.value.code == "BadRequestException"
    assert (await bench.send("GET", "/api/a")).status == 200


async def test_access_logs_go_only_to_a_log_group(bench: Bench) -> None:
    await bench.deploy(ONE)
    destination = ("replace", "/accessLogSettings/destinationArn", "arn:aws:s3:::bucket")
    with pytest.raises(AwsError, match="Invalid ARN"):
        await patched(bench, "UpdateStage", destination, ("replace", "/accessLogSettings/format", "x"), stageName="api")


INTEGRATION = "x-amazon-apigateway-integration"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (b"{", "other than JSON"),
        (openapi({}, **{"x-amazon-apigateway-cors": {}}), "x-amazon-apigateway-cors in the API description"),
        (openapi({"/a": {"x-amazon-apigateway-x": 1}}), "x-amazon-apigateway-x in /a"),
        (openapi({"/a": {"get": proxy() | {"x-amazon-apigateway-y": 1}}}), "x-amazon-apigateway-y in GET /a"),
        (
            openapi({}, **{"x-amazon-apigateway-api-key-source": "AUTHORIZER"}),
            "x-amazon-apigateway-api-key-source AUTHORIZER",
        ),
        (b"\xff\xfe", "other than JSON"),
        (b"[" * 5000, "other than JSON"),
        (b"openapi: 3.0.1", "other than JSON"),
        (b" " * (6 * 1024 * 1024 + 1), "larger than 6291456 bytes"),
        (b"[]", "Invalid OpenAPI input"),
        ({"openapi": "3.1.0", "paths": {}}, "Unsupported OpenAPI version 3.1.0"),
        (openapi({"a": {"get": proxy()}}), "Invalid resource path a"),
        (openapi({"/{proxy+}/b": {"get": proxy()}}), "Invalid resource path"),
        (openapi({"/a": {"get": {}}}), "No integration defined for method GET /a"),
        (
            openapi({"/a": {"get": {INTEGRATION: {"type": "http_proxy", "uri": "http://x"}}}}),
            "the integration type http_proxy of GET /a",
        ),
        (
            openapi({"/a": {"get": {INTEGRATION: {"type": "aws_proxy", "uri": "arn:aws:apigateway:r:sqs:path/q"}}}}),
            "the integration uri",
        ),
        (openapi({"/a": {"get": proxy(credentials="arn:aws:iam::1:role/r")}}), "the integration credentials"),
        (openapi({"/a": {"get": proxy(timeoutInMillis=40_000)}}), "Timeout should be between"),
        (openapi({"/a": {"get": proxy(tlsConfig={})}}), "tlsConfig in the integration of GET /a"),
        (
            openapi({"/a": {"get": proxy() | {"security": [{"Nobody": []}]}}}),
            "names the authorizer Nobody, which is not defined",
        ),
        (openapi({"/a": {"get": proxy() | {"security": [{"api_key": []}]}}}), "the API key that GET /a asks for"),
        (
            openapi({"/a": {"get": proxy() | {"x-amazon-apigateway-request-validator": "x"}}}),
            "Invalid request validator x specified for method GET /a",
        ),
        (
            openapi({"/a": {"get": proxy()}}, **{"x-amazon-apigateway-gateway-responses": {"TEAPOT": {}}}),
            "Invalid gateway response type TEAPOT",
        ),
        (
            openapi(
                {
                    "/a": {
                        "get": {INTEGRATION: {"type": "mock", "requestTemplates": {"application/json": "#set($a)"}}},
                    }
                }
            ),
            "the request template of the mock integration of GET /a",
        ),
    ],
)
async def test_what_is_not_done_is_refused_by_name_and_place(bench: Bench, document: Any, complaint: str) -> None:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    error = await refusal(bench, "ImportRestApi", body=body)
    assert error.code == "BadRequestException"
    assert complaint in error.message
    assert bench.service.state.apis == {}


@pytest.mark.parametrize("kind", ["token", "request", "jwt"])
async def test_authorizers_of_other_kinds_are_refused(bench: Bench, kind: str) -> None:
    schemes = cognito()
    schemes["People"]["x-amazon-apigateway-authorizer"] = {"type": kind}
    document = openapi(
        {"/a": {"get": proxy() | {"security": [{"People": []}]}}}, components={"securitySchemes": schemes}
    )
    assert (
        f"the authorizer type {kind} of People"
        in (await refusal(bench, "ImportRestApi", body=orjson.dumps(document))).message
    )


async def test_a_model_never_refers_out_of_its_document(bench: Bench) -> None:
    schema = {"$ref": "http://169.254.169.254/latest/meta-data"}
    method = proxy() | {
        "x-amazon-apigateway-request-validator": "v",
        "requestBody": {"content": {"application/json": {"schema": schema}}},
    }
    validators = {"x-amazon-apigateway-request-validators": {"v": {"validateRequestBody": True}}}
    error = await refusal(bench, "ImportRestApi", body=orjson.dumps(openapi({"/a": {"post": method}}, **validators)))
    assert "the reference http://169.254.169.254/latest/meta-data in a model of POST /a" in error.message


async def test_a_model_nested_without_end_is_refused(bench: Bench) -> None:
    schema: dict[str, Any] = {}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    method = proxy() | {
        "x-amazon-apigateway-request-validator": "v",
        "requestBody": {"content": {"application/json": {"schema": schema}}},
    }
    validators = {"x-amazon-apigateway-request-validators": {"v": {"validateRequestBody": True}}}
    error = await refusal(bench, "ImportRestApi", body=orjson.dumps(openapi({"/a": {"post": method}}, **validators)))
    assert error.message == "Invalid model specified for POST /a: it is nested too deeply"


async def test_the_control_plane_asks_for_its_own_verb_and_path(bench: Bench) -> None:
    from stratus.service import Call
    from stratus.services.apigateway.service import ApiGateway
    from tests.services.apigateway.conftest import ADMIN

    params = {"restApiId": "abc", "stageName": "api", "patchOperations": []}
    operation = ApiGateway.operations["UpdateStage"]
    assert operation.access is not None
    call = Call("apigateway", "UpdateStage", params, ADMIN, REGION, ACCOUNT, "r", 0.0)
    accesses = [(each.action, each.resource) for each in operation.access(bench.service, call)]
    assert accesses == [("apigateway:PATCH", f"arn:aws:apigateway:{REGION}::/restapis/abc/stages/api")]
