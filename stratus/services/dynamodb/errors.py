"""DynamoDB's errors, in AWS's words.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html and the error lists of each action.
"""

from typing import Any

from stratus.wire.errors import AwsError

MISMATCHED_KEY = "The provided key element does not match the schema"


class SchemaMismatch(AwsError):  # noqa: N818 - named for what happened
    """A well-formed request that does not fit its table. A transaction tells it as the reason of its cancellation."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def invalid_parameter(reason: str) -> AwsError:
    return validation(f"One or more parameter values were invalid: {reason}")


def unfit_parameter(reason: str) -> AwsError:
    return SchemaMismatch(f"One or more parameter values were invalid: {reason}")


def serialization(message: str) -> AwsError:
    return AwsError("SerializationException", message)


def table_not_found(name: str | None = None) -> AwsError:
    """Control-plane operations name the table, item operations do not."""
    detail = "" if name is None else f": Table: {name} not found"
    return AwsError("ResourceNotFoundException", f"Requested resource not found{detail}")


def table_in_use(message: str) -> AwsError:
    return AwsError("ResourceInUseException", message)


def conditional_check_failed(item: dict[str, Any] | None) -> AwsError:
    members = {} if item is None else {"Item": item}
    return AwsError("ConditionalCheckFailedException", "The conditional request failed", members=members)
