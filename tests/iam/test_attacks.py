"""The attack table of authentication: what an attacker sends, and the error of AWS that meets it.

Every row starts from a request that would be believed (the last test says so) and spoils one thing.
"""

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pytest

from stratus.clock import ManualClock
from stratus.iam.credentials import Credentials, Vault, unique_id
from stratus.iam.gate import Iam
from stratus.iam.principal import Kind
from stratus.wire.errors import AwsError
from stratus.wire.message import BytesBody, Headers, Request

SERVICES = ("dynamodb", "lambda", "sts", "s3")
"""One of each family: JSON, REST-JSON, query, S3."""


@dataclass
class World:
    iam: Iam
    clock: ManualClock
    wall: Any
    admin: Any
    session: Callable[..., Awaitable[Any]]
    service: str

    def signed(self, client: Any = None, **options: Any) -> Request:
        defaults: dict[str, Any] = {"method": "PUT", "path": "/bucket/key", "body": b'{"TableName": "t"}'}
        return (client or self.admin).signed(self.service, **defaults | options)

    def presigned(self, client: Any = None, **options: Any) -> Request:
        return (client or self.admin).presigned(self.service, **{"path": "/bucket/key"} | options)


Attack = Callable[[World], Request | Awaitable[Request]]
ATTACKS: dict[str, tuple[Attack, tuple[str, int], tuple[str, int], tuple[str, int], tuple[str, int]]] = {}
"""id -> (attack, the (code, status) of the JSON, REST-JSON, query and S3 service)."""


def attack(name: str, code: str, s3: tuple[str, int], *, query_status: int = 403) -> Callable[[Attack], Attack]:
    """`code` as the query services say it; JSON services append their suffix to its counterpart."""
    json_code = {
        "MissingAuthenticationToken": "MissingAuthenticationTokenException",
        "IncompleteSignature": "IncompleteSignatureException",
        "InvalidClientTokenId": "UnrecognizedClientException",
        "ExpiredToken": "ExpiredTokenException",
        "SignatureDoesNotMatch": "InvalidSignatureException",
    }[code]

    def add(spoil: Attack) -> Attack:
        ATTACKS[name] = (spoil, (json_code, 400), (json_code, 403), (code, query_status), s3)
        return spoil

    return add


MISMATCH = ("SignatureDoesNotMatch", 403)
MALFORMED = ("AuthorizationHeaderMalformed", 400)
BAD_QUERY = ("AuthorizationQueryParametersError", 400)
NOT_SIGNED = ("AccessDenied", 403)


def header(request: Request, name: str, change: Callable[[str], str]) -> Request:
    request.headers = Headers([(k, change(v) if k == name else v) for k, v in request.headers.fields])
    return request


def without_header(request: Request, name: str) -> Request:
    request.headers = Headers([(k, v) for k, v in request.headers.fields if k != name])
    return request


def with_header(request: Request, name: str, value: str) -> Request:
    request.headers = Headers([*request.headers.fields, (name, value)])
    return request


# --- keys that are not ours ------------------------------------------------------------------------------------------------


def _well_known(key: str, secret: str) -> Attack:
    return lambda world: world.signed(type(world.admin)(Credentials(key, secret)))


for key, secret in [
    ("test", "test"),
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("000000000000", "test"),
    ("mock_access_key", "mock_secret_key"),
    ("admin", "admin"),
]:
    attack(f"the well-known key {key}", "InvalidClientTokenId", ("InvalidAccessKeyId", 403))(_well_known(key, secret))


@attack("the account id as key", "InvalidClientTokenId", ("InvalidAccessKeyId", 403))
def _(world: World) -> Request:
    return world.signed(type(world.admin)(Credentials(world.iam.account, "test")))


@attack("the right key with a wrong secret", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return world.signed(type(world.admin)(replace(world.admin.credentials, secret_access_key="test")))


@attack("the right key with its secret's case changed", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    secret = world.admin.credentials.secret_access_key
    return world.signed(type(world.admin)(replace(world.admin.credentials, secret_access_key=secret.swapcase())))


@attack("the key in lower case", "InvalidClientTokenId", ("InvalidAccessKeyId", 403))
def _(world: World) -> Request:
    keys = world.admin.credentials
    return world.signed(type(world.admin)(replace(keys, access_key_id=keys.access_key_id.lower())))


@attack("a deactivated key", "InvalidClientTokenId", ("InvalidAccessKeyId", 403))
async def _(world: World) -> Request:
    request = world.signed()
    key = world.iam.directory.access_key(world.admin.credentials.access_key_id)
    assert key is not None
    await world.iam.directory.save(dataclasses.replace(key, active=False))
    return request


@attack("a deleted key", "InvalidClientTokenId", ("InvalidAccessKeyId", 403))
async def _(world: World) -> Request:
    request = world.signed()
    key = world.iam.directory.access_key(world.admin.credentials.access_key_id)
    assert key is not None
    await world.iam.directory.save(delete=[key])
    return request


# --- session tokens --------------------------------------------------------------------------------------------------------


@attack("temporary credentials without their token", "InvalidClientTokenId", ("InvalidAccessKeyId", 403))
async def _(world: World) -> Request:
    client = await world.session()
    return world.signed(type(client)(replace(client.credentials, session_token=None)))


@attack("a session token made up", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    return world.signed(type(client)(replace(client.credentials, session_token="FwoGZXIvYXdzEXAMPLE")))


@attack("a session token with one character changed", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    token = client.credentials.session_token
    changed = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    return world.signed(type(client)(replace(client.credentials, session_token=changed)))


@attack("a session token cut short", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    return world.signed(type(client)(replace(client.credentials, session_token=client.credentials.session_token[:12])))


@attack("a session token of megabytes", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    return world.signed(type(client)(replace(client.credentials, session_token="A" * 1_000_000)))


@attack("another session's token", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client, other = await world.session(), await world.session(name="other")
    return world.signed(type(client)(replace(client.credentials, session_token=other.credentials.session_token)))


@attack("a session's token with the administrator's key", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    return world.signed(type(client)(replace(world.admin.credentials, session_token=client.credentials.session_token)))


@attack("a token of another installation", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    content = {"key": client.credentials.access_key_id, "secret": "s", "role": "Reader"}
    token = Vault(b"k" * 32).seal("session", content)
    return world.signed(type(client)(Credentials(client.credentials.access_key_id, "s", token)))


@attack("a sealed secret given as token", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    keys = world.admin.credentials
    key = world.iam.directory.access_key(keys.access_key_id)
    assert key is not None
    return world.signed(type(world.admin)(replace(keys, session_token=key.sealed)))


@attack("expired temporary credentials", "ExpiredToken", ("ExpiredToken", 400))
async def _(world: World) -> Request:
    client = await world.session(900)
    world.clock.advance(900)
    return world.signed(client)


@attack("a session of a deleted role", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    role = world.iam.directory.role("Reader")
    assert role is not None
    await world.iam.directory.save(delete=[role])
    return world.signed(client)


@attack("a session of a deleted role whose name came back", "InvalidClientTokenId", ("InvalidToken", 400))
async def _(world: World) -> Request:
    client = await world.session()
    role = world.iam.directory.role("Reader")
    assert role is not None
    await world.iam.directory.save(dataclasses.replace(role, id=unique_id("AROA")))
    return world.signed(client)


@attack("a token added to a signed request", "InvalidClientTokenId", ("InvalidToken", 400))
def _(world: World) -> Request:
    return with_header(world.signed(), "x-amz-security-token", "anything")


@attack("a token header that is not signed", "SignatureDoesNotMatch", NOT_SIGNED)
async def _(world: World) -> Request:
    client = await world.session()
    request = world.signed(type(client)(replace(client.credentials, session_token=None)))
    return with_header(request, "x-amz-security-token", client.credentials.session_token)


# --- time ------------------------------------------------------------------------------------------------------------------


@attack("a request replayed after 15 minutes", "SignatureDoesNotMatch", ("RequestTimeTooSkewed", 403))
def _(world: World) -> Request:
    world.wall.offset = 15 * 60 + 5
    return world.signed()


@attack("a request from the future", "SignatureDoesNotMatch", ("RequestTimeTooSkewed", 403))
def _(world: World) -> Request:
    world.wall.offset = -15 * 60 - 5
    return world.signed()


@attack("a fresh date put on an old request", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return header(world.signed(), "x-amz-date", lambda date: date[:-2] + ("1Z" if date[-2] != "1" else "2Z"))


@attack("no date at all", "IncompleteSignature", ("AccessDenied", 403), query_status=400)
def _(world: World) -> Request:
    return without_header(world.signed(), "x-amz-date")


@attack("a date that is none", "IncompleteSignature", ("AccessDenied", 403), query_status=400)
def _(world: World) -> Request:
    return header(world.signed(), "x-amz-date", lambda date: "20260230T000000Z")


@attack("the scope of another day", "SignatureDoesNotMatch", MALFORMED)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v.replace(v.split("/")[1], "20200101", 1))


# --- the signature ---------------------------------------------------------------------------------------------------------


@attack("a signature of zeros", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v[:-64] + "0" * 64)


@attack("a signature in upper case", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v[:-64] + v[-64:].upper())


@attack("a signature cut short", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v[:-1])


@attack("a signature that is not ASCII", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v[:-1] + "é")


@attack("no signature", "IncompleteSignature", MALFORMED, query_status=400)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v.rpartition(", ")[0])


@attack("no credential", "IncompleteSignature", MALFORMED, query_status=400)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: "AWS4-HMAC-SHA256 " + v.partition(", ")[2])


@attack("an empty Authorization header", "IncompleteSignature", ("InvalidRequest", 400), query_status=400)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: "")


@attack("two Authorization headers", "IncompleteSignature", MALFORMED, query_status=400)
def _(world: World) -> Request:
    request = world.signed()
    return with_header(request, "authorization", request.headers.get("authorization") or "")


@attack("a bearer token", "IncompleteSignature", ("InvalidRequest", 400), query_status=400)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: "Bearer eyJhbGciOiJub25lIn0.e30.")


@attack("Signature Version 2", "IncompleteSignature", ("InvalidRequest", 400), query_status=400)
def _(world: World) -> Request:
    key = world.admin.credentials.access_key_id
    return header(world.signed(), "authorization", lambda v: f"AWS {key}:frJIUN8DYpKDtOLCwo//yllqDzg=")


@attack("signed twice, in header and query", "IncompleteSignature", ("InvalidArgument", 400), query_status=400)
def _(world: World) -> Request:
    request = world.signed()
    request.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256"
    return request


@attack("the scope of another region", "SignatureDoesNotMatch", MALFORMED)
def _(world: World) -> Request:
    return world.signed(type(world.admin)(world.admin.credentials, region="us-west-2"))


@attack("the scope of another service", "SignatureDoesNotMatch", MALFORMED)
def _(world: World) -> Request:
    request = world.admin.signed("s3" if world.service == "logs" else "logs", body=b"x")
    return with_header(request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD")


@attack("a scope that does not end in aws4_request", "IncompleteSignature", MALFORMED, query_status=400)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v.replace("aws4_request", "aws5_request"))


# --- what is signed --------------------------------------------------------------------------------------------------------


@attack("another method", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return replace(world.signed(), method="DELETE")


@attack("another path", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return replace(world.signed(), path="/bucket/key2")


@attack("a parameter added", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return replace(world.signed(), query="acl")


@attack("another host", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return header(world.signed(), "host", lambda v: "other.localhost")


@attack("a signed header doubled", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return with_header(world.signed(headers={"x-amz-meta-a": "1"}), "x-amz-meta-a", "2")


@attack("a signed header taken away", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return without_header(world.signed(headers={"x-amz-meta-a": "1"}), "x-amz-meta-a")


@attack("an x-amz- header added unsigned", "SignatureDoesNotMatch", NOT_SIGNED)
def _(world: World) -> Request:
    return with_header(world.signed(), "x-amz-copy-source", "/secrets/key")


@attack("a signature that leaves out the host", "SignatureDoesNotMatch", NOT_SIGNED)
def _(world: World) -> Request:
    return header(world.signed(), "authorization", lambda v: v.replace(";host", "").replace("host;", ""))


@attack("the hash of another body", "SignatureDoesNotMatch", ("XAmzContentSHA256Mismatch", 400))
def _(world: World) -> Request:
    return replace(world.signed(), body=BytesBody(b'{"TableName": "u"}'))


# --- presigned URLs --------------------------------------------------------------------------------------------------------


@attack("a presigned URL after its window", "SignatureDoesNotMatch", ("AccessDenied", 403))
def _(world: World) -> Request:
    world.wall.offset = 601
    return world.presigned(expires=600)


@attack("a presigned URL before its window", "SignatureDoesNotMatch", ("AccessDenied", 403))
def _(world: World) -> Request:
    world.wall.offset = -15 * 60 - 5
    return world.presigned()


@attack("a presigned URL with another method", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return replace(world.presigned(), method="PUT")


@attack("a presigned URL with another path", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return replace(world.presigned(), path="/bucket/other")


@attack("a presigned URL with a longer window", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    request = world.presigned(expires=600)
    return replace(request, query=request.query.replace("Expires=600", "Expires=604800"))


@attack("a presigned URL of more than a week", "IncompleteSignature", BAD_QUERY, query_status=400)
def _(world: World) -> Request:
    return world.presigned(expires=604_801)


@attack("a presigned URL of a negative window", "IncompleteSignature", BAD_QUERY, query_status=400)
def _(world: World) -> Request:
    return world.presigned(expires=-1)


@attack("a presigned URL with a parameter given twice", "IncompleteSignature", BAD_QUERY, query_status=400)
def _(world: World) -> Request:
    request = world.presigned()
    return replace(request, query=request.query + "&X-Amz-Signature=0")


@attack("a presigned URL with an encoded second signature", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    request = world.presigned()
    return replace(request, query=request.query + "&X%2DAmz-Signature=0")


@attack("a presigned URL without its expiry", "IncompleteSignature", BAD_QUERY, query_status=400)
def _(world: World) -> Request:
    request = world.presigned()
    return replace(request, query="&".join(p for p in request.query.split("&") if "Expires" not in p))


@attack("a presigned URL with another signed header", "SignatureDoesNotMatch", MISMATCH)
def _(world: World) -> Request:
    return header(world.presigned(headers={"x-amz-meta-a": "1"}), "x-amz-meta-a", lambda v: "2")


@attack("a presigned URL with an x-amz- header added", "SignatureDoesNotMatch", NOT_SIGNED)
def _(world: World) -> Request:
    return with_header(world.presigned(), "x-amz-acl", "public-read")


@attack("a presigned URL with its token taken away", "InvalidClientTokenId", ("InvalidAccessKeyId", 403))
async def _(world: World) -> Request:
    request = world.presigned(await world.session())
    return replace(request, query="&".join(p for p in request.query.split("&") if "Token" not in p))


@attack("a presigned URL of expired credentials", "ExpiredToken", ("ExpiredToken", 400))
async def _(world: World) -> Request:
    request = world.presigned(await world.session(900), expires=3600)
    world.clock.advance(901)
    return request


@attack("a presigned URL of Signature Version 2", "IncompleteSignature", ("InvalidRequest", 400), query_status=400)
def _(world: World) -> Request:
    key = world.admin.credentials.access_key_id
    return replace(
        world.presigned(), query=f"AWSAccessKeyId={key}&Expires=1900000000&Signature={quote('a/b=', safe='')}"
    )


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", ATTACKS)
async def test_given_an_attack_when_it_comes_then_it_is_refused_in_awss_words(
    name, service, iam, clock, wall, admin, session
):
    spoil, *expected = ATTACKS[name]
    made = spoil(World(iam, clock, wall, admin, session, service))
    request = made if isinstance(made, Request) else await made
    with pytest.raises(AwsError) as refused:
        await whole(iam, request, service)
    assert (refused.value.code, refused.value.status) == expected[SERVICES.index(service)]
    assert refused.value.message


async def whole(iam: Iam, request: Request, service: str) -> bytes:
    caller = await iam.authenticate(request, service, region="eu-central-1")
    return b"".join([piece async for piece in caller.body])


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("dynamodb", "MissingAuthenticationTokenException", 400),
        ("execute-api", "MissingAuthenticationTokenException", 403),
        ("iam", "MissingAuthenticationToken", 403),
    ],
)
async def test_given_no_signature_when_it_is_not_s3_then_refused(iam, service, code, status):
    with pytest.raises(AwsError) as refused:
        await iam.authenticate(Request("POST", "/", "", Headers([("host", "localhost")])), service)
    assert (refused.value.code, refused.value.status) == (code, status)


@pytest.mark.parametrize("query", ["", "X%2DAmz-Credential=a&X%2DAmz-Algorithm=AWS4-HMAC-SHA256"])
async def test_given_no_signature_when_it_is_s3_then_nobody_in_particular_calls(iam, query):
    caller = await iam.authenticate(Request("GET", "/bucket/key", query, Headers([("host", "localhost")])), "s3")
    assert caller.principal.kind is Kind.ANONYMOUS


@pytest.mark.parametrize("service", SERVICES)
async def test_given_the_request_unspoiled_when_it_comes_then_it_is_believed(iam, clock, wall, admin, session, service):
    world = World(iam, clock, wall, admin, session, service)
    wall.offset = 14 * 60
    assert await whole(iam, world.signed(), service) == b'{"TableName": "t"}'
    wall.offset = 590
    assert await whole(iam, world.presigned(expires=600), service) == b""
    wall.offset = 0
    client = await session(900)
    clock.advance(899)
    assert await whole(iam, world.signed(client), service) == b'{"TableName": "t"}'
    assert await whole(iam, world.presigned(client), service) == b""


@pytest.mark.parametrize("service", SERVICES)
async def test_given_signature_version_4a_then_refused_by_name(iam, admin, service):
    request = admin.signed(service, "PUT", "/bucket/key", b"x")
    request = header(request, "authorization", lambda v: v.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"))
    with pytest.raises(AwsError) as refused:
        await iam.authenticate(request, service)
    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)
    assert "4A" in refused.value.message
