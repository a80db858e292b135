"""What a template says is judged by the API's model before the service sees it."""

from typing import Any

import pytest

from stratus.door.validated import ValidatedCaller
from stratus.iam.principal import ANONYMOUS
from stratus.wire.errors import AwsError


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    async def call(self, principal: Any, region: str, service: str, operation: str, params: Any, **more: Any) -> Any:
        self.calls.append((service, operation))
        return {}


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "words"),
    [
        ("logs", "PutRetentionPolicy", {"retentionInDays": 7}, "InvalidParameterException", "'logGroupName'"),
        ("logs", "CreateLogGroup", {"logGroupName": "a b"}, "InvalidParameterException", "pattern"),
        (
            "cognito-idp",
            "CreateUserPool",
            {"PoolName": "p", "MfaConfiguration": "MAYBE"},
            "InvalidParameterException",
            "enum value set",
        ),
        (
            "lambda",
            "UpdateFunctionConfiguration",
            {"FunctionName": "f", "Timeout": 0},
            "ValidationException",
            "greater than or equal to 1",
        ),
        ("iam", "GetRole", {"RoleName": "r" * 65}, "ValidationError", "length less than or equal to 64"),
    ],
)
async def test_given_a_value_that_the_model_does_not_allow_then_the_service_is_not_called(
    service: str, operation: str, params: dict[str, Any], code: str, words: str
) -> None:
    recorder = Recorder()
    with pytest.raises(AwsError, match=words) as refused:
        await ValidatedCaller(recorder).call(ANONYMOUS, "eu-central-1", service, operation, params)
    assert refused.value.code == code
    assert recorder.calls == []


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("logs", "CreateLogGroup", {"logGroupName": "/aws/lambda/f"}),
        ("apigateway", "GetAccount", {}),
        ("s3", "CreateBucket", {"Bucket": "x"}),
        ("dynamodb", "CreateTable", {"TableName": "x"}),
    ],
)
async def test_given_a_value_that_it_allows_or_a_service_that_checks_itself_then_it_is_called(
    service: str, operation: str, params: dict[str, Any]
) -> None:
    recorder = Recorder()
    await ValidatedCaller(recorder).call(ANONYMOUS, "eu-central-1", service, operation, params)
    assert recorder.calls == [(service, operation)]
