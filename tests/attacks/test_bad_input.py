"""Nonsense at every door of every service, signed by somebody who may, and at the application's API: a clear 4xx, no trace, and the server lives."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.attacks import raw
from tests.attacks.answers import Answer, answer_of
from tests.attacks.world import World

DEEP = 5000
TRACES = re.compile(r'Traceback|File "/|\.py\b|sqlite|orjson|uvloop|asyncio|botocore', re.IGNORECASE)


@dataclass(frozen=True)
class Door:
    """A way into a service: the request whose body an attacker writes."""

    service: str
    method: str = "POST"
    path: str = "/"
    target: str | None = None
    content_type: str = "application/x-amz-json-1.1"

    @property
    def name(self) -> str:
        return f"{self.service} {self.target or f'{self.method} {self.path}'}".replace("/", "~")


JSON_DOORS = [
    Door("dynamodb", target="DynamoDB_20120810.PutItem", content_type="application/x-amz-json-1.0"),
    Door("dynamodb", target="DynamoDBStreams_20120810.GetRecords", content_type="application/x-amz-json-1.0"),
    Door("cognito-idp", target="AWSCognitoIdentityProviderService.CreateUserPool"),
    Door("cognito-idp", target="AWSCognitoIdentityProviderService.SignUp"),
    Door("cognito-identity", target="AWSCognitoIdentityService.CreateIdentityPool"),
    Door("cognito-identity", target="AWSCognitoIdentityService.GetId"),
    Door("logs", target="Logs_20140328.PutLogEvents"),
    Door("lambda", path="/2015-03-31/functions", content_type="application/json"),
    Door("apigateway", path="/restapis", content_type="application/json"),
]
QUERY_DOORS = [
    Door("iam", content_type="application/x-www-form-urlencoded"),
    Door("sts", content_type="application/x-www-form-urlencoded"),
]

JSON_BODIES = {
    "cut short": b'{"TableName": "t"',
    "no JSON": b"nonsense",
    "nothing": b"",
    "a list": b"[1]",
    "a text": b'"text"',
    "null": b"null",
    "two documents": b"{}{}",
    "a comment": b"{/* */}",
    "not a number": b'{"TableName": NaN}',
    "a number past all bounds": b'{"TableName": 1e999999}',
    "many digits": b'{"TableName": ' + b"9" * 50_000 + b"}",
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "lists in lists": b'{"TableName":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "values in values": b'{"TableName":"t","Item":{"a":' + b'{"L":[' * DEEP + b"]}" * DEEP + b"}}",
    "not UTF-8": b'{"TableName": "\xff\xfe"}',
    "UTF-16": '{"TableName": "t"}'.encode("utf-16"),
    "half a surrogate pair": b'{"TableName": "\\ud800"}',
    "a NUL": b'{"TableName": "\\u0000"}',
    "every member of a wrong type": b'{"TableName": {"a": []}, "Item": 7, "PoolName": [], "Username": {}, "IdentityPoolId": 1, '
    b'"logGroupName": {}, "FunctionName": [], "name": {}}',
    "a member twice": b'{"TableName": "a", "TableName": 7}',
    "a member of Python": b'{"__class__": "x", "__init__": {}}',
}
QUERY_BODIES = {
    "nothing": b"",
    "no action": b"Version=2010-05-08",
    "an action of nobody": b"Action=Nonsense&Version=2010-05-08",
    "an action of Python": b"Action=__init__&Version=2010-05-08",
    "no version": b"Action=CreateUser",
    "an older version": b"Action=CreateUser&Version=1999-01-01",
    "an index in the billions": b"Action=CreateRole&Version=2010-05-08&Tags.member.99999999999.Key=a",
    "a negative index": b"Action=CreateRole&Version=2010-05-08&Tags.member.-1.Key=a",
    "deep members": b"Action=CreateRole&Version=2010-05-08&" + b"a." * DEEP + b"b=1",
    "many members": b"Action=CreateRole&Version=2010-05-08&" + b"&".join(b"a%d=1" % n for n in range(20_000)),
    "not UTF-8": b"Action=CreateUser&Version=2010-05-08&UserName=%ff%fe",
    "raw bytes": b"\xff\xfe\x00" * 100,
    "JSON": b'{"Action": "CreateUser"}',
}
XML_BODIES = {
    "cut short": b"<Delete><Object>",
    "no XML": b"nonsense",
    "another document": b"<html/>",
    "deep": b"<Delete>" + b"<a>" * DEEP + b"</a>" * DEEP + b"</Delete>",
    "entities": b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>',
    "a file": b'<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&f;</Key></Object></Delete>',
    "not UTF-8": b"<Delete><Object><Key>\xff</Key></Object></Delete>",
    "a NUL": b"<Delete><Object><Key>\x00</Key></Object></Delete>",
}


def signed(world: World, door: Door, body: bytes, query: str = "") -> Answer:
    """The answer to a body under the administrator's signature."""
    headers = {"content-type": door.content_type} | ({"x-amz-target": door.target} if door.target else {})
    request = AWSRequest(door.method, f"{world.endpoint}{door.path}{query}", headers=headers, data=body)
    signer = S3SigV4Auth if door.service == "s3" else SigV4Auth
    signer(world.admin_keys, door.service, world.region).add_auth(request)
    sent = dict(request.headers.items())
    return answer_of(httpx.request(door.method, str(request.url), headers=sent, content=body, timeout=30))


def assert_refused(answer: Answer) -> None:
    """A 4xx with an error code and a request id, that tells nothing of what is inside."""
    assert 400 <= answer.status < 500, answer
    assert answer.code, answer
    assert "x-amzn-requestid" in answer.headers or "x-amz-request-id" in answer.headers
    assert not TRACES.search(answer.text), answer.text


@pytest.fixture(scope="module", autouse=True)
def alive(world: World) -> Iterator[None]:
    yield
    assert world.is_untouched()


@pytest.mark.parametrize("body", JSON_BODIES)
@pytest.mark.parametrize("door", JSON_DOORS, ids=lambda door: door.name)
def test_bad_json_is_refused(world: World, door: Door, body: str) -> None:
    assert_refused(signed(world, door, JSON_BODIES[body]))


@pytest.mark.parametrize("body", QUERY_BODIES)
@pytest.mark.parametrize("door", QUERY_DOORS, ids=lambda door: door.name)
def test_a_bad_form_is_refused(world: World, door: Door, body: str) -> None:
    assert_refused(signed(world, door, QUERY_BODIES[body]))


@pytest.mark.parametrize("query", ["?delete", "?versioning", "?cors", "?lifecycle", "?tagging"])
@pytest.mark.parametrize("body", XML_BODIES)
def test_bad_xml_is_refused(world: World, body: str, query: str) -> None:
    door = Door("s3", "POST" if query == "?delete" else "PUT", f"/{world.bucket}", content_type="application/xml")
    assert_refused(signed(world, door, XML_BODIES[body], query))
    assert b"root:" not in signed(world, door, XML_BODIES[body], query).body


@pytest.mark.parametrize("door", [*JSON_DOORS, *QUERY_DOORS], ids=lambda door: door.name)
def test_a_body_past_the_limit_is_refused(world: World, door: Door) -> None:
    assert_refused(signed(world, door, b" " * (17 * 1024 * 1024)))


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("lambda", "/2015-03-31/nothing"),
        ("lambda", "/2099-01-01/functions"),
        ("lambda", "/2015-03-31/functions/../../x"),
        ("lambda", "/"),
        ("apigateway", "/nothing"),
        ("apigateway", "/restapis/x/y/z/w"),
        ("apigateway", "/restapis/%00"),
        ("apigateway", "/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "OPTIONS"])
def test_an_unknown_route_is_refused(world: World, service: str, path: str, method: str) -> None:
    answer = signed(world, Door(service, method, path, content_type="application/json"), b"{}")
    assert 400 <= answer.status < 500 or (answer.status, answer.code) == (501, "NotImplemented"), answer
    assert not TRACES.search(answer.text)


@pytest.mark.parametrize("service", ["dynamodb", "cognito-idp", "cognito-identity", "logs"])
@pytest.mark.parametrize("name", ["Nonsense", "", "..", "__init__", "PutItem.PutItem", "é" * 10])
def test_an_unknown_operation_is_refused(world: World, service: str, name: str) -> None:
    prefix = next(door.target for door in JSON_DOORS if door.service == service and door.target).partition(".")[0]
    headers = {"x-amz-target": f"{prefix}.{name}".encode(), "content-type": "application/x-amz-json-1.1"}
    assert_refused(answer_of(httpx.post(world.endpoint, headers=headers, content=b"{}")))


# --- the application's API ---

API_BODIES: dict[str, tuple[bytes, set[int]]] = {
    "cut short": (b'{"name": "n"', {400}),
    "no JSON": (b"nonsense", {400}),
    "nothing": (b"", {400}),
    "a list": (b"[]", {400}),
    "null": (b"null", {400}),
    "a wrong type": (b'{"name": 7}', {400}),
    "an unknown member": (b'{"name": "n", "admin": true}', {400}),
    "a missing member": (b"{}", {400}),
    "an empty name": (b'{"name": ""}', {400, 422}),
    "a long name": (b'{"name": "' + b"n" * 100_000 + b'"}', {400, 422}),
    "a NUL in a name": (b'{"name": "a\\u0000b"}', {400, 422}),
    "half a surrogate pair": (b'{"name": "\\ud800"}', {400, 422}),
    "not UTF-8": (b'{"name": "\xff"}', {400, 422}),
    "deep": (b'{"name":' + b"[" * DEEP + b"]" * DEEP + b"}", {400}),
    "deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, {400}),
    "an id that is none": (b'{"name": "n", "id": "../x"}', {400, 422}),
    "not a number": (b'{"name": NaN}', {400}),
    "7 MB": (b'{"name": "' + b"n" * (7 << 20) + b'"}', {400, 413}),
    "11 MB": (b'{"name": "' + b"n" * (11 << 20) + b'"}', {413}),
}


def assert_problem(response: httpx.Response, statuses: set[int]) -> None:
    """A problem document (RFC 9457) that says what to change, and nothing of what is inside."""
    assert response.status_code in statuses, response.text[:500]
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["type"].startswith("urn:todolist:")
    assert problem["title"]
    assert problem["detail"]
    assert problem.get("status", response.status_code) == response.status_code
    assert not TRACES.search(response.text)


@pytest.mark.parametrize("body", API_BODIES)
def test_a_bad_body_is_a_problem(world: World, body: str) -> None:
    content, statuses = API_BODIES[body]
    headers = {"content-type": "application/json"}
    assert_problem(world.stranger.api.post("/lists", content=content, headers=headers), statuses)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data", "", "application/json/x"]
)
def test_a_body_of_another_type_makes_nothing_wrong(world: World, content_type: str) -> None:
    answer = world.stranger.api.post("/lists", content=b"<name>n</name>", headers={"content-type": content_type})
    assert_problem(answer, {400, 415, 422})


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=99999", "limit=x", "limit=1e3", "limit=%F0%9F%92%A3", "cursor=x", "cursor=e30", "cursor=" + "A" * 3000,
     "status=x", "unknown=1", "dueBefore=x", "minVersion=99999999999999999999", "list=%00"],
)  # fmt: skip
def test_a_bad_parameter_is_a_problem(world: World, query: str) -> None:
    assert_problem(world.stranger.api.get(f"/todos?{query}"), {400, 404})


@pytest.mark.parametrize("tag", ['W/"1"', '"x"', "1", '"', '"99999999999999999999"', "é"])
def test_a_bad_etag_matches_nothing(world: World, tag: str) -> None:
    made = world.stranger.api.post("/lists", json={"name": "n"}).json()["id"]
    answer = world.stranger.api.patch(f"/lists/{made}", json={"name": "m"}, headers={"If-Match": tag.encode()})
    assert_problem(answer, {412})


# --- clients that take their time ---


def test_two_hundred_slow_clients_keep_nobody_waiting(world: World) -> None:
    begun = {
        world.api_url: b"POST /api/lists HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
        world.endpoint: b"PUT /bucket/key HTTP/1.1\r\nHost: loc",
    }
    with contextlib.ExitStack() as connections:
        for url, beginning in begun.items():
            for _ in range(100):
                connections.enter_context(raw.connected(url)).sendall(beginning)
        assert world.stranger.api.get("/todos", timeout=5).status_code == 200
        assert world.admin("dynamodb").list_tables()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_client_that_never_reads_keeps_nobody_waiting(world: World) -> None:
    """It asks for a file of 8 MB, pipelined many times, and reads none of it."""
    owner, key = world.owner, world.owner.folder + "large"
    owner.s3.put_object(Bucket=world.bucket, Key=key, Body=bytes(8 << 20))
    url = world.presigned(world.keys_of(owner), "GET", key)
    target = url.removeprefix(world.endpoint)
    host = world.endpoint.removeprefix("http://")
    with raw.connected(world.endpoint) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 20)
        assert owner.s3.get_object(Bucket=world.bucket, Key=key)["ContentLength"] == 8 << 20
        assert world.stranger.api.get("/todos", timeout=5).status_code == 200
