"""The facade that the door calls: believed callers, bodies checked while they are read, accesses decided and denials worded."""

import dataclasses
import hashlib
import hmac
import json
import time

import pytest
from botocore.auth import S3SigV4Auth

from stratus.iam.credentials import UnusableKeyError, unique_id
from stratus.iam.entities import Role
from stratus.iam.gate import MAX_REMEMBERED_DECISIONS, Iam
from stratus.iam.principal import ANONYMOUS, Kind, service_principal
from stratus.iam.sigv4.verify import signing_key
from stratus.service import Access
from stratus.wire.errors import AwsError
from stratus.wire.message import BodyTooLarge, BytesBody, Headers, Request, TrailedBody

BUCKET = "arn:aws:s3:::b/k"
NO_POLICY = {"Version": "2012-10-17", "Statement": []}


def policy(*statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect="Allow", action="s3:GetObject", resource="*", **more) -> dict:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def nothing(resource: str) -> str | None:
    return None


@pytest.fixture
def reader(iam):
    """`await reader(policy, ...)` gives the principal of a session of a role with these inline policies."""

    async def begin(*policies: str, **options):
        inline = {str(number): text for number, text in enumerate(policies)}
        role = Role(name="Reader", id=unique_id("AROA"), created=0.0, trust="{}", inline=inline, **options)
        await iam.directory.save(role)
        return iam.sessions.begin(role, "s1", time.time(), 3600)[1]

    return begin


def authorise(iam, service, principal, action, resource, resource_policy=nothing, **options) -> None:
    iam.authorise(service, principal, [Access(action, resource)], resource_policy, region="eu-central-1", **options)


async def test_given_a_session_when_it_signs_then_the_gate_knows_who_it_is(iam, session):
    client = await session(name="ann", context={"cognito-identity.amazonaws.com:sub": ("eu:1",)})
    caller = await iam.authenticate(client.signed("dynamodb", body=b"{}"), "dynamodb")
    principal = caller.principal
    assert (principal.kind, caller.region) == (Kind.ROLE_SESSION, "eu-central-1")
    assert principal.arn == f"arn:aws:sts::{iam.account}:assumed-role/Reader/ann"
    assert principal.identity == f"arn:aws:iam::{iam.account}:role/Reader"
    assert principal.context["cognito-identity.amazonaws.com:sub"] == ("eu:1",)
    assert principal.context["aws:userid"][0].endswith(":ann")
    assert await caller.body.read(10) == b"{}"


async def test_given_a_service_of_another_signing_name_then_that_name_counts(iam, admin):
    assert await iam.authenticate(admin.signed("dynamodb"), "dynamodbstreams")


async def test_given_a_body_past_the_limit_then_it_is_too_large(iam, admin):
    with pytest.raises(BodyTooLarge):
        await iam.authenticate(admin.signed("dynamodb", body=b"x" * 11), "dynamodb", body_limit=10)


async def test_given_a_large_body_when_it_was_changed_then_refused_as_a_small_one(iam, admin):
    request = admin.signed("lambda", body=b"x" * 2_000_000)
    assert await (await iam.authenticate(request, "lambda")).body.read(2_000_000)
    request.body = BytesBody(b"x" * 1_999_999 + b"y")
    with pytest.raises(AwsError, match="InvalidSignatureException"):
        await iam.authenticate(request, "lambda")


async def test_given_an_s3_request_when_authenticated_then_its_conditions_are_known(iam, admin):
    caller = await iam.authenticate(admin.signed("s3", "PUT", "/b/k", b"x"), "s3")
    assert caller.context["s3:authType"] == ("REST-HEADER",)
    assert caller.context["s3:x-amz-content-sha256"] == (hashlib.sha256(b"x").hexdigest(),)
    caller = await iam.authenticate(admin.presigned("s3", path="/b/k"), "s3")
    assert caller.context["s3:authType"] == ("REST-QUERY-STRING",)
    assert int(caller.context["s3:signatureAge"][0]) < 60_000


async def test_given_an_s3_body_when_it_is_another_then_it_raises_before_its_end(iam, admin):
    request = admin.signed("s3", "PUT", "/b/k", b"signed")
    request.body = BytesBody(b"sent")
    caller = await iam.authenticate(request, "s3")
    with pytest.raises(AwsError) as refused:
        await read_by_pieces(caller.body)
    assert refused.value.code == "XAmzContentSHA256Mismatch"
    with pytest.raises(AwsError):
        await caller.body.read(100)


async def read_by_pieces(body) -> bytes:
    return b"".join([piece async for piece in body])


class SignedChunks(S3SigV4Auth):
    def payload(self, request) -> str:
        return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"


def in_chunks(request: Request, secret: str, data: bytes, trailer: str) -> bytes:
    """The body that belongs to a request signed for chunks."""
    authorization = request.headers.get("authorization") or ""
    date = request.headers.get("x-amz-date") or ""
    key = signing_key(secret, date[:8], "eu-central-1", "s3")
    context = f"{date}\n{date[:8]}/eu-central-1/s3/aws4_request"
    empty = hashlib.sha256(b"").hexdigest()
    previous, out = authorization[-64:], b""
    for chunk in (data, b""):
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{context}\n{previous}\n{empty}\n{hashlib.sha256(chunk).hexdigest()}"
        previous = hmac.digest(key, text.encode(), "sha256").hex()
        out += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + (b"\r\n" if chunk else b"")
    digest = hashlib.sha256(f"x-amz-checksum-crc32:{trailer}\n".encode()).hexdigest()
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256-TRAILER\n{context}\n{previous}\n{digest}".encode(), "sha256").hex()
    return out + f"x-amz-checksum-crc32:{trailer}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()


async def test_given_signed_chunks_with_a_trailer_when_read_then_plain_bytes_and_the_trailer(iam, admin):
    headers = {"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-decoded-content-length": "5"}
    request = admin.signed("s3", "PUT", "/b/k", headers=headers, signer=SignedChunks)
    request.body = BytesBody(in_chunks(request, admin.credentials.secret_access_key, b"hello", "AAAA"))
    body = (await iam.authenticate(request, "s3")).body
    assert isinstance(body, TrailedBody)
    assert await read_by_pieces(body) == b"hello"
    assert body.trailers.get("x-amz-checksum-crc32") == "AAAA"


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        ({"x-amz-content-sha256": "nonsense"}, "InvalidArgument", 400),
        ({"x-amz-content-sha256": "A" * 64}, "InvalidArgument", 400),
        ({"x-amz-content-sha256": "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}, "NotImplemented", 501),
        ({"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "MissingContentLength", 411),
        (
            {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "-1"},
            "InvalidArgument",
            400,
        ),
        ({"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "AccessDenied", 403),
    ],
)
async def test_given_an_unknown_way_to_send_a_body_then_refused(iam, given, code, status):
    with pytest.raises(AwsError) as refused:
        await iam.authenticate(Request("PUT", "/b/k", "", Headers(given.items())), "s3")
    assert (refused.value.code, refused.value.status) == (code, status)


async def test_given_a_signed_s3_request_without_its_hash_then_refused(iam, admin):
    request = admin.signed("s3", "PUT", "/b/k", b"x")
    request.headers = Headers([(k, v) for k, v in request.headers.fields if k != "x-amz-content-sha256"])
    with pytest.raises(AwsError) as refused:
        await iam.authenticate(request, "s3")
    assert refused.value.message == "Missing required header for this request: x-amz-content-sha256"


TABLE = "arn:aws:dynamodb:eu-central-1:1:table/t"


async def test_given_a_denial_then_each_service_words_it_as_on_aws(iam, reader):
    ann = await reader()
    who = ann.arn
    because = "because no identity-based policy allows the"
    for service, action, resource, code, status, message in [
        ("dynamodb", "dynamodb:GetItem", TABLE, "AccessDeniedException", 400, f"on resource: {TABLE} {because}"),
        ("lambda", "lambda:InvokeFunction", "arn:f", "AccessDeniedException", 403, f"on resource: arn:f {because}"),
        ("iam", "iam:GetUser", "arn:u", "AccessDenied", 403, f"on resource: arn:u {because}"),
        ("s3", "s3:GetObject", BUCKET, "AccessDenied", 403, f'on resource: "{BUCKET}" {because}'),
    ]:
        with pytest.raises(AwsError) as refused:
            authorise(iam, service, ann, action, resource)
        assert (refused.value.code, refused.value.status) == (code, status)
        assert refused.value.message == f"User: {who} is not authorized to perform: {action} {message} {action} action"


async def test_given_the_public_when_s3_denies_then_it_says_no_more_than_that(iam):
    with pytest.raises(AwsError) as refused:
        authorise(iam, "s3", ANONYMOUS, "s3:GetObject", BUCKET)
    assert refused.value.message == "Access Denied"
    authorise(iam, "s3", ANONYMOUS, "s3:GetObject", BUCKET, lambda _: policy(statement(Principal="*")))


async def test_given_several_accesses_then_all_must_be_allowed(iam, reader):
    ann = await reader(policy(statement()))
    accesses = [Access("s3:GetObject", BUCKET), Access("s3:PutObject", BUCKET)]
    iam.authorise("s3", ann, accesses[:1], nothing, region="eu-central-1")
    with pytest.raises(AwsError, match="s3:PutObject"):
        iam.authorise("s3", ann, accesses, nothing, region="eu-central-1")
    assert iam.allows(ann, accesses[0], nothing, region="eu-central-1")
    assert not iam.allows(ann, accesses[1], nothing, region="eu-central-1")


def wire(**fields) -> Request:
    request = Request("GET", "/", "", Headers([("user-agent", "curl/8"), ("referer", "https://a.example/")]))
    return dataclasses.replace(request, **fields)


CONDITIONS = [
    # condition, request, context of the call, allowed
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, wire(), {}, True),
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, wire(client="192.168.1.2"), {}, False),
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, None, {}, False),
    ({"Bool": {"aws:SecureTransport": "true"}}, wire(secure=True), {}, True),
    ({"Bool": {"aws:SecureTransport": "true"}}, wire(), {}, False),
    ({"Bool": {"aws:SecureTransport": "true"}}, None, {}, True),
    ({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}, wire(), {}, True),
    ({"StringLike": {"aws:UserAgent": "curl/*"}}, wire(), {}, True),
    ({"StringLike": {"aws:Referer": "https://b.example/*"}}, wire(), {}, False),
    ({"DateLessThan": {"aws:CurrentTime": "2100-01-01T00:00:00Z"}}, wire(), {}, True),
    ({"NumericGreaterThan": {"aws:EpochTime": "4000000000"}}, wire(), {}, False),
    ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/Reader"}}, wire(), {}, True),
    ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, wire(), {}, True),
    ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, wire(), {}, True),
    ({"StringEquals": {"aws:PrincipalTag/Team": "red"}}, wire(), {}, False),
    ({"StringEquals": {"aws:SourceAccount": "1"}}, None, {"aws:SourceAccount": ("1",)}, True),
    ({"StringEquals": {"aws:PrincipalTag/team": "red"}}, None, {"aws:PrincipalTag/team": ("red",)}, False),
    ({"StringEquals": {"aws:PrincipalArn": "arn:x"}}, None, {"aws:principalarn": ("arn:x",)}, False),
    ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, wire(), {}, True),
    ({"Null": {"aws:TokenIssueTime": "false"}}, wire(), {}, True),
]


@pytest.mark.parametrize(("condition", "request_", "context", "allowed"), CONDITIONS)
async def test_given_a_condition_on_the_request_then_the_gate_knows_it(
    iam, reader, condition, request_, context, allowed
):
    ann = await reader(policy(statement(Condition=condition)), tags={"team": "blue"})
    access = Access("s3:GetObject", BUCKET)
    got = iam.allows(ann, access, nothing, region="eu-central-1", request=request_, context=context)
    assert got is allowed


async def test_given_a_service_as_caller_then_only_resource_policies_let_it_in(iam):
    gateway = service_principal("apigateway.amazonaws.com")
    arn = "arn:aws:lambda:eu-central-1:1:function:f"
    source = "arn:aws:execute-api:eu-central-1:1:api/*/GET/todos"
    allow = statement(
        action="lambda:InvokeFunction",
        resource=arn,
        Principal={"Service": "apigateway.amazonaws.com"},
        Condition={"ArnLike": {"aws:SourceArn": source}},
    )
    call = {"aws:SourceArn": ("arn:aws:execute-api:eu-central-1:1:api/prod/GET/todos",)}
    authorise(iam, "lambda", gateway, "lambda:InvokeFunction", arn, lambda _: policy(allow), context=call)
    for resource_policy, context in [(nothing, call), (lambda _: policy(allow), {})]:
        with pytest.raises(AwsError, match="because no resource-based policy allows"):
            authorise(iam, "lambda", gateway, "lambda:InvokeFunction", arn, resource_policy, context=context)


async def test_given_a_changed_policy_when_the_same_principal_asks_then_the_new_one_counts(iam, reader):
    ann = await reader(policy(statement()))
    authorise(iam, "s3", ann, "s3:GetObject", BUCKET)
    role = iam.directory.role("Reader")
    await iam.directory.save(dataclasses.replace(role, inline={"0": policy(statement("Deny"))}))
    with pytest.raises(AwsError, match="explicit deny in an identity-based policy"):
        authorise(iam, "s3", ann, "s3:GetObject", BUCKET)
    await iam.directory.save(delete=[iam.directory.role("Reader")])
    with pytest.raises(AwsError, match="no identity-based policy"):
        authorise(iam, "s3", ann, "s3:GetObject", BUCKET)


async def test_given_a_boundary_that_is_gone_then_nothing_is_allowed(iam, reader):
    ann = await reader(policy(statement()), boundary="arn:aws:iam::1:policy/gone")
    with pytest.raises(AwsError, match="no permissions boundary allows"):
        authorise(iam, "s3", ann, "s3:GetObject", BUCKET)


async def test_given_the_administrator_locked_out_when_started_again_then_let_in_with_a_new_key(tmp_path, clock):
    iam = await Iam.open(tmp_path / "iam", clock)
    before, account = iam.administrator, iam.account
    user = dataclasses.replace(iam.directory.user("admin"), attached=())
    await iam.directory.save(user, delete=[iam.directory.access_key(before.access_key_id)])
    await iam.close()
    iam = await Iam.open(tmp_path / "iam", clock)
    assert iam.account == account
    assert iam.administrator.access_key_id != before.access_key_id
    authorise(iam, "s3", iam.administrator_principal, "s3:GetObject", BUCKET)
    await iam.close()


@pytest.mark.parametrize("damage", [lambda key: key.unlink(), lambda key: key.write_bytes(b"short")])
async def test_given_a_lost_or_damaged_key_when_opened_then_said(tmp_path, clock, damage):
    iam = await Iam.open(tmp_path / "iam", clock)
    await iam.close()
    damage(tmp_path / "iam" / "key")
    with pytest.raises(UnusableKeyError, match="Restore it"):
        await Iam.open(tmp_path / "iam", clock)


async def test_given_two_installations_then_they_share_nothing(tmp_path, clock):
    one, two = await Iam.open(tmp_path / "1", clock), await Iam.open(tmp_path / "2", clock)
    assert one.account != two.account
    assert one.administrator != two.administrator
    await one.close()
    await two.close()


OWN_FOLDER = policy(
    statement(
        action=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        resource="arn:aws:s3:::files/private/${cognito-identity.amazonaws.com:sub}/*",
    ),
    statement(
        action="s3:ListBucket",
        resource="arn:aws:s3:::files",
        Condition={"StringLike": {"s3:prefix": "private/${cognito-identity.amazonaws.com:sub}/*"}},
    ),
    statement(
        action=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"], resource="arn:aws:dynamodb:*:*:table/t"
    ),
)


async def test_given_a_typical_role_when_accesses_are_decided_then_it_takes_microseconds(iam, reader):
    ann = dataclasses.replace(
        await reader(OWN_FOLDER), context={"cognito-identity.amazonaws.com:sub": ("eu-central-1:1",)}
    )
    request = wire()
    for service, access in [
        ("dynamodb", Access("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": ("a",)})),
        ("s3", Access("s3:GetObject", "arn:aws:s3:::files/private/eu-central-1:1/photo.jpg")),
        ("s3", Access("s3:ListBucket", "arn:aws:s3:::files", {"s3:prefix": ("private/eu-central-1:1/a",)})),
    ]:
        started = time.process_time()
        for _ in range(1000):
            iam.authorise(service, ann, [access], nothing, region="eu-central-1", request=request)
        micros = (time.process_time() - started) * 1000
        print(f"{access.action}: {micros:.1f} µs")
        assert micros < 150, "ten times what it takes on an idle machine"


async def test_given_a_session_in_use_when_its_role_is_replaced_then_the_next_request_is_refused(iam, session):
    client = await session()
    assert await iam.authenticate(client.signed("dynamodb"), "dynamodb")
    role = iam.directory.role("Reader")
    assert role is not None
    await iam.directory.save(dataclasses.replace(role, id=unique_id("AROA")))
    with pytest.raises(AwsError, match="UnrecognizedClientException"):
        await iam.authenticate(client.signed("dynamodb"), "dynamodb")


async def test_given_a_user_in_use_when_their_tags_change_then_the_next_request_has_the_new_ones(iam, admin):
    assert await iam.authenticate(admin.signed("dynamodb"), "dynamodb")
    user = iam.directory.user("admin")
    assert user is not None
    await iam.directory.save(dataclasses.replace(user, tags={"team": "blue"}))
    caller = await iam.authenticate(admin.signed("dynamodb"), "dynamodb")
    assert caller.principal.context["aws:PrincipalTag/team"] == ("blue",)


async def test_given_a_decision_that_read_a_key_when_the_key_changes_then_so_does_the_decision(iam, reader):
    principal = await reader(
        policy(statement(Condition={"StringEquals": {"s3:prefix": "mine/"}})),
        policy(
            statement("Deny", resource="arn:aws:s3:::b/other", Condition={"Bool": {"aws:SecureTransport": "false"}})
        ),
    )

    def denied(prefix: str) -> bool:
        access = Access("s3:GetObject", BUCKET, {"s3:prefix": (prefix,)})
        return iam.denial(principal, access, nothing, region="eu-central-1") is not None

    assert [denied(prefix) for prefix in ("mine/", "mine/", "yours/", "mine/")] == [False, False, True, False]


async def test_given_a_decision_that_read_no_key_when_anything_it_rests_on_differs_then_it_is_made_anew(iam, reader):
    """Asked twice each, so that what is remembered answers the second time."""
    principal = await reader(policy(statement(resource=BUCKET)))
    deny = policy(statement("Deny", resource=BUCKET, Principal="*"))
    narrowed = dataclasses.replace(principal, session_policies=(policy(statement(action="s3:PutObject")),))
    stranger = dataclasses.replace(principal, arn="arn:aws:sts::1:assumed-role/O/s", identity="arn:aws:iam::1:role/O")

    def allowed(who=principal, action="s3:GetObject", resource=BUCKET, resource_policy=None) -> bool:
        access = Access(action, resource)
        return iam.allows(who, access, lambda resource: resource_policy, region="eu-central-1")

    for _ in range(2):
        assert allowed()
        assert not allowed(action="s3:PutObject")
        assert not allowed(resource="arn:aws:s3:::b/another")
        assert not allowed(resource_policy=deny)
        assert not allowed(who=narrowed)
        assert not allowed(who=stranger)


async def test_given_endless_resources_then_what_is_remembered_of_them_is_bounded(iam, reader):
    principal = await reader(policy(statement()))
    for number in range(3 * MAX_REMEMBERED_DECISIONS):
        authorise(iam, "s3", principal, "s3:GetObject", f"arn:aws:s3:::b/{number}")
    authorise(iam, "s3", principal, "s3:GetObject", "arn:aws:s3:::b/" + "k" * 100_000)
    assert len(iam._decisions) <= MAX_REMEMBERED_DECISIONS
    assert max(len(resource) for _, resource, *_ in iam._decisions) < 100_000
