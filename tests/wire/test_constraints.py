"""AWS's common form of validation errors, from the constraints in the models."""

import pytest

from stratus.wire.constraints import Constraints
from stratus.wire.errors import AwsError
from stratus.wire.model import service_model


def complaint(service: str, operation: str, params: dict[str, object]) -> AwsError:
    shape = service_model(service).operation_model(operation).input_shape
    assert shape is not None
    with pytest.raises(AwsError) as caught:
        Constraints(service).validator(shape)(params)
    return caught.value


def test_missing_member_must_not_be_null() -> None:
    error = complaint("iam", "GetRole", {})
    assert error.code == "ValidationError"
    assert error.message == (
        "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null"
    )


def test_each_mistake_is_named_and_secrets_are_not() -> None:
    error = complaint("cognito-idp", "SignUp", {"ClientId": "no!", "Username": "", "Password": "\t"})
    assert error.code == "InvalidParameterException"
    assert error.message.startswith("3 validation errors detected: ")
    assert "Value at 'password' failed to satisfy constraint" in error.message
    assert "\t" not in error.message


def test_enumerations_lengths_and_inner_members_have_their_place() -> None:
    assert "'tags.1.member.value'" in complaint("iam", "TagRole", {"RoleName": "r", "Tags": [{"Key": "a"}]}).message
    assert "length less than or equal to 128" in complaint("iam", "GetUser", {"UserName": "x" * 300}).message
    assert "enum value set" in complaint("lambda", "Invoke", {"FunctionName": "f", "InvocationType": "Maybe"}).message


def test_a_long_value_is_shown_by_its_start() -> None:
    assert len(complaint("iam", "GetUser", {"UserName": "x" * 1_000_000}).message) < 500


def test_at_most_ten_errors_are_told() -> None:
    tags = [{"Value": "x"} for _ in range(40)]
    assert complaint("iam", "TagRole", {"RoleName": "r", "Tags": tags}).message.startswith("10 validation errors")
