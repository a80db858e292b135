"""The names by which a function is called: its name, a partial ARN or its ARN, with or without a qualifier."""

import re
from dataclasses import dataclass

from stratus.wire.errors import AwsError, not_implemented

_REFERENCE = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    name: str
    qualifier: str | None


def parse(text: str, qualifier: str | None = None) -> Reference:
    """Reads a FunctionName and the Qualifier beside it. Raises AwsError for what is no function's name."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{text[:256]}' at 'functionName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))"
            r"?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
        )
    inner = found["qualifier"]
    if inner and qualifier and inner != qualifier:
        raise AwsError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return Reference(found["name"], qualifier or inner)


def latest(reference: Reference) -> str:
    """The function's name, where only $LATEST is known. Versions and aliases are refused by name."""
    if reference.qualifier not in (None, "$LATEST"):
        raise not_implemented("lambda", f"versions and aliases (qualifier {reference.qualifier})")
    return reference.name


def function_arn(region: str, account: str, name: str, qualifier: str | None = None) -> str:
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn
