"""What Amazon Cognito identity pools answer when something is not right, in their own words."""

from stratus.wire.errors import AwsError


def invalid_parameter(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def not_authorized(message: str) -> AwsError:
    return AwsError("NotAuthorizedException", message)


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message)


def no_usable_role() -> AwsError:
    return AwsError(
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )


def not_implemented(what: str) -> AwsError:
    """What Stratus does not do is refused by name."""
    return AwsError("NotImplemented", f"Stratus does not implement {what} of Amazon Cognito identity pools.", 501)
