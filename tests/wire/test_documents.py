"""Answers and errors byte for byte, where clients other than botocore look at them."""

import orjson
import pytest

from stratus.wire.errors import AwsError
from stratus.wire.message import BytesBody, Headers, Request, Response
from stratus.wire.protocol import protocol_for

GET = Request("GET", "/bucket/key", "", Headers())


def header(response: Response, name: str) -> str | None:
    return next((value for key, value in response.headers if key.lower() == name.lower()), None)


def answer(service: str, operation: str, result: object) -> Response:
    protocol = protocol_for(service)
    return protocol.serialise(protocol.model.operation_model(operation), result, "id-1")  # type: ignore[arg-type] # any result is passed on


def error_of(service: str, error: AwsError, request: Request = GET) -> Response:
    return protocol_for(service).serialise_error(error, None, "id-1", request)


@pytest.mark.parametrize(("region", "inner"), [("eu-west-1", b">eu-west-1</"), ("us-east-1", b"></"), (None, b"></")])
def test_bucket_location_is_the_text_of_the_root_and_empty_for_us_east_1(region: str | None, inner: bytes) -> None:
    body = answer("s3", "GetBucketLocation", {"LocationConstraint": region}).body
    assert body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' + inner + b"LocationConstraint>"
    )


def test_s3_list_has_its_root_element_and_namespace_and_escapes_control_characters() -> None:
    response = answer("s3", "ListObjectsV2", {"Name": "b", "Contents": [{"Key": "a\x01<\r", "Size": 0}], "KeyCount": 1})
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        b"<Contents><Key>a&#x1;&lt;&#xd;</Key><Size>0</Size></Contents><Name>b</Name><KeyCount>1</KeyCount></ListBucketResult>"
    )
    assert header(response, "content-type") == "application/xml"
    assert header(response, "x-amz-request-id") == "id-1"
    assert header(response, "x-amz-id-2")


def test_s3_error_names_resource_request_and_host() -> None:
    response = error_of("s3", AwsError("NoSuchKey", "The specified key does not exist.", 404, members={"Key": "key"}))
    assert response.status == 404
    assert isinstance(response.body, bytes)
    assert response.body.startswith(
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        b"<Message>The specified key does not exist.</Message><Key>key</Key><Resource>/bucket/key</Resource>"
        b"<RequestId>id-1</RequestId><HostId>"
    )


def test_an_error_to_head_has_no_body() -> None:
    head = Request("HEAD", "/bucket/key", "", Headers())
    assert error_of("s3", AwsError("NoSuchKey", "no", 404), head).body == b""


def test_streamed_bodies_pass_through_with_their_headers() -> None:
    response = answer(
        "s3", "GetObject", {"Body": b"bytes", "ETag": '"e"', "Metadata": {"colour": "red"}, "ContentLength": 5}
    )
    assert response.body == b"bytes"
    assert header(response, "etag") == '"e"'
    assert header(response, "x-amz-meta-colour") == "red"


def test_a_value_that_a_client_chose_starts_no_header_of_its_own() -> None:
    chosen = {"ContentDisposition": "a\r\nset-cookie: b=c", "Metadata": {"x\ny": "1\r2"}}
    response = answer("s3", "GetObject", {"Body": b"", **chosen})
    assert header(response, "content-disposition") == "aset-cookie: b=c"
    assert header(response, "x-amz-meta-xy") == "12"


def test_response_metadata_overrides_status_and_headers() -> None:
    metadata = {"HTTPStatusCode": 206, "HTTPHeaders": {"Content-Type": "image/png"}}
    response = answer("s3", "GetObject", {"Body": b"", "ContentType": "text/html", "ResponseMetadata": metadata})
    assert response.status == 206
    assert header(response, "content-type") == "image/png"


def test_a_member_that_the_model_does_not_have_is_a_mistake_of_the_service() -> None:
    with pytest.raises(ValueError, match="has no member Nope"):
        answer("cognito-idp", "SignUp", {"Nope": 1})


@pytest.mark.parametrize(
    ("service", "code", "kind"),
    [
        ("dynamodb", "ResourceNotFoundException", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"),
        ("dynamodb", "ValidationException", "com.amazon.coral.validate#ValidationException"),
        ("dynamodb", "AccessDeniedException", "com.amazon.coral.service#AccessDeniedException"),
        ("cognito-idp", "NotAuthorizedException", "NotAuthorizedException"),
    ],
)
def test_json_errors_have_the_namespace_of_the_service(service: str, code: str, kind: str) -> None:
    response = error_of(service, AwsError(code, "why"))
    body = orjson.loads(response.body)
    assert body.pop("__type") == kind
    assert list(body.values()) == ["why"]
    assert response.status == 400
    assert header(response, "x-amzn-requestid") == "id-1"


def test_dynamodb_states_the_checksum_of_its_body() -> None:
    assert header(answer("dynamodb", "PutItem", {}), "x-amz-crc32") == "2745614147"  # of "{}", as DynamoDB sends it


def test_query_errors_use_the_code_of_the_wire_and_the_status_of_the_model() -> None:
    response = error_of("iam", AwsError("NoSuchEntityException", "The role <x> is not there."))
    assert response.status == 404
    assert response.body == (
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>'
        b"<Message>The role &lt;x&gt; is not there.</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
    )


def test_lambda_errors_have_their_type_in_header_and_body() -> None:
    response = error_of("lambda", AwsError("ResourceNotFoundException", "Function not found: f"))
    assert response.status == 404
    assert header(response, "x-amzn-errortype") == "ResourceNotFoundException"
    assert orjson.loads(response.body) == {"Type": "User", "Message": "Function not found: f"}


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "name"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("GET", "/b", "", {}, "ListObjects"),
        ("GET", "/b/", "list-type=2", {}, "ListObjectsV2"),
        ("GET", "/b", "list-type=1", {}, "ListObjects"),
        ("GET", "/b", "location", {}, "GetBucketLocation"),
        ("GET", "/b/k/", "", {}, "GetObject"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", {}, "UploadPart"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", {"x-amz-copy-source": "/b/o"}, "UploadPartCopy"),
        ("PUT", "/b/k", "", {"x-amz-copy-source": "/b/o"}, "CopyObject"),
        ("PUT", "/b/k", "x-id=PutObject", {}, "PutObject"),
        ("PUT", "/b/k", "tagging", {"x-amz-copy-source": "/b/o"}, "PutObjectTagging"),
        ("POST", "/b/k", "uploads=", {}, "CreateMultipartUpload"),
        ("POST", "/b/k", "uploadId=u", {}, "CompleteMultipartUpload"),
        ("DELETE", "/b/k", "versionId=v", {}, "DeleteObject"),
        ("PUT", "/b", "lifecycle", {}, "PutBucketLifecycleConfiguration"),
    ],
)
async def test_s3_operations_are_told_apart(
    method: str, path: str, query: str, headers: dict[str, str], name: str
) -> None:
    request = Request(method, path, query, Headers(headers.items()))
    assert (await protocol_for("s3").operation_of(request)).name == name


async def test_only_blobs_that_the_model_calls_streaming_are_left_unread() -> None:
    protocol = protocol_for("lambda")
    request = Request("POST", "/2015-03-31/functions/f/invocations", "", Headers(), BytesBody(b"{}"))
    params = await protocol.parse(await protocol.operation_of(request), request)
    assert params == {"FunctionName": "f", "Payload": b"{}"}


async def test_keys_are_decoded_once_and_keep_their_slashes() -> None:
    protocol = protocol_for("s3")
    request = Request("PUT", "/b/a%2Fb//%252e%2e/%E2%82%AC+", "", Headers(), BytesBody(b"x"))
    params = await protocol.parse(await protocol.operation_of(request), request)
    assert params["Key"] == "a/b//%2e./€+"
    assert params["Body"] is request.body
