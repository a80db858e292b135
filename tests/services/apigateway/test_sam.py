"""What aws-sam-translator emits for an API is what we take, whole."""

from typing import Any

import orjson
import pytest
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.services.apigateway.conftest import FUNCTION, POOL_ARN, REGION, Bench, header, message

TEMPLATE = f"""
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      Name: todolist
      StageName: api
      OpenApiVersion: 3.0.1
      EndpointConfiguration: {{ Type: REGIONAL }}
      BinaryMediaTypes: [image~1png]
      Cors: {{ AllowOrigin: "'https://example.com'", AllowHeaders: "'Authorization'", AllowMethods: "'GET,POST'" }}
      Models: {{ Todo: {{ type: object, required: [title], properties: {{ title: {{ type: string }} }} }} }}
      GatewayResponses:
        DEFAULT_4XX:
          ResponseParameters: {{ Headers: {{ Access-Control-Allow-Origin: "'*'" }} }}
          ResponseTemplates: {{ application/problem+json: '{{"title":$context.error.messageString}}' }}
      Auth:
        DefaultAuthorizer: People
        AddDefaultAuthorizerToCorsPreflight: false
        Authorizers: {{ People: {{ UserPoolArn: {POOL_ARN} }} }}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: a.b
      CodeUri: s3://bucket/key
      Events:
        Post:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Path: /todos/{{id}}
            Method: post
            RequestModel: {{ Model: Todo, Required: true, ValidateBody: true, ValidateParameters: true }}
            RequestParameters: [method.request.querystring.q: {{ Required: true, Caching: true }}]
        Signed: {{ Type: Api, Properties: {{ RestApiId: !Ref Api, Path: /signed, Method: any, Auth: {{ Authorizer: AWS_IAM }} }} }}
        Open: {{ Type: Api, Properties: {{ RestApiId: !Ref Api, Path: "/open/{{proxy+}}", Method: get, Auth: {{ Authorizer: NONE }} }} }}
"""


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!Ref", lambda loader, node: {"Ref": node.value})


def resolved(node: Any) -> Any:
    """The intrinsic functions that SAM writes into the description, as the template engine would resolve them."""
    if isinstance(node, dict):
        if "Fn::Sub" in node:
            return node["Fn::Sub"].replace("${AWS::Region}", REGION).replace("${Function.Arn}", FUNCTION)
        return "todolist" if "Ref" in node else {key: resolved(value) for key, value in node.items()}
    return [resolved(item) for item in node] if isinstance(node, list) else node


@pytest.fixture
async def api(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    template = yaml.load(TEMPLATE, _Loader)  # a safe loader with `!Ref`
    translated = Translator({}, Parser()).translate(template, {})
    await bench.deploy(resolved(translated["Resources"]["Api"]["Properties"]["Body"]))
    return bench


async def test_a_signed_in_user_posts_a_valid_body(api: Bench) -> None:
    sent = {"authorization": api.id_token()}
    ok = await api.send("POST", "/api/todos/1", b'{"title":"x"}', query="q=1", headers=sent)
    assert ok.status == 200
    bad = await api.send("POST", "/api/todos/1", b"{}", query="q=1", headers=sent)
    assert (bad.status, message(bad)) == (400, {"title": "Invalid request body"})
    missing = await api.send("POST", "/api/todos/1", b'{"title":"x"}', headers=sent)
    assert message(missing) == {"title": "Missing required request parameters: [q]"}
    stranger = await api.send("POST", "/api/todos/1", b'{"title":"x"}', query="q=1")
    assert (stranger.status, message(stranger)) == (401, {"title": "Unauthorized"})
    assert header(stranger, "access-control-allow-origin") == "*"
    assert header(stranger, "content-type") == "application/problem+json"


async def test_preflight_signed_and_open_methods(api: Bench) -> None:
    preflight = await api.send("OPTIONS", "/api/todos/1")
    assert preflight.status == 200
    assert header(preflight, "access-control-allow-origin") == "https://example.com"
    assert (await api.send("GET", "/api/open/a/b")).status == 200
    assert (await api.send("PATCH", "/api/signed")).status == 403
    assert (await api.send("PATCH", "/api/signed", headers={"x-caller": "ann"})).status == 200


async def test_binary_types_are_those_of_the_template(api: Bench) -> None:
    png = {"content-type": "image/png", "x-caller": "ann"}
    await api.send("POST", "/api/signed", b"\x89", headers=png)
    assert orjson.dumps(api.caller.events[0]["body"]) == b'"iQ=="'
