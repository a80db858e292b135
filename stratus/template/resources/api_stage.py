"""AWS::ApiGateway::Stage. Ref gives its name.

Settings of methods and access logs are patches: https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch
"""

from collections.abc import Mapping
from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site

_METHOD_SETTINGS = {
    "CacheDataEncrypted": "caching/dataEncrypted",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CachingEnabled": "caching/enabled",
    "DataTraceEnabled": "logging/dataTrace",
    "LoggingLevel": "logging/loglevel",
    "MetricsEnabled": "metrics/enabled",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
}


class ApiStage(ResourceType):
    type = "AWS::ApiGateway::Stage"
    name_property = "StageName"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        await site.call(
            "apigateway",
            "CreateStage",
            restApiId=properties["RestApiId"],
            stageName=name,
            deploymentId=properties.get("DeploymentId"),
            description=properties.get("Description"),
            variables=properties.get("Variables"),
        )
        await _patch(site, name, properties, _settings({}), _settings(properties))
        return Made(name)

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        await _patch(site, physical_id, new, _settings(old) | _plain(old), _settings(new) | _plain(new))
        return Made(physical_id)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("apigateway", "DeleteStage", restApiId=properties["RestApiId"], stageName=physical_id)


async def _patch(
    site: Site, name: str, properties: Properties, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    if operations := [*_removals(before, after), *_replacements(before, after)]:
        await site.call(
            "apigateway", "UpdateStage", restApiId=properties["RestApiId"], stageName=name, patchOperations=operations
        )


def _removals(before: Mapping[str, str], after: Mapping[str, str]) -> list[dict[str, str]]:
    gone = {_removable(path) for path in before.keys() - after.keys()}
    return [{"op": "remove", "path": path} for path in sorted(gone)]


def _replacements(before: Mapping[str, str], after: Mapping[str, str]) -> list[dict[str, str]]:
    """What differs, and what was removed together with its neighbours."""
    removed = {_removable(path) for path in before.keys() - after.keys()}
    needed = [path for path in after if before.get(path) != after[path] or _removable(path) in removed]
    return [{"op": "replace", "path": path, "value": after[path]} for path in sorted(needed)]


def _removable(path: str) -> str:
    """The path by which a setting can be removed: access logs and a method's settings go as a whole."""
    first, *rest = path[1:].split("/")
    if first == "accessLogSettings":
        return "/accessLogSettings"
    return path if first == "variables" or not rest else f"/{first}/{rest[0]}"


def _plain(properties: Properties) -> dict[str, str]:
    """What CreateStage takes by itself, as patches."""
    found = {f"/variables/{name}": str(value) for name, value in properties.get("Variables", {}).items()}
    for name, path in (("DeploymentId", "/deploymentId"), ("Description", "/description")):
        found[path] = properties.get(name, "")
    return found


def _settings(properties: Properties) -> dict[str, str]:
    """Access logs and method settings, as patches."""
    found: dict[str, str] = {}
    log = properties.get("AccessLogSetting", {})
    for name, member in (("DestinationArn", "destinationArn"), ("Format", "format")):
        if name in log:
            found[f"/accessLogSettings/{member}"] = log[name]
    for setting in properties.get("MethodSettings", []):
        method = f"{_escaped(setting.get('ResourcePath', '/*'))}/{setting.get('HttpMethod', '*')}"
        for name, member in _METHOD_SETTINGS.items():
            if name in setting:
                found[f"/{method}/{member}"] = _text(setting[name])
    return found


def _escaped(resource_path: str) -> str:
    """A resource's path inside a patch path: `/a/b` is `~1a~1b`, `/*` (every resource) is `*`."""
    return "*" if resource_path == "/*" else resource_path.replace("/", "~1")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
