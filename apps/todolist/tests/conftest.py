"""DynamoDB Local with the template's table, and callers of the API through Lambda's real event shape."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings
from jsonschema import Draft202012Validator

APP = Path(__file__).parent.parent
sys.path.insert(0, str(APP))  # so that it is found also when the tests of the whole repository run

TABLE = "todolist"

settings.register_profile("steady", deadline=None)  # a machine that is busy is no fault
settings.register_profile("few", deadline=None, max_examples=5)
settings.load_profile("steady")


class _Cfn(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, as {"Fn::Name": value} ({"Ref": value})."""


def _intrinsic(loader: _Cfn, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Cfn.add_multi_constructor("!", _intrinsic)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return yaml.load((APP / "template.yaml").read_text(), _Cfn)


def _dynamodb_local() -> Path | None:
    places = [Path(os.environ["DYNAMODB_LOCAL_DIR"])] if "DYNAMODB_LOCAL_DIR" in os.environ else []
    places += [parent / ".venv" / "dynamodb-local" for parent in APP.parents]
    return next((place for place in places if (place / "DynamoDBLocal.jar").exists()), None)


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory: pytest.TempPathFactory):
    """The address of a DynamoDB Local. Without it tests are skipped, but never in CI."""
    home, java = _dynamodb_local(), shutil.which("java")
    if home is None or java is None:
        if "CI" in os.environ:
            pytest.fail("CI needs DynamoDB Local and Java 17: set DYNAMODB_LOCAL_DIR")
        pytest.skip("DynamoDB Local is not here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        java,
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",  # it lives for seconds: what is compiled well would be done when it ends
        "-XX:+UseSerialGC",
        "-Xshare:auto",
        f"-Djava.library.path={home / 'DynamoDBLocal_lib'}",
        "-jar",
        home / "DynamoDBLocal.jar",
    ]
    work = tmp_path_factory.mktemp("dynamodb")
    with subprocess.Popen(
        [*map(str, command), "-inMemory", "-port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=work,
    ) as process:
        _wait_for(process, port)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it listens. Waiting for its end, which must not come, is the pause between two tries."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"DynamoDB Local ended with {process.wait(timeout=0.1)}")
        else:
            return
    pytest.fail("DynamoDB Local does not listen after a minute")


@pytest.fixture(scope="session")
def environment(dynamodb: str, template: dict[str, Any]):
    """The environment of the functions, and the template's table."""
    import boto3
    from botocore.config import Config

    values = {
        "AWS_ENDPOINT_URL": dynamodb,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "TABLE": TABLE,
        "IDENTITY_POOL_ID": "eu-west-1:pool",
        "USER_POOL_ID": "eu-west-1_pool",
        "USER_POOL_PROVIDER": "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool",
        "CLEANUP_FUNCTION": "cleanup",
        "ERASE_FUNCTION": "erase",
        "FILES_BUCKET": "files",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        properties = template["Resources"]["Table"]["Properties"]
        wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes")
        client = boto3.client("dynamodb", config=Config(retries={"max_attempts": 10, "mode": "standard"}))
        client.create_table(TableName=TABLE, **{name: properties[name] for name in wanted})
        yield client


@cache
def _validator(schema: str) -> Draft202012Validator:
    from contract import openapi

    document = json.loads(json.dumps(openapi.published()))
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": document["components"]})


def _check_published(route: str, answer: Answer) -> None:
    """Every answer to every test is as openapi.yaml says."""
    from todolist.api.routes import ROUTES

    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        _validator("Problem").validate(answer.json)
        return
    model = ROUTES[route].answers[answer.status]
    if model == "Export":
        for line in map(json.loads, answer.body.splitlines()):
            _validator({"todo": "Todo", "list": "List"}[line["kind"]]).validate(line)
    elif model:
        _validator(model).validate(answer.json)
    else:
        assert answer.body == ""


class Caller:
    """A signed-in user who calls the API: `call("GET /todos", query=...)` gives an Answer."""

    def __init__(self) -> None:
        self.user = str(uuid.uuid4())

    def event(
        self,
        route: str,
        path: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: Any = None,
        *,
        base64: bool = False,
    ) -> dict[str, Any]:
        method, resource = route.split(" ")
        concrete = resource.format(**(path or {}))
        usual = {"Authorization": "Bearer token-of-" + self.user, "Content-Type": "application/json"}
        given = {name.lower() for name in headers or {}}
        headers = {**{name: value for name, value in usual.items() if name.lower() not in given}, **(headers or {})}
        return {
            "resource": resource,
            "path": concrete,
            "httpMethod": method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": query and {name: [value] for name, value in query.items()},
            "pathParameters": path,
            "stageVariables": None,
            "requestContext": {
                "resourcePath": resource,
                "httpMethod": method,
                "path": "/api" + concrete,
                "stage": "api",
                "requestId": str(uuid.uuid4()),
                "identity": {"sourceIp": "127.0.0.1", "userAgent": "test"},
                "authorizer": {
                    "claims": {
                        "sub": self.user,
                        "email": "ada@example.com",
                        "cognito:username": self.user,
                        "token_use": "id",
                    }
                },
            },
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": base64,
        }

    def __call__(self, route: str, *args: Any, **kwargs: Any) -> Answer:
        from todolist.api import read, write
        from todolist.api.routes import ROUTES

        handler = {"Read": read, "Write": write}[ROUTES[route].function].handler
        answer = Answer(handler(self.event(route, *args, **kwargs), None))
        _check_published(route, answer)
        return answer

    def make(self, **members: Any) -> dict[str, Any]:
        answer = self("POST /todos", body={"title": "a to-do", **members})
        assert answer.status == 201, answer.body
        return answer.json

    def make_list(self, **members: Any) -> dict[str, Any]:
        answer = self("POST /lists", body={"name": "a list", **members})
        assert answer.status == 201, answer.body
        return answer.json

    def change(self, todo: dict[str, Any], **members: Any) -> dict[str, Any]:
        answer = self("PATCH /todos/{todoId}", {"todoId": todo["id"]}, body=members)
        assert answer.status == 200, answer.body
        return answer.json

    def page(self, **query: str) -> list[dict[str, Any]]:
        return self("GET /todos", query=query).json["todos"]


class Answer:
    def __init__(self, answer: dict[str, Any]) -> None:
        self.status: int = answer["statusCode"]
        self.headers: dict[str, str] = answer["headers"]
        self.body: str = answer["body"]
        json.dumps(answer).encode()  # Lambda sends it as UTF-8 JSON: half a surrogate pair would fail here

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def new_caller(environment: Any) -> type[Caller]:
    """Makes users, for tests that need many."""
    return Caller


@pytest.fixture
def call(environment: Any) -> Caller:
    """A user nobody has seen before."""
    return Caller()


@pytest.fixture
def stranger(environment: Any) -> Caller:
    """Another one."""
    return Caller()
