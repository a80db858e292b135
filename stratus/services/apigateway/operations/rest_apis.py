"""CreateRestApi, ImportRestApi, PutRestApi, UpdateRestApi, GetRestApi(s), DeleteRestApi."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.apigateway.base import ApiGatewayBase, definition_of, new_id, one_at_a_time, page, rest
from stratus.services.apigateway.errors import bad_request, refused
from stratus.services.apigateway.invoke_permission import whole_policy
from stratus.services.apigateway.live_stage import resource_id
from stratus.services.apigateway.openapi import parse_document
from stratus.services.apigateway.patch import Patch, boolean, number, patches
from stratus.services.apigateway.state import Api, Document, Settings

MAX_COMPRESSION_SIZE = 10 * 1024 * 1024
_EMPTY: Document = {"openapi": "3.0.1", "paths": {}}
_SETTINGS = (
    "name", "description", "version", "binaryMediaTypes", "minimumCompressionSize", "apiKeySource", "endpointConfiguration",
    "policy", "tags", "disableExecuteApiEndpoint",
)  # fmt: skip


class RestApiOperations(ApiGatewayBase):
    @operation("CreateRestApi", rest("POST", "/restapis"))
    @one_at_a_time
    async def create_rest_api(self, call: Call) -> Result:
        for name in ("cloneFrom", "securityPolicy", "endpointAccessMode"):
            if call.params.get(name):
                raise refused(name)
        settings = {name: call.params[name] for name in _SETTINGS if call.params.get(name) is not None}
        api = Api(new_id(), call.now, _checked(settings), dict(_EMPTY))
        await self._save(api)
        return _described(api)

    @operation("ImportRestApi", rest("POST", "/restapis"))
    @one_at_a_time
    async def import_rest_api(self, call: Call) -> Result:
        document = parse_document(call.params["body"])
        settings: Settings = _endpoint(call.params.get("parameters") or {})
        info = document.get("info") or {}
        settings["name"] = str(info.get("title") or "Imported API")
        settings |= {name: str(info[name]) for name in ("description", "version") if info.get(name)}
        api = Api(new_id(), call.now, _checked(settings), document)
        await self._save(api)
        return _described(api)

    @operation("PutRestApi", rest("PUT", "/restapis/{restApiId}"))
    @one_at_a_time
    async def put_rest_api(self, call: Call) -> Result:
        api, document = self.api(call), parse_document(call.params["body"])
        if (call.params.get("mode") or "merge") == "merge":
            document = _merged(api.document, document)
        settings = api.settings | _endpoint(call.params.get("parameters") or {})
        api = replace(api, document=document, settings=settings)
        await self._save(api)
        return _described(api)

    @operation("UpdateRestApi", rest("PATCH", "/restapis/{restApiId}"))
    @one_at_a_time
    async def update_rest_api(self, call: Call) -> Result:
        api = self.api(call)
        settings = dict(api.settings)
        for patch in patches(call.params.get("patchOperations") or []):
            _apply(settings, patch)
        api = replace(api, settings=_checked(settings))
        await self._save(api)
        return _described(api)

    @operation("GetRestApi", rest("GET", "/restapis/{restApiId}"))
    async def get_rest_api(self, call: Call) -> Result:
        return _described(self.api(call))

    @operation("GetRestApis", rest("GET", "/restapis"))
    async def get_rest_apis(self, call: Call) -> Result:
        return page([_described(api) for api in self.state.apis.values()])

    @operation("DeleteRestApi", rest("DELETE", "/restapis/{restApiId}"))
    @one_at_a_time
    async def delete_rest_api(self, call: Call) -> Result:
        api = self.api(call)
        await self.state.delete_api(api.id)
        self.changed(api.id)
        return {}

    async def _save(self, api: Api) -> None:
        """Nothing is kept that could not be deployed."""
        policy = definition_of(api.document, api.settings, {}).policy
        if policy is not None:
            whole_policy(policy, self.place(api, "*", ""))
        await self.state.save_api(api)


def _described(api: Api) -> dict[str, Any]:
    shown = {name: api.settings[name] for name in _SETTINGS if name in api.settings}
    shown.setdefault("binaryMediaTypes", api.document.get("x-amazon-apigateway-binary-media-types"))
    return {
        "id": api.id,
        "createdDate": api.created,
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"]},
        "disableExecuteApiEndpoint": False,
        "rootResourceId": resource_id(api.id, "/"),
        **shown,
    }


def _checked(settings: Settings) -> Settings:
    if not settings.get("name"):
        raise bad_request("API name can not be null or empty")
    if settings.get("apiKeySource") not in (None, "HEADER"):
        raise refused(f"apiKeySource {settings['apiKeySource']}")
    if "PRIVATE" in (settings.get("endpointConfiguration") or {}).get("types", ()):
        raise refused("PRIVATE endpoints")
    minimum = settings.get("minimumCompressionSize")
    if minimum is not None and not 0 <= minimum <= MAX_COMPRESSION_SIZE:
        raise bad_request("Invalid minimum compression size, must be between 0 and 10485760")
    return settings


def _endpoint(parameters: Mapping[str, str]) -> Settings:
    """Import parameters: `endpointConfigurationTypes=REGIONAL`; others are none of ours."""
    settings: Settings = {}
    for name, value in parameters.items():
        if name == "endpointConfigurationTypes":
            settings["endpointConfiguration"] = {"types": [value]}
        elif name not in ("ignore", "basepath"):
            raise refused(f"the import parameter {name}")
    return settings


def _merged(old: Document, new: Document) -> Document:
    """Mode `merge`: what the new description has replaces the old one's, item by item of each map of the first level."""
    merged = dict(old)
    for key, value in new.items():
        if key == "components" and isinstance(old.get(key), dict):
            merged[key] = _merged(old[key], value)
        elif isinstance(value, dict) and isinstance(old.get(key), dict):
            merged[key] = {**old[key], **value}
        else:
            merged[key] = value
    return merged


def _apply(settings: Settings, patch: Patch) -> None:
    match (patch.op, *patch.parts):
        case ("replace", "name" | "description" | "version" | "policy" | "apiKeySource" as name):
            settings[name] = patch.text()
        case ("remove", "description" | "policy" as name):
            settings.pop(name, None)
        case ("replace", "disableExecuteApiEndpoint"):
            settings["disableExecuteApiEndpoint"] = boolean(patch)
        case ("replace", "minimumCompressionSize"):
            settings.pop("minimumCompressionSize", None)
            if patch.value:
                settings["minimumCompressionSize"] = number(patch, int)
        case ("add", "binaryMediaTypes", media):
            settings["binaryMediaTypes"] = [*settings.get("binaryMediaTypes", []), media]
        case ("remove", "binaryMediaTypes", media):
            settings["binaryMediaTypes"] = [each for each in settings.get("binaryMediaTypes", []) if each != media]
        case ("replace", "endpointConfiguration", "types", _):
            settings["endpointConfiguration"] = {"types": [patch.text()]}
        case _:
            raise patch.refusal()
