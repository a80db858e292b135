"""Bytes that are no request, or nearly one, at the door and at the API: some answer or none, never a 5xx, and the server lives."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks import raw
from tests.attacks.answers import Answer
from tests.attacks.world import World

EXAMPLES = 150
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

tokens = st.sampled_from(
    [
        b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PRI * HTTP/2.0", b" ", b"  ", b"/", b"//", b"/api/todos", b"?", b"%", b"%2F", b"%00",
        b"..", b"*", b"#", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"\x80", b":", b"Host: localhost\r\n",
        b"Content-Length: 5\r\n", b"Content-Length: 18446744073709551616\r\n", b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n",
        b"Expect: 100-continue\r\n", b"Connection: keep-alive, Upgrade\r\n", b"Upgrade: h2c\r\n", b"Range: bytes=-1,0-\r\n", b"Origin: null\r\n",
        b"Authorization: AWS4-HMAC-SHA256 Credential=", b"a/b/c/s3/aws4_request", b", SignedHeaders=host, Signature=", b"Authorization: Bearer a.b.c\r\n",
        b"X-Amz-Target: DynamoDB_20120810.", b"X-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\n", b"x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n",
        b"Content-Type: application/x-www-form-urlencoded\r\n", b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15", b"X-Amz-Credential=", b"{", b"}", b"[",
        b"a" * 5000, b"%ff" * 50,
    ]
)  # fmt: skip
requests = st.lists(st.one_of(tokens, st.binary(max_size=20)), max_size=30).map(b"".join)
headers = st.dictionaries(
    st.sampled_from(
        ["authorization", "x-amz-target", "x-amz-date", "x-amz-security-token", "content-type", "host", "range", "if-match", "origin",
         "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-copy-source", "content-encoding", "content-md5", "x-amz-checksum-crc32"]
    ),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80),
    max_size=6,
)  # fmt: skip
targets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=80).map(
    "/".__add__
)
methods = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"])


@pytest.fixture(scope="module", autouse=True)
def alive(world: World) -> Iterator[None]:
    yield
    assert world.is_untouched()


def sent(url: str, request: bytes) -> Answer:
    """What answers these bytes when nothing more will come."""
    with raw.connected(url) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return raw.receive(connection)


@pytest.mark.parametrize("place", ["endpoint", "api_url"])
@bounded
@given(request=requests)
def test_bytes_are_answered_or_hung_up_on(world: World, place: str, request: bytes) -> None:
    assert sent(getattr(world, place), request).status < 500


@bounded
@given(method=methods, target=targets, fields=headers, body=st.binary(max_size=200))
def test_any_request_to_the_endpoint_is_refused_in_words(
    world: World, method: str, target: str, fields: dict[str, str], body: bytes
) -> None:
    answer = _ask(world.endpoint, method, target, fields, body)
    assert answer.status < 500 or (answer.status, answer.code) == (501, "NotImplemented"), answer
    assert b"Traceback" not in answer.body


@bounded
@given(method=methods, target=targets, fields=headers, body=st.binary(max_size=200))
def test_any_request_to_the_api_is_refused_in_words(
    world: World, method: str, target: str, fields: dict[str, str], body: bytes
) -> None:
    answer = _ask(world.api_url, method, f"/api{target}", fields, body)
    assert 400 <= answer.status < 500, answer
    assert b"Traceback" not in answer.body


def _ask(url: str, method: str, target: str, fields: dict[str, str], body: bytes) -> Answer:
    host = url.removeprefix("http://").partition("/")[0]
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in ({"host": host} | fields).items())]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "connection: close", "", ""])
    return raw.send(url, head.encode("latin-1") + body, method)


@bounded
@given(
    token=st.one_of(
        st.text(max_size=100),
        st.lists(st.sampled_from(["e30", ".", "eyJhbGciOiJub25lIn0", "AAAA", "="]), max_size=7).map("".join),
    )
)
def test_any_token_is_unauthorized(world: World, token: str) -> None:
    fields = {
        "authorization": token.encode("utf-8", "surrogatepass")
        .replace(b"\r", b"")
        .replace(b"\n", b"")
        .replace(b"\0", b"")
        .strip()
    }
    try:
        answer = world.stranger.api.get("/todos", headers=fields)
    except httpx.LocalProtocolError:
        return  # what the client itself will not send
    assert answer.status_code in (400, 401)
