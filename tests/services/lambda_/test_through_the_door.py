"""Lambda as its clients meet it: boto3, the real door, real roles and policies, real logs."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import orjson
import pytest

from tests.cloud_under_test import CloudUnderTest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}

SOURCE = """
import boto3, botocore.config, botocore.exceptions
ONCE = botocore.config.Config(retries={'total_max_attempts': 1}, connect_timeout=5, read_timeout=5)

def attempt(service, operation, params, keys):
    client = boto3.client(service, config=ONCE, **keys)
    try:
        answer = getattr(client, operation)(**params)
    except botocore.exceptions.ClientError as error:
        return error.response['Error']['Code']
    answer.pop('ResponseMetadata')
    return {name: value for name, value in answer.items() if isinstance(value, str)}

def handler(event, context):
    print('called with', len(event))
    return [attempt(*each) for each in event]
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudUnderTest]:
    running = CloudUnderTest(tmp_path_factory.mktemp("cloud")).start()
    yield running
    running.stop()


def make_role(aws: CloudUnderTest, name: str, *statements: dict[str, Any], trust: dict[str, Any] = TRUST) -> str:
    iam = aws.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def make_function(aws: CloudUnderTest, name: str, role: str, source: str) -> Any:
    client = aws.client("lambda")
    client.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="app.handler",
        Timeout=20,
        Code={"ZipFile": _zip(source)},
    )
    return client


def test_a_function_reaches_what_its_role_allows_and_nothing_else(aws: CloudUnderTest) -> None:
    # GIVEN a function whose role allows to write logs and nothing else, and a mightier role beside it
    role = make_role(aws, "meek", LOGS)
    mighty = make_role(aws, "mighty", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    client = make_function(aws, "meek", role, SOURCE)
    forged = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "aws_session_token": "test"}
    # WHEN it tries the door as itself, as others, and as nobody known
    event = [
        ["sts", "get_caller_identity", {}, {}],
        ["lambda", "list_functions", {}, {}],
        ["dynamodb", "list_tables", {}, {}],
        ["sts", "assume_role", {"RoleArn": mighty, "RoleSessionName": "stolen"}, {}],
        ["iam", "put_role_policy", {"RoleName": "meek", "PolicyName": "p", "PolicyDocument": "{}"}, {}],
        ["sts", "get_caller_identity", {}, forged],
        ["lambda", "update_function_configuration", {"FunctionName": "meek", "Role": mighty}, {}],
    ]
    answer = client.invoke(FunctionName="meek", Payload=orjson.dumps(event))
    # THEN it is its role, and every other attempt is refused
    results = orjson.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, results
    assert results[0]["Arn"].endswith(":assumed-role/meek/meek")
    assert results[1:5] == ["AccessDeniedException", "AccessDeniedException", "AccessDenied", "AccessDenied"]
    assert results[5] in ("InvalidClientTokenId", "UnrecognizedClientException")
    assert results[6] == "AccessDeniedException"


def test_its_log_is_found(aws: CloudUnderTest) -> None:
    client = make_function(aws, "talker", make_role(aws, "talker", LOGS), SOURCE)
    client.invoke(FunctionName="talker", Payload=b"[]")
    aws.run(aws.cloud.service("lambda").invoker.logs.flush())  # type: ignore[attr-defined]  # Lambda's own
    found = aws.client("logs").filter_log_events(logGroupName="/aws/lambda/talker", filterPattern='"called with"')
    assert [event["message"] for event in found["events"]] == ["called with 0"]


def test_a_trust_policy_that_does_not_name_lambda(aws: CloudUnderTest) -> None:
    trust = orjson.loads(orjson.dumps(TRUST).replace(b"lambda.amazonaws.com", b"ec2.amazonaws.com"))
    role = make_role(aws, "untrusting", LOGS, trust=trust)
    with pytest.raises(botocore.exceptions.ClientError, match="cannot be assumed by Lambda"):
        make_function(aws, "nobody", role, SOURCE)


def test_errors_reach_boto3_in_their_shapes(aws: CloudUnderTest) -> None:
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody")
    make_function(aws, "r", make_role(aws, "r", LOGS), "def handler(e, c): return 1")
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke(FunctionName="r", Payload=b"{")
    client.put_function_concurrency(FunctionName="r", ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as throttled:
        client.invoke(FunctionName="r")
    assert throttled.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    for refused in (
        lambda: client.create_event_source_mapping(
            FunctionName="r", EventSourceArn="arn:aws:sqs:eu-central-1:123456789012:q"
        ),
        lambda: client.create_function_url_config(FunctionName="r", AuthType="NONE"),
        lambda: client.publish_version(FunctionName="r"),
    ):
        with pytest.raises(botocore.exceptions.ClientError) as unknown:
            refused()
        assert unknown.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def _zip(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", source)
    return buffer.getvalue()
