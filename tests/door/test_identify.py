"""Service, region and bucket, as each kind of client says them."""

import pytest

from stratus.door.identify import Addressed, identify
from stratus.wire.message import Headers, Request

SCOPE = "AWS4-HMAC-SHA256 Credential=AK/20260101/{}/aws4_request, SignedHeaders=host, Signature=0"
PRESIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20260101%2Feu-west-1%2Fs3%2Faws4_request"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def request(target: str, headers: dict[str, str] | None = None, *, host: str = "localhost:4566") -> Request:
    method, _, url = target.partition(" ")
    path, _, query = url.partition("?")
    return Request(method, path, query, Headers({"host": host, **(headers or {})}.items()))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (request("POST /", {"x-amz-target": "DynamoDB_20120810.GetItem"}), Addressed("dynamodb")),
        (
            request(
                "POST /",
                {
                    "x-amz-target": "DynamoDBStreams_20120810.GetRecords",
                    "authorization": SCOPE.format("us-east-1/dynamodb"),
                },
            ),
            Addressed("dynamodbstreams", "us-east-1"),
        ),
        (
            request("POST /", {"x-amz-target": "AWSCognitoIdentityProviderService.SignUp"}),
            Addressed("cognito-idp"),
        ),
        (
            request("OPTIONS /", {"access-control-request-headers": "content-type,X-Amz-Target"}),
            Addressed("cognito-idp"),
        ),
        (request("OPTIONS /", {"access-control-request-headers": "amz-sdk-request"}), Addressed("sts")),
        (request("OPTIONS /", host="b.s3.localhost:4566"), Addressed("s3", None, "b")),
        (request("OPTIONS /bucket/key"), Addressed("s3")),
        (
            request("PUT /bucket/key", {"authorization": SCOPE.format("eu-west-1/s3")}),
            Addressed("s3", "eu-west-1"),
        ),
        (
            request("GET /2015-03-31/functions/", {"authorization": SCOPE.format("eu-west-1/lambda")}),
            Addressed("lambda", "eu-west-1"),
        ),
        (request(f"GET /b/k?{PRESIGNED}"), Addressed("s3", "eu-west-1")),
        (
            request("GET /k", host="my.bucket.s3.eu-west-1.amazonaws.com"),
            Addressed("s3", "eu-west-1", "my.bucket"),
        ),
        (request("GET /k", host="b.s3.localhost:4566"), Addressed("s3", None, "b")),
        (request("GET /s3-b/k", host="s3.eu-west-1.amazonaws.com"), Addressed("s3", "eu-west-1")),
        (request("POST /", FORM, host="sts.eu-west-1.amazonaws.com"), Addressed("sts", "eu-west-1")),
        (request("POST /", FORM), Addressed("sts")),
        (
            request("GET /?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
            Addressed("sts"),
        ),
        (
            request("GET /eu-west-1_Abc/.well-known/jwks.json"),
            Addressed("cognito-idp", "eu-west-1"),
        ),
        (request("GET /some-bucket/some-key"), Addressed("s3")),
        (request("GET /", {"authorization": "Bearer nonsense"}), Addressed("s3")),
    ],
)
def test_the_service_is_found_where_the_client_says_it(given: Request, expected: Addressed) -> None:
    assert identify(given) == expected
