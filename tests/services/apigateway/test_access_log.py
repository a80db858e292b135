"""Access logs: the format filled, sent behind the request, bounded."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from stratus.services.apigateway.exchange import Exchange, Place
from stratus.services.apigateway.substitution import template
from stratus.wire.errors import AwsError
from stratus.wire.message import Headers, Request
from tests.services.apigateway.conftest import Bench, openapi, proxy

FORMAT = (
    '{"id":"$context.requestId","time":"$context.requestTime","ip":"$context.identity.sourceIp","method":"$context.httpMethod",'
    '"path":"$context.resourcePath","status":"$context.status","length":"$context.responseLength",'
    '"latency":"$context.responseLatency","sub":"$context.authorizer.claims.sub","error":"$context.error.message"}'
)


def log_settings(line_format: str) -> list[dict[str, str]]:
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:/todolist/api-access:*"
    return [
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": group},
        {"op": "replace", "path": "/accessLogSettings/format", "value": line_format},
    ]


async def test_each_request_is_a_line_also_those_refused(bench: Bench) -> None:
    await bench.deploy(openapi({"/a": {"get": proxy()}}), settings=log_settings(FORMAT))
    answered = await bench.send("GET", "/api/a")
    await bench.send("GET", "/api/nope")
    await bench.caller.logged.wait()
    await bench.service.live(bench.api_id)["api"].close()
    good, bad = map(orjson.loads, bench.caller.log_lines)
    assert good["id"] == dict(answered.headers)["x-amzn-RequestId"]
    assert good | {"id": ""} == {
        "id": "",
        "time": "15/Jan/2027:08:00:00 +0000",
        "ip": "203.0.113.7",
        "method": "GET",
        "path": "/a",
        "status": "200",
        "length": "2",
        "latency": "0",
        "sub": "-",
        "error": "-",
    }
    assert (bad["status"], bad["path"], bad["error"]) == ("403", "-", "Missing Authentication Token")


@given(agent=st.text(), path=st.text())
async def test_no_client_breaks_out_of_its_line(agent: str, path: str) -> None:
    fill = template('{"agent":"$context.identity.userAgent","path":"$context.path","none":"$context.nope"}', absent="-")
    place = Place("1", "eu-west-1", "api", "api", "d", {})
    request = Request("GET", "/api", "", Headers([("user-agent", agent)]))
    line = fill(Exchange(request, place, "r", "e", 0.0, f"/{path}"))
    assert "\n" not in line
    assert orjson.loads(line) == {"agent": agent, "path": f"/api/{path}", "none": "-"}


async def test_a_log_that_refuses_costs_lines_and_never_requests(bench: Bench) -> None:
    await bench.deploy(openapi({"/a": {"get": proxy()}}), settings=log_settings("$context.status"))
    call = bench.caller.call

    async def without_logs(principal, region, service, operation, params, *, context=None):  # type: ignore[no-untyped-def] # as FakeCaller.call
        if service == "logs":
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return await call(principal, region, service, operation, params, context=context)

    bench.caller.call = without_logs  # type: ignore[method-assign] # the log group is gone
    assert (await bench.send("GET", "/api/a")).status == 200
    await bench.service.live(bench.api_id)["api"].close()
    assert (await bench.send("GET", "/api/a")).status == 200


async def test_lines_that_wait_are_bounded(bench: Bench) -> None:
    from stratus.services.apigateway.access_log import MAX_WAITING

    await bench.deploy(openapi({"/a": {"get": proxy()}}), settings=log_settings("$context.status"))
    log = bench.service.live(bench.api_id)["api"]._access_log
    assert log is not None
    assert log._lines.maxlen == MAX_WAITING
