"""pydynox, which the store uses, beside boto3: equal answers and errors on DynamoDB Local, equal retries on a server
that fails on purpose."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydynox import pydynox_core

from todolist.store.dynamo import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, Conflict, Dynamo, Overloaded, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "todolist"


def plain(item: dict[str, Any] | None) -> dict[str, Any] | None:
    return item and {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


# -- answers and errors


@pytest.fixture
def dynamo(environment):
    return Dynamo(TABLE)


@pytest.mark.oracle
def test_answers_are_those_of_boto3(dynamo, environment):
    user = str(uuid.uuid4())
    texts = ["", "plain", "牛奶 🥛", '"quoted"\n\\', "x" * 50_000]
    for number, text in enumerate(texts):
        dynamo.put(
            {
                "pk": user,
                "sk": f"T#{number}",
                "doc": text,
                "ver": 2**53 - 1 - number,
                "jobs": ["j"],
                "closedBy": "j",
                "inList": f"l{number}",
            }
        )
    for number in range(len(texts) + 1):
        key = {"pk": {"S": user}, "sk": {"S": f"T#{number}"}}
        expected = plain(environment.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item"))
        assert dynamo.get(user, f"T#{number}", consistent=True) == expected
    for attribute, index, low, high in (
        ("sk", None, "T#", "T#~"),
        ("inList", "by-list", "l1", "l~"),
        ("ver", "by-version", 0, 2**53),
    ):
        for forward in (True, False):
            start: Any = None
            aws_start: dict[str, Any] = {}
            while True:
                found, start = dynamo.query(
                    user, attribute, low, high, index=index, start=start, limit=2, forward=forward, consistent=True
                )
                kind = "N" if attribute == "ver" else "S"
                answer = environment.query(
                    TableName=TABLE,
                    KeyConditionExpression=f"pk = :p AND {attribute} BETWEEN :l AND :h",
                    ExpressionAttributeValues={":p": {"S": user}, ":l": {kind: str(low)}, ":h": {kind: str(high)}},
                    Limit=2,
                    ScanIndexForward=forward,
                    ConsistentRead=True,
                    **({"IndexName": index} if index else {}),
                    **aws_start,
                )
                assert found == [plain(item) for item in answer["Items"]]
                assert start == plain(answer.get("LastEvaluatedKey"))
                if start is None:
                    break
                aws_start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert dynamo.get_together(user, ["T#1", "none"])[1] is None
    dynamo.delete(user, [f"T#{number}" for number in range(30)])
    assert dynamo.query(user, "sk", "T#", "T#~", consistent=True) == ([], None)


@pytest.mark.oracle
def test_a_transaction_is_all_or_nothing_and_says_why(dynamo, environment):
    user = str(uuid.uuid4())
    dynamo.put({"pk": user, "sk": "a", "latest": 5})
    wrong = {"condition_expression": "latest = :seen", "expression_attribute_values": {":seen": 4}}
    with pytest.raises(Conflict):
        dynamo.write_together(
            [
                {"type": "put", "item": {"pk": user, "sk": "b"}},
                {"type": "put", "item": {"pk": user, "sk": "a"}, **wrong},
            ]
        )
    assert dynamo.get(user, "b", consistent=True) is None
    with pytest.raises(TooLarge):
        dynamo.write_together([{"type": "put", "item": {"pk": user, "sk": "c", "doc": "x" * 420_000}}])
    with pytest.raises(TooLarge):
        dynamo.write_together(
            [{"type": "put", "item": {"pk": user, "sk": f"d{n}", "doc": "x" * 390_000}} for n in range(12)]
        )
    assert dynamo.get(user, "d0", consistent=True) is None
    with pytest.raises(Conflict):
        dynamo.put({"pk": user, "sk": "a", "latest": 6}, unless_changed=("latest", 4))
    dynamo.put({"pk": user, "sk": "a", "latest": 6}, unless_changed=("latest", 5))


# -- retries


class Failing:
    """A DynamoDB that answers each call with the next of `answers` (status, body), and then as if it were empty."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.calls: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        failing = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                failing.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                failing.calls.append({name.lower(): value for name, value in self.headers.items()})
                status, body = failing.answers.pop(0) if failing.answers else (200, {})
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def failing(monkeypatch):
    server = Failing()
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "session",
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.close()


def error(kind: str, status: int = 400, **more: Any) -> tuple[int, dict[str, Any]]:
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": kind, **more}


THROTTLED = error("ProvisionedThroughputExceededException")
BROKEN = error("InternalServerError", 500)
DENIED = error("AccessDeniedException")
INVALID = error("ValidationException")


CASES = [[THROTTLED], [BROKEN], [BROKEN, THROTTLED], [THROTTLED] * ATTEMPTS, [BROKEN] * ATTEMPTS, [DENIED], [INVALID]]


def boto3_gets(url: str) -> Any:
    config = Config(region_name="eu-west-1", retries={"mode": "standard", "total_max_attempts": ATTEMPTS})
    client = boto3.session.Session().client("dynamodb", endpoint_url=url, config=config)
    return client.get_item(TableName=TABLE, Key={"pk": {"S": "u"}, "sk": {"S": "k"}}).get("Item")


def pydynox_gets(url: str) -> Any:
    client = pydynox_core.DynamoDBClient(
        endpoint_url=url, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, max_retries=ATTEMPTS
    )
    return Dynamo(TABLE, client).get("u", "k", consistent=False)


def outcome(get: Callable[[str], Any], answers: list[Any]) -> tuple[Any, int]:
    """What came of a call, and how often the server was asked."""
    with contextlib.closing(Failing()) as server:
        server.answers = list(answers)
        try:
            found = get(server.url)
        except (ClientError, BotoCoreError, pydynox_core.PydynoxException, Overloaded):
            found = "failed"
        return found, len(server.calls)


def test_it_retries_what_boto3_retries_and_as_often(failing):
    """GIVEN a server that fails WHEN both clients ask THEN both make as many calls, and both succeed or both fail. (All
    at once, because both wait between two tries.)"""
    with ThreadPoolExecutor(2 * len(CASES)) as pool:
        ours = [pool.submit(outcome, pydynox_gets, answers) for answers in CASES]
        theirs = [pool.submit(outcome, boto3_gets, answers) for answers in CASES]
        assert [each.result() for each in ours] == [each.result() for each in theirs]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (THROTTLED, Overloaded),
        (error("TransactionCanceledException", Message="reasons [None, TransactionConflict]"), Conflict),
        (error("TransactionCanceledException", Message="reasons [ConditionalCheckFailed]"), Conflict),
        (error("TransactionCanceledException", Message="reasons [ThrottlingError]"), Overloaded),
        (error("TransactionCanceledException", Message="reasons [ValidationError]"), TooLarge),
        (DENIED, pydynox_core.AccessDeniedException),
    ],
)
def test_errors_come_in_the_stores_words(failing, answer, expected):
    failing.answers = [answer] * ATTEMPTS
    with pytest.raises(expected):
        Dynamo(TABLE).write_together([{"type": "put", "item": {"pk": "u", "sk": "k"}}])


def test_a_table_out_of_reach_is_overloaded(failing, monkeypatch):
    failing.close()
    with pytest.raises(Overloaded):
        Dynamo(TABLE).get("u", "k", consistent=False)


def test_it_signs_with_the_session_token_of_the_environment(failing):
    Dynamo(TABLE).get("u", "k", consistent=False)
    (headers,) = failing.calls
    assert headers["x-amz-security-token"] == "session"
    assert "Credential=AKIDEXAMPLE/" in headers["authorization"]
    assert "x-amz-security-token" in headers["authorization"]


def test_a_transaction_is_retried_with_the_same_token(failing):
    """A lost answer must not make a second try fail: DynamoDB knows the repeat by its ClientRequestToken."""
    failing.answers = [BROKEN]
    Dynamo(TABLE).write_together([{"type": "put", "item": {"pk": "u", "sk": "k"}}])
    first, second = (json.loads(body)["ClientRequestToken"] for body in failing.bodies)
    assert first == second
