"""AWS::ApiGateway::RestApi."""

import json
from typing import Any

from stratus.addresses import NoPortLeft
from stratus.template.resource import Made, Properties, ResourceType, Site, changed
from stratus.template.resources.role import policy_text
from stratus.wire.errors import AwsError

_MEMBERS = {
    "ApiKeySourceType": "apiKeySource",
    "BinaryMediaTypes": "binaryMediaTypes",
    "Description": "description",
    "DisableExecuteApiEndpoint": "disableExecuteApiEndpoint",
    "MinimumCompressionSize": "minimumCompressionSize",
    "Version": "version",
}


class RestApi(ResourceType):
    type = "AWS::ApiGateway::RestApi"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        wanted = {api: properties[name] for name, api in _MEMBERS.items() if name in properties}
        if endpoint := properties.get("EndpointConfiguration"):
            wanted["endpointConfiguration"] = {"types": endpoint.get("Types", ["EDGE"])}
        if policy := properties.get("Policy"):
            wanted["policy"] = policy_text(policy)
        api = await site.call("apigateway", "CreateRestApi", name=_name(site, properties), **wanted)
        try:
            if "Body" in properties:
                await _put_body(site, api["id"], properties)
            return await _made(site, api["id"])
        except AwsError:
            # Only this function knows the identifier that the service chose.
            await self.delete(site, api["id"], properties)
            raise

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        if new.keys() & {"Body"} and changed(old, new) & {"Body", "Mode", "Parameters", "FailOnWarnings"}:
            await _put_body(site, physical_id, new)
        if "BinaryMediaTypes" in changed(old, new):
            # When a change is taken back, only a part of it may have been done: what counts is what the API has.
            api = await site.call("apigateway", "GetRestApi", restApiId=physical_id)
            old = {**old, "BinaryMediaTypes": api.get("binaryMediaTypes") or []}
        if operations := _patches(site, old, new):
            await site.call("apigateway", "UpdateRestApi", restApiId=physical_id, patchOperations=operations)
        return await _made(site, physical_id)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("apigateway", "DeleteRestApi", restApiId=physical_id)
        site.addresses.release("execute-api", site.region, physical_id)


def _name(site: Site, properties: Properties) -> str:
    title = properties.get("Body", {}).get("info", {}).get("title")
    return str(properties.get("Name") or title or site.stack)


async def _put_body(site: Site, api_id: str, properties: Properties) -> None:
    await site.call(
        "apigateway",
        "PutRestApi",
        restApiId=api_id,
        mode=properties.get("Mode", "overwrite"),
        failOnWarnings=properties.get("FailOnWarnings"),
        parameters=properties.get("Parameters"),
        body=json.dumps(properties["Body"]).encode(),
    )


async def _made(site: Site, api_id: str) -> Made:
    try:
        site.addresses.port_of("execute-api", site.region, api_id)
    except NoPortLeft as error:
        raise AwsError("LimitExceededException", str(error), 429) from error
    api = await site.call("apigateway", "GetRestApi", restApiId=api_id)
    return Made(api_id, {"RestApiId": api_id, "RootResourceId": api["rootResourceId"]})


def _patches(site: Site, old: Properties, new: Properties) -> list[dict[str, Any]]:
    """Patches of what is not in the body: https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateRestApi-Patch"""
    operations = []
    if _name(site, old) != _name(site, new):
        operations.append({"op": "replace", "path": "/name", "value": _name(site, new)})
    if old.get("Policy") != new.get("Policy"):
        text = policy_text(new["Policy"]) if "Policy" in new else ""
        operations.append({"op": "replace", "path": "/policy", "value": text})
    operations += [
        {"op": "replace", "path": f"/{_MEMBERS[name]}", "value": _text(new.get(name))}
        for name in ("ApiKeySourceType", "Description", "DisableExecuteApiEndpoint", "MinimumCompressionSize")
        if old.get(name) != new.get(name)
    ]
    before, after = set(old.get("BinaryMediaTypes", [])), set(new.get("BinaryMediaTypes", []))
    operations += [
        {"op": "remove", "path": f"/binaryMediaTypes/{each.replace('/', '~1')}"} for each in sorted(before - after)
    ]
    operations += [
        {"op": "add", "path": f"/binaryMediaTypes/{each.replace('/', '~1')}"} for each in sorted(after - before)
    ]
    return operations


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
