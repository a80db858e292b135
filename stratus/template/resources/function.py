"""AWS::Lambda::Function."""

from typing import Any

from stratus.template.local_files import CODE_DIRECTORY
from stratus.template.resource import Made, Properties, ResourceType, Site, changed, picked

_CONFIGURATION = (
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
)
# What UpdateFunctionConfiguration must be told to go back to Lambda's own default.
_DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "LoggingConfig": {},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}


class Function(ResourceType):
    type = "AWS::Lambda::Function"
    name_property = "FunctionName"

    async def exists(self, site: Site, name: str) -> bool:
        return await site.call_if_there("lambda", "GetFunctionConfiguration", FunctionName=name) is not None

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        answer = await site.call(
            "lambda",
            "CreateFunction",
            FunctionName=name,
            Code=_code(properties),
            Architectures=properties.get("Architectures"),
            **picked(properties, _CONFIGURATION),
        )
        await _reserve(site, name, None, properties.get("ReservedConcurrentExecutions"))
        return Made(name, {"Arn": answer["FunctionArn"]})

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        different = changed(old, new)
        if different & {"Code", "Architectures"}:
            await site.call(
                "lambda",
                "UpdateFunctionCode",
                FunctionName=physical_id,
                Architectures=new.get("Architectures"),
                **_code(new),
            )
        if configuration := different & set(_CONFIGURATION):
            wanted = {name: new.get(name, _DEFAULTS.get(name)) for name in configuration}
            await site.call("lambda", "UpdateFunctionConfiguration", FunctionName=physical_id, **wanted)
        await _reserve(
            site, physical_id, old.get("ReservedConcurrentExecutions"), new.get("ReservedConcurrentExecutions")
        )
        return Made(physical_id, {"Arn": site.arn("lambda", f"function:{physical_id}")})

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("lambda", "DeleteFunction", FunctionName=physical_id)


def _code(properties: Properties) -> dict[str, Any]:
    code = properties["Code"]
    if "ZipFile" in code:
        return {"ZipFile": _zipped(code["ZipFile"], properties.get("Runtime", ""))}
    if code.get("S3Bucket") == CODE_DIRECTORY:
        # What no API of AWS has: our Lambda takes it from inside the process alone, and reloads when the code changes.
        return {"LocalDirectory": code["S3Key"]}
    return picked(code, ("S3Bucket", "S3Key", "S3ObjectVersion"))


def _zipped(text: str, runtime: str) -> bytes:
    """Inline code, in the file that CloudFormation puts it in."""
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.js" if runtime.startswith("nodejs") else "index.py"), text)
    return packed.getvalue()


async def _reserve(site: Site, name: str, before: int | None, after: int | None) -> None:
    if after is not None and after != before:
        await site.call("lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=after)
    elif after is None and before is not None:
        await site.call("lambda", "DeleteFunctionConcurrency", FunctionName=name)
