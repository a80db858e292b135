"""CreateFunction's and UpdateFunctionConfiguration's parameters: read, checked, and written back as AWS answers them.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
"""

import re
from typing import Any

from stratus.service import Params
from stratus.services.lambda_.code import invalid
from stratus.services.lambda_.environment import RESERVED
from stratus.services.lambda_.functions import Function
from stratus.wire.errors import AwsError, not_implemented

RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
MAX_ENVIRONMENT = 4096
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_ROLE = re.compile(r"arn:aws[a-zA-Z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
_HANDLER = re.compile(r"\S{1,128}")
_REFUSED = (
    "Layers",
    "VpcConfig",
    "FileSystemConfigs",
    "ImageConfig",
    "DeadLetterConfig",
    "KMSKeyArn",
    "CapacityProviderConfig",
    "DurableConfig",
    "TenancyConfig",
    "CodeSigningConfigArn",
)


def refuse_unknown(params: Params) -> None:
    """Refuses, by name, what Stratus does not do. An empty value asks for nothing."""
    for name in _REFUSED:
        value = params.get(name)
        if value and any(value.values() if isinstance(value, dict) else [value]):
            raise not_implemented("lambda", f"functions with {name}")
    if params.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise not_implemented("lambda", "functions with SnapStart")
    if params.get("PackageType", "Zip") != "Zip":
        raise not_implemented("lambda", "functions from container images")
    if params.get("Publish"):
        raise not_implemented("lambda", "versions and aliases (Publish)")


def read(params: Params) -> dict[str, Any]:
    """The fields of `Function` that the parameters set."""
    refuse_unknown(params)
    fields: dict[str, Any] = {}
    for name, field, check in _FIELDS:
        if name in params:
            fields[field] = check(params[name])
    return fields


def answer(function: Function) -> dict[str, Any]:
    """FunctionConfiguration, as the API answers it."""
    shown: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code_size,
        "CodeSha256": function.code_sha256,
        "Description": function.description,
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "LastModified": function.last_modified,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": function.tracing},
        "RevisionId": function.revision,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": list(function.architectures),
        "EphemeralStorage": {"Size": function.ephemeral},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": function.log_group, **function.logging},
    }
    if function.environment:
        shown["Environment"] = {"Variables": function.environment}
    return shown


def _role(value: str) -> str:
    if not _ROLE.fullmatch(value):
        raise _violation("role", value, r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
    return value


def _runtime(value: str) -> str:
    if value not in RUNTIMES:
        raise not_implemented("lambda", f"the runtime {value}: it runs {', '.join(RUNTIMES)}")
    return value


def _handler(value: str) -> str:
    if not _HANDLER.fullmatch(value):
        raise _violation("handler", value, r"[^\s]+")
    return value


def _between(name: str, low: int, high: int) -> Any:
    def check(value: int) -> int:
        if not low <= value <= high:
            side = f"less than or equal to {high}" if value > high else f"greater than or equal to {low}"
            raise AwsError(
                "ValidationException",
                f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
                f"Member must have value {side}",
            )
        return value

    return check


def _environment(value: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = value.get("Variables") or {}
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            raise _violation("environment.variables", name, "[a-zA-Z]([a-zA-Z0-9_])+")
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    if sum(len(name) + len(text.encode()) for name, text in variables.items()) > MAX_ENVIRONMENT:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit."
        )
    if any("\0" in text for text in variables.values()):
        raise invalid("An environment variable holds a NUL character.")
    return variables


def _architectures(value: list[str]) -> tuple[str, ...]:
    if len(value) != 1 or value[0] not in ("x86_64", "arm64"):
        raise _violation("architectures", str(value), "[x86_64, arm64]")
    return tuple(value)


def _logging(value: dict[str, str]) -> dict[str, str]:
    return {
        key: value[key] for key in ("LogFormat", "ApplicationLogLevel", "SystemLogLevel", "LogGroup") if key in value
    }


def _violation(member: str, value: str, pattern: str) -> AwsError:
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value '{value[:256]}' at '{member}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {pattern}",
    )


_FIELDS: tuple[tuple[str, str, Any], ...] = (
    ("Role", "role", _role),
    ("Runtime", "runtime", _runtime),
    ("Handler", "handler", _handler),
    ("Description", "description", str),
    ("Timeout", "timeout", _between("timeout", 1, 900)),
    ("MemorySize", "memory", _between("memorySize", 128, 10240)),
    ("Environment", "environment", _environment),
    ("Architectures", "architectures", _architectures),
    ("EphemeralStorage", "ephemeral", lambda value: _between("ephemeralStorage.size", 512, 10240)(value["Size"])),
    ("LoggingConfig", "logging", _logging),
    ("TracingConfig", "tracing", lambda value: str(value.get("Mode", "PassThrough"))),
)
