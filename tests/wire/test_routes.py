"""Which REST operation a request is meant for, where several share a path."""

import pytest

from stratus.wire.errors import AwsError
from stratus.wire.message import BytesBody, Headers, Request
from stratus.wire.protocol import protocol_for


def s3(target: str, **headers: str) -> Request:
    method, _, url = target.partition(" ")
    path, _, query = url.partition("?")
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, path, query, Headers(fields), BytesBody(b""))


@pytest.mark.parametrize(
    ("request_", "operation"),
    [
        (s3("PUT /b/k"), "PutObject"),
        (s3("PUT /b/k?x-id=PutObject"), "PutObject"),
        (s3("PUT /b/k", x_amz_copy_source="/b/other"), "CopyObject"),
        (s3("PUT /b/k?partNumber=1&uploadId=u"), "UploadPart"),
        (s3("PUT /b/k?uploadId=u"), "UploadPart"),
        (s3("PUT /b/k?partNumber=1"), "UploadPart"),
        (s3("PUT /b/k?partNumber=1&uploadId=u", x_amz_copy_source="/b/other"), "UploadPartCopy"),
        (s3("PUT /b/k?uploadId=u", x_amz_copy_source="/b/other"), "UploadPartCopy"),
        (s3("GET /b/k"), "GetObject"),
        (s3("GET /b/k?partNumber=1"), "GetObject"),
        (s3("GET /b/k?uploadId=u"), "ListParts"),
        (s3("GET /b/k?attributes", x_amz_object_attributes="ETag"), "GetObjectAttributes"),
        (s3("GET /b/k?attributes"), "GetObjectAttributes"),
        (s3("DELETE /b/k"), "DeleteObject"),
        (s3("DELETE /b/k?uploadId=u"), "AbortMultipartUpload"),
        (s3("POST /b/k?uploads"), "CreateMultipartUpload"),
        (s3("POST /b/k?uploadId=u"), "CompleteMultipartUpload"),
        (s3("GET /b?list-type=2"), "ListObjectsV2"),
        (s3("GET /b"), "ListObjects"),
    ],
    ids=lambda given: given if isinstance(given, str) else f"{given.method} {given.path}?{given.query}",
)
async def test_an_object_operation_is_found(request_: Request, operation: str) -> None:
    assert (await protocol_for("s3").operation_of(request_)).name == operation


@pytest.mark.parametrize(
    ("query", "missing"), [("uploadId=u", "partNumber"), ("partNumber=1", "uploadId"), ("uploadId", "partNumber")]
)
async def test_given_half_of_what_names_a_part_then_the_other_half_is_missed_and_no_object_written(
    query: str, missing: str
) -> None:
    protocol, request = protocol_for("s3"), s3(f"PUT /b/k?{query}")
    with pytest.raises(AwsError) as refused:
        await protocol.parse(await protocol.operation_of(request), request)
    assert (refused.value.code, refused.value.members) == ("InvalidArgument", {"ArgumentName": missing})


@pytest.mark.parametrize(("path", "key"), [("a+b", "a+b"), ("a%2Bb", "a+b"), ("a%20b", "a b"), ("a%2Fb", "a/b")])
async def test_given_a_plus_in_a_path_then_it_is_a_plus(path: str, key: str) -> None:
    protocol, request = protocol_for("s3"), s3(f"GET /b/{path}")
    assert (await protocol.parse(await protocol.operation_of(request), request))["Key"] == key
