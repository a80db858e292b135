"""A handler that crashes, hangs or prints megabytes hurts only its own request: through a REST API, with others served meanwhile."""

import concurrent.futures
import json

import httpx
import pytest

from tests.attacks.world import LAMBDA_TRUST, World, allow

SOURCE = """
import ctypes, os, signal, sys, time

def handler(event, context):
    what = (event.get("queryStringParameters") or {}).get("do", "")
    if what == "raise":
        raise RuntimeError("secret of the code")
    if what == "exit":
        os._exit(7)
    if what == "segfault":
        ctypes.string_at(0)
    if what == "hang":
        time.sleep(60)
    if what == "spin":
        while True: pass
    if what == "print":
        for _ in range(8):
            print("x" * (1 << 20))
    if what == "print without lines":
        os.write(1, b"y" * (16 << 20))
    if what == "memory":
        bytearray(1 << 40)
    if what == "fork":
        try:
            while os.fork():
                pass
            signal.pause()
        except OSError:
            os._exit(7)
    if what == "close":
        os.closerange(0, 256)
    if what == "answer 7 MB":
        return {"statusCode": 200, "body": "z" * (7 << 20)}
    if what == "answer nonsense":
        return "nonsense"
    if what == "answer a wrong status":
        return {"statusCode": "many", "body": ""}
    if what == "split the answer":
        return {"statusCode": 200, "headers": {"X-A": "a\\r\\nX-Injected: 1\\r\\n\\r\\n<script>"}, "body": "b"}
    if what == "name a bad header":
        return {"statusCode": 200, "headers": {"X A\\r\\nX-Injected": "1"}, "body": "b"}
    return {"statusCode": 200, "body": json_of(os.getpid())}

def json_of(value):
    import json
    return json.dumps(value)
"""

OUTCOMES = {
    "raise": 502,
    "exit": 502,
    "segfault": 502,
    "memory": 502,
    "close": 200,
    "fork": 502,
    "answer 7 MB": 502,
    "answer nonsense": 502,
    "answer a wrong status": 502,
    "print": 200,
    "print without lines": 200,
    "hang": 502,
    "spin": 502,
}


@pytest.fixture(scope="module")
def api(world: World) -> str:
    """The address of a REST API whose one method runs the function above, for at most three seconds."""
    function = world.function(SOURCE, world.role(LAMBDA_TRUST, allow("logs:*")), Timeout=3, MemorySize=256)
    described = {
        "openapi": "3.0.1",
        "info": {"title": world.name("handlers"), "version": "1"},
        "paths": {
            "/do": {
                "get": {
                    "x-amazon-apigateway-integration": {
                        "type": "aws_proxy",
                        "httpMethod": "POST",
                        "uri": f"arn:aws:apigateway:{world.region}:lambda:path/2015-03-31/functions/"
                        f"arn:aws:lambda:{world.region}:{world.account}:function:{function}/invocations",
                    }
                }
            }
        },
    }
    gateway = world.admin("apigateway")
    made = gateway.import_rest_api(body=json.dumps(described).encode())["id"]
    gateway.create_deployment(restApiId=made, stageName="v1")
    world.admin("lambda").add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{world.region}:{world.account}:{made}/*",
    )
    port = world.cloud.cloud.addresses.port_of("execute-api", world.region, made)
    world.cloud.run(world.cloud.cloud.open_apis())
    return f"http://localhost:{port}/v1/do"


def ask(api: str, what: str) -> httpx.Response:
    return httpx.get(api, params={"do": what}, timeout=30)


@pytest.mark.parametrize("what", OUTCOMES)
def test_a_handler_hurts_only_its_own_request(api: str, world: World, what: str) -> None:
    """GIVEN a handler that misbehaves WHEN others are served meanwhile THEN they are, and so is the same function afterwards."""
    with concurrent.futures.ThreadPoolExecutor() as threads:
        hurt = threads.submit(ask, api, what)
        others = [threads.submit(ask, api, "") for _ in range(3)]
        app = threads.submit(world.stranger.api.get, "/todos")
        assert [other.result().status_code for other in others] == [200] * 3
        assert app.result().status_code == 200
        answer = hurt.result()
    assert answer.status_code == OUTCOMES[what], answer.text[:300]
    assert "secret of the code" not in answer.text
    assert ask(api, "").status_code == 200


@pytest.mark.parametrize("what", ["split the answer", "name a bad header"])
def test_a_handler_cannot_write_the_head_of_the_answer(api: str, what: str) -> None:
    answer = ask(api, what)
    assert "x-injected" not in answer.headers
    assert "<script>" not in answer.text


def test_what_a_handler_prints_is_kept_up_to_a_limit(api: str, world: World) -> None:
    size = sum(file.stat().st_size for file in world.data.rglob("*") if file.is_file())
    for _ in range(3):
        assert ask(api, "print").status_code == 200
    grown = sum(file.stat().st_size for file in world.data.rglob("*") if file.is_file()) - size
    assert grown < 64 << 20
