"""CORS: preflight requests and the headers of answers."""

import pytest

from stratus.services.s3 import cors
from stratus.wire.errors import AwsError
from stratus.wire.message import Headers, Request

from .conftest import code_of

RULES = [
    {"AllowedMethods": ["PUT", "DELETE"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-amz-*", "Content-Type"],
     "MaxAgeSeconds": 60, "ExposeHeaders": ["ETag"]},
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
]  # fmt: skip


def options(bucket="shelf", **headers):
    return Request(
        "OPTIONS", f"/{bucket}/k", "", Headers((name.replace("_", "-"), value) for name, value in headers.items())
    )


@pytest.fixture
async def open_bucket(s3, bucket):
    await s3("PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    return s3.service


async def test_a_preflight_that_is_allowed(open_bucket):
    response = await open_bucket.http(
        options(
            origin="https://a.example.com",
            access_control_request_method="PUT",
            access_control_request_headers="X-Amz-Date, content-type",
        ),
    )
    assert response.status == 200
    assert dict(response.headers) == {
        "access-control-allow-origin": "https://a.example.com",
        "access-control-allow-methods": "PUT, DELETE",
        "access-control-allow-headers": "x-amz-date, content-type",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "ETag",
        "access-control-max-age": "60",
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }


@pytest.mark.parametrize(
    ("bucket_name", "headers", "code"),
    [
        ("shelf", {}, "BadRequest"),
        ("shelf", {"origin": "https://a.example.com"}, "BadRequest"),
        ("shelf", {"origin": "https://a.example.com", "access_control_request_method": "PATCH"}, "BadRequest"),
        ("shelf", {"origin": "https://a.example.com", "access_control_request_method": "POST"}, "AccessForbidden"),
        ("shelf", {"origin": "https://evil.com", "access_control_request_method": "PUT"}, "AccessForbidden"),
        (
            "shelf",
            {"origin": "https://example.com.evil.com", "access_control_request_method": "PUT"},
            "AccessForbidden",
        ),
        (
            "shelf",
            {"origin": "https://x", "access_control_request_method": "GET", "access_control_request_headers": "x"},
            "AccessForbidden",
        ),
        ("other", {"origin": "https://a.example.com", "access_control_request_method": "GET"}, "AccessForbidden"),
    ],
)
async def test_preflights_that_are_not(open_bucket, bucket_name, headers, code):
    with pytest.raises(AwsError) as refused:
        await open_bucket.http(options(bucket_name, **headers))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("method", "origin", "allowed"),
    [
        ("GET", "https://anywhere", "*"),
        ("PUT", "https://b.example.com", "https://b.example.com"),
        ("PUT", "https://b", None),
        ("GET", None, None),
    ],
)
async def test_answers_say_who_may_read_them(open_bucket, method, origin, allowed):
    request = Request(method, "/shelf/k", "", Headers([("origin", origin)] if origin else []))
    assert dict(open_bucket.answer_headers(request)).get("access-control-allow-origin") == allowed


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*.*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*-*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["*"]}, "InvalidRequest"),
        ({"AllowedMethods": ["GET"]}, "MalformedXML"),
        ({}, "MalformedXML"),
    ],
)
async def test_rules_that_are_refused(s3, bucket, rule, code):
    assert await code_of(s3("PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})) == code


def test_there_are_at_most_a_hundred_rules():
    with pytest.raises(AwsError):
        cors.check({"CORSRules": [RULES[1]] * 101})
