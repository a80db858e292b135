"""Whatever a client sends, the answer is a 4xx error in the service's own shape."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.service import Params
from stratus.wire.errors import AwsError
from stratus.wire.message import BytesBody, Headers, Request
from stratus.wire.protocol import Protocol, protocol_for


def json_request(target: str, body: bytes) -> Request:
    return Request("POST", "/", "", Headers([("x-amz-target", target)]), BytesBody(body))


def form(body: str, query: str = "") -> Request:
    return Request("POST", "/", query, Headers(), BytesBody(body.encode()))


async def parsed(protocol: Protocol, request: Request) -> Params:
    return await protocol.parse(await protocol.operation_of(request), request)


async def refusal(service: str, request: Request, *, wire_json: bool = False) -> AwsError:
    protocol = protocol_for(service, wire_json=wire_json)
    with pytest.raises(AwsError) as caught:
        await parsed(protocol, request)
    response = protocol.serialise_error(caught.value, None, "id", request)
    assert 400 <= response.status < 500
    assert isinstance(response.body, bytes)
    assert b"Traceback" not in response.body
    return caught.value


DEEP = b'{"Item":' + b'{"L":[' * 400 + b"1" + b"]}" * 400 + b"}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", ""),
        (b"{", ""),
        (b"\xff\xfe", ""),
        (b'"\xed\xa0\x80"', ""),
        (b"[" * 5000, ""),
        (b"[]", "Start of list found where not expected"),
        (b"7", "Unexpected field type"),
        (b'{"TableName":7}', "NUMBER_VALUE cannot be converted to String"),
        (b'{"TableName":1.5}', "DECIMAL_VALUE cannot be converted to String"),
        (b'{"TableName":true}', "TRUE_VALUE cannot be converted to String"),
        (b'{"TableName":{}}', "Start of structure or map found where not expected"),
        (b'{"TableName":[]}', "Start of list found where not expected"),
        (b'{"Item":"x"}', "Unexpected field type"),
        (b'{"Item":{"a":"x"}}', "Unexpected field type"),
        (b'{"Item":{"a":{"S":5}}}', "NUMBER_VALUE cannot be converted to String"),
        (b'{"Item":{"a":{"BOOL":"true"}}}', "STRING_VALUE cannot be converted to Boolean"),
        (b'{"Item":{"a":{"SS":"x"}}}', "Unexpected field type"),
        (b'{"Item":{"a":{"L":[{"M":{"b":{"N":1}}}]}}}', "NUMBER_VALUE cannot be converted to String"),
        (
            b'{"Item":{"a":{"B":"abc"}}}',
            "'abc' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 3",
        ),
        (b'{"Item":{"a":{"B":"ab=c"}}}', "'ab=c' can not be converted to a Blob: Invalid Base64 character"),
    ],
)
async def test_dynamodb_refuses_wrong_json_with_serialization_exception(body: bytes, message: str) -> None:
    error = await refusal("dynamodb", json_request("DynamoDB_20120810.PutItem", body), wire_json=True)
    assert (error.code, error.message) == ("SerializationException", message)


@pytest.mark.parametrize("wire_json", [True, False])
async def test_deep_nesting_is_refused_and_not_a_crash(wire_json: bool) -> None:
    error = await refusal("dynamodb", json_request("DynamoDB_20120810.PutItem", DEEP), wire_json=wire_json)
    assert error.code == "SerializationException"


async def test_given_unknown_members_and_nulls_when_json_is_left_as_sent_then_they_are_gone() -> None:
    protocol = protocol_for("dynamodb", wire_json=True)
    request = json_request(
        "DynamoDB_20120810.PutItem", b'{"TableName":"t","Nope":1,"Expected":null,"Item":{"a":{"S":"x","Q":1,"N":null}}}'
    )
    operation = await protocol.operation_of(request)
    assert await protocol.parse(operation, request) == {"TableName": "t", "Item": {"a": {"S": "x"}}}


async def test_body_past_the_limit_is_413() -> None:
    error = await refusal("logs", json_request("Logs_20140328.PutLogEvents", b" " * (5 * 1024 * 1024)))
    assert error.status == 413


@pytest.mark.parametrize("target", ["", "PutItem", "DynamoDB_20120810.", "DynamoDB_20120810.Drop", "Other.PutItem"])
async def test_unknown_target_is_unknown_operation(target: str) -> None:
    error = await refusal("dynamodb", json_request(target, b"{}"))
    assert error.code == "UnknownOperationException"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (form(""), "MissingAction"),
        (form("Action=Nope&Version=2010-05-08"), "InvalidAction"),
        (form("Action=ListUsers&MaxItems=many"), "MalformedInput"),
        (form("Action=ListUsers&MaxItems=1&MaxItems.x=1&MaxItems=99999999999999999999"), "MalformedInput"),
        (form("Action=TagRole&RoleName=r&Tags.member.x.Key=a"), "MalformedInput"),
        (form("Action=TagRole&RoleName=r&Tags.member.-1.Key=a"), "MalformedInput"),
        (form("Action=TagRole&RoleName=r&Tags.member.1=a"), "ValidationError"),
        (form("Action=%ff"), "MalformedQueryString"),
        (form("&".join(["a=1"] * 10_001)), "MalformedQueryString"),
        (form("Action=GetRole"), "ValidationError"),
    ],
)
async def test_query_protocol_refuses(request_: Request, code: str) -> None:
    assert (await refusal("iam", request_)).code == code


async def test_a_form_with_an_index_in_the_billions_allocates_nothing() -> None:
    protocol = protocol_for("iam")
    request = form("Action=TagRole&RoleName=r&Tags.member.999999999.Key=a&Tags.member.999999999.Value=b")
    params = await protocol.parse(await protocol.operation_of(request), request)
    assert params["Tags"] == [{"Key": "a", "Value": "b"}]


BOMB = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><Delete><Object><Key>&c;</Key></Object></Delete>'


@pytest.mark.parametrize(
    "body",
    [BOMB, b"<Delete>", b"x", b"<Other/>", b"\xff<Delete/>", b"<a>" * 50_000, b"<Delete><Quiet>maybe</Quiet></Delete>"],
)
async def test_s3_refuses_malformed_xml(body: bytes) -> None:
    error = await refusal("s3", Request("POST", "/bucket", "delete", Headers(), BytesBody(body)))
    assert error.code == "MalformedXML"


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "code"),
    [
        ("GET", "/bucket/%ff", "", [], "InvalidURI"),
        ("GET", "/bucket", "prefix=%ff", [], "InvalidURI"),
        ("GET", "/bucket", "max-keys=lots", [], "InvalidArgument"),
        ("PUT", "/bucket/key", "", [("content-length", "-9223372036854775809")], "InvalidArgument"),
        ("PUT", "/bucket", "policy", [], "InvalidArgument"),
        ("POST", "/bucket", "", [], "MethodNotAllowed"),
        ("PATCH", "/bucket/key", "", [], "MethodNotAllowed"),
    ],
)
async def test_s3_refuses(method: str, path: str, query: str, headers: list[tuple[str, str]], code: str) -> None:
    assert (await refusal("s3", Request(method, path, query, Headers(headers), BytesBody(b"\xff")))).code == code


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name":5}', b'{"binaryMediaTypes":"x"}', b"[" * 5000, b"\xff"])
async def test_rest_json_refuses(body: bytes) -> None:
    error = await refusal("apigateway", Request("POST", "/restapis", "", Headers(), BytesBody(body)))
    assert error.code == "SerializationException"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["dynamodb", "cognito-idp", "iam", "s3", "lambda"]))
async def test_given_any_bytes_when_parsed_then_only_aws_errors_come_out(body: bytes, service: str) -> None:
    requests = {
        "dynamodb": json_request("DynamoDB_20120810.PutItem", body),
        "cognito-idp": json_request("AWSCognitoIdentityProviderService.SignUp", body),
        "iam": Request("POST", "/", "", Headers(), BytesBody(body)),
        "s3": Request("POST", "/bucket", "delete", Headers(), BytesBody(body)),
        "lambda": Request("POST", "/2015-03-31/functions", "", Headers(), BytesBody(body)),
    }
    protocol = protocol_for(service)
    status = 200
    try:
        await parsed(protocol, requests[service])
    except AwsError as error:
        status = protocol.serialise_error(error, None, "id", requests[service]).status
    assert 200 <= status < 500
