"""The door through real clients: each service is found, believed callers pass, everybody else is refused in its words."""

import ssl
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.cloud_under_test import CloudUnderTest

FORGED = {
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}

CALLS = [
    ("sts", "get_caller_identity", {}),
    ("iam", "list_users", {}),
    ("s3", "list_buckets", {}),
    ("dynamodb", "list_tables", {}),
    ("cognito-idp", "list_user_pools", {"MaxResults": 1}),
    ("cognito-identity", "list_identity_pools", {"MaxResults": 1}),
    ("lambda", "list_functions", {}),
    ("logs", "describe_log_groups", {}),
    ("apigateway", "get_account", {}),
]


@pytest.mark.parametrize(("service", "operation", "params"), CALLS, ids=[call[0] for call in CALLS])
def test_the_administrator_is_served(
    cloud: CloudUnderTest, service: str, operation: str, params: dict[str, Any]
) -> None:
    answer = getattr(cloud.client(service), operation)(**params)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(("service", "operation", "params"), CALLS, ids=[call[0] for call in CALLS])
def test_a_well_known_key_is_nobody(
    cloud: CloudUnderTest, service: str, operation: str, params: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(cloud.client(service, FORGED), operation)(**params)
    assert refused.value.response["Error"]["Code"] in (
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
    )


@pytest.mark.parametrize(("service", "operation", "params"), CALLS, ids=[call[0] for call in CALLS])
def test_a_key_without_policies_may_do_nothing(
    cloud: CloudUnderTest, service: str, operation: str, params: dict[str, Any], nobody: dict[str, str]
) -> None:
    client = cloud.client(service, nobody)
    if service == "sts":
        assert getattr(client, operation)(**params)["Arn"].endswith("user/nobody")
        return
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**params)
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


@pytest.fixture(scope="module")
def nobody(cloud: CloudUnderTest) -> dict[str, str]:
    iam = cloud.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def test_a_service_that_is_not_ours_is_refused_by_name(cloud: CloudUnderTest) -> None:
    with pytest.raises(ClientError, match="kinesis"):
        cloud.client("kinesis").list_streams()


def test_an_operation_that_is_not_ours_is_refused_by_name(cloud: CloudUnderTest) -> None:
    with pytest.raises(ClientError, match="CreateGlobalTable"):
        cloud.client("dynamodb").create_global_table(GlobalTableName="global", ReplicationGroup=[])


def test_a_region_that_is_not_up_is_refused_by_name(cloud: CloudUnderTest) -> None:
    import boto3

    admin = cloud.cloud.administrator
    client = boto3.client(
        "dynamodb",
        endpoint_url=cloud.endpoint,
        region_name="mars-north-1",
        aws_access_key_id=admin.access_key_id,
        aws_secret_access_key=admin.secret_access_key,
    )
    with pytest.raises(ClientError, match="mars-north-1"):
        client.list_tables()


def test_https_is_served_under_our_authority(cloud: CloudUnderTest) -> None:
    answer = httpx.get(f"{cloud.secure_endpoint}/", verify=ssl.create_default_context(cafile=str(cloud.cloud.ca)))
    assert answer.status_code == 403
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{cloud.secure_endpoint}/")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-amz-target": "DynamoDB_20120810.GetItem"}, b"{}"),
        ({"x-amz-target": "DynamoDB_20120810.Nonsense"}, b"{}"),
        ({"x-amz-target": "DynamoDB_20120810"}, b"\xff\xfe"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"Action=Nonsense"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"\xff" * 100),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/nonsense/aws4_request"}, b""),
        ({"authorization": "AWS4-HMAC-SHA256"}, b""),
        ({"x-amz-target": "AWSCognitoIdentityProviderService.SignUp"}, b"[" * 5000 + b"]" * 5000),
        ({"x-amz-target": "AWSCognitoIdentityProviderService.SignUp"}, b'{"Username": 1}'),
    ],
)
def test_nonsense_gets_a_4xx_and_no_trace(cloud: CloudUnderTest, headers: dict[str, str], body: bytes) -> None:
    answer = httpx.post(f"{cloud.endpoint}/", headers=headers, content=body)
    assert 400 <= answer.status_code < 500 or answer.status_code == 501
    assert "Traceback" not in answer.text
    assert answer.headers.get("x-amzn-requestid") or answer.headers.get("x-amz-request-id")
