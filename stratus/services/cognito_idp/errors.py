"""What Amazon Cognito user pools answer when something is not right, in its own words."""

from stratus.wire.errors import AwsError


def invalid_parameter(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def not_authorized(message: str) -> AwsError:
    return AwsError("NotAuthorizedException", message)


def wrong_password() -> AwsError:
    return not_authorized("Incorrect username or password.")


def user_not_found(message: str = "User does not exist.") -> AwsError:
    return AwsError("UserNotFoundException", message)


def code_mismatch(message: str = "Invalid verification code provided, please try again.") -> AwsError:
    return AwsError("CodeMismatchException", message)


def expired_code() -> AwsError:
    return AwsError("ExpiredCodeException", "Invalid code provided, please request a code again.")


def limit_exceeded() -> AwsError:
    return AwsError("LimitExceededException", "Attempt limit exceeded, please try after some time.")


def invalid_session() -> AwsError:
    return not_authorized("Invalid session for the user.")


def not_implemented(what: str) -> AwsError:
    """What Stratus does not do is refused by name."""
    return AwsError("NotImplemented", f"Stratus does not implement {what} of Amazon Cognito user pools.", 501)
