"""Stages: variables, method settings, access logs."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.apigateway.base import ApiGatewayBase, one_at_a_time, rest
from stratus.services.apigateway.errors import bad_request, refused
from stratus.services.apigateway.patch import Patch, boolean, number, patches
from stratus.services.apigateway.stage_settings import setting_key
from stratus.services.apigateway.state import Stage
from stratus.wire.errors import AwsError

_OF_API = "/restapis/{restApiId}/stages"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VERBS = frozenset({"*", "ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class StageOperations(ApiGatewayBase):
    @operation("CreateStage", rest("POST", _OF_API))
    @one_at_a_time
    async def create_stage(self, call: Call) -> Result:
        api, params = self.api(call), call.params
        name = params["stageName"]
        if not _NAME.fullmatch(name):
            raise bad_request("Stage name only allows a-zA-Z0-9_-")
        if name in api.stages:
            raise AwsError("ConflictException", "Stage already exists", 409)
        for refusable in ("cacheClusterEnabled", "canarySettings"):
            if params.get(refusable):
                raise refused(refusable)
        stage = Stage(
            name,
            params["deploymentId"],
            call.now,
            call.now,
            description=params.get("description"),
            variables=params.get("variables") or {},
            tracing=bool(params.get("tracingEnabled")),
            cache_size=params.get("cacheClusterSize"),
            documentation_version=params.get("documentationVersion"),
            tags=params.get("tags") or {},
        )
        return await self._put_stage(call, stage)

    @operation("UpdateStage", rest("PATCH", _OF_API + "/{stageName}"))
    @one_at_a_time
    async def update_stage(self, call: Call) -> Result:
        stage = self.stage(call)
        for patch in patches(call.params.get("patchOperations") or []):
            stage = _patched(stage, patch)
        return await self._put_stage(call, replace(stage, updated=call.now))

    async def _put_stage(self, call: Call, stage: Stage) -> Result:
        api = self.api(call)
        self.compiled(api, stage)
        await self.state.save_stage(api.id, stage)
        self.changed(api.id)
        return _described(stage)

    @operation("GetStage", rest("GET", _OF_API + "/{stageName}"))
    async def get_stage(self, call: Call) -> Result:
        return _described(self.stage(call))

    @operation("GetStages", rest("GET", _OF_API))
    async def get_stages(self, call: Call) -> Result:
        wanted = call.params.get("deploymentId")
        stages = self.api(call).stages.values()
        return {"item": [_described(stage) for stage in stages if wanted in (None, stage.deployment)]}

    @operation("DeleteStage", rest("DELETE", _OF_API + "/{stageName}"))
    @one_at_a_time
    async def delete_stage(self, call: Call) -> Result:
        api, stage = self.api(call), self.stage(call)
        await self.state.delete_stage(api.id, stage.name)
        self.changed(api.id)
        return {}


def _described(stage: Stage) -> dict[str, Any]:
    described: dict[str, Any] = {
        "deploymentId": stage.deployment,
        "stageName": stage.name,
        "description": stage.description,
        "cacheClusterEnabled": False,
        "cacheClusterSize": stage.cache_size,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": stage.methods,
        "variables": stage.variables or None,
        "documentationVersion": stage.documentation_version,
        "tracingEnabled": stage.tracing,
        "tags": stage.tags or None,
        "createdDate": stage.created,
        "lastUpdatedDate": stage.updated,
    }
    if stage.log_destination is not None or stage.log_format is not None:
        described["accessLogSettings"] = {"destinationArn": stage.log_destination, "format": stage.log_format}
    return described


def _patched(stage: Stage, patch: Patch) -> Stage:
    match (patch.op, *patch.parts):
        case ("replace", name) if name in _FIELDS:
            member, read = _FIELDS[name]
            return replace(stage, **{member: read(patch)})
        case ("replace" | "add", "variables", name):
            return replace(stage, variables={**stage.variables, name: patch.text()})
        case ("remove", "variables", name):
            return replace(stage, variables={key: value for key, value in stage.variables.items() if key != name})
        case ("replace" | "add", "accessLogSettings", "destinationArn"):
            return replace(stage, log_destination=patch.text())
        case ("replace" | "add", "accessLogSettings", "format"):
            return replace(stage, log_format=patch.text())
        case ("remove", "accessLogSettings"):
            return replace(stage, log_destination=None, log_format=None)
        case ("replace", "cacheClusterEnabled"):
            if boolean(patch):
                raise refused("cacheClusterEnabled")
            return stage
        case (_, path, verb, *setting):
            return _with_method_setting(stage, patch, setting_key(path, verb.upper()), setting)
        case _:
            raise patch.refusal()


_FIELDS: dict[str, tuple[str, Callable[[Patch], Any]]] = {
    "deploymentId": ("deployment", Patch.text),
    "description": ("description", Patch.text),
    "tracingEnabled": ("tracing", boolean),
    "cacheClusterSize": ("cache_size", Patch.text),
    "documentationVersion": ("documentation_version", Patch.text),
}


def _with_method_setting(stage: Stage, patch: Patch, key: str, setting: list[str]) -> Stage:
    if key.rpartition("/")[2] not in _VERBS:
        raise patch.refusal()
    if patch.op == "remove" and not setting:
        return replace(stage, methods={name: value for name, value in stage.methods.items() if name != key})
    known = _METHOD_SETTINGS.get("/".join(setting))
    if known is None or patch.op == "remove":
        raise patch.refusal()
    name, read = known
    value = read(patch)
    if name == "cachingEnabled" and value:
        raise refused("cachingEnabled")
    return replace(stage, methods={**stage.methods, key: {**stage.methods.get(key, {}), name: value}})


def _not_negative(kind: Callable[[str], Any]) -> Callable[[Patch], Any]:
    def read(patch: Patch) -> Any:
        value = number(patch, kind)
        if not 0 <= value < 2**31:
            raise bad_request(f"Invalid value for {patch.path}: must not be negative")
        return value

    return read


_METHOD_SETTINGS: dict[str, tuple[str, Callable[[Patch], Any]]] = {
    "metrics/enabled": ("metricsEnabled", boolean),
    "logging/loglevel": ("loggingLevel", Patch.text),
    "logging/dataTrace": ("dataTraceEnabled", boolean),
    "throttling/burstLimit": ("throttlingBurstLimit", _not_negative(int)),
    "throttling/rateLimit": ("throttlingRateLimit", _not_negative(float)),
    "caching/enabled": ("cachingEnabled", boolean),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", _not_negative(int)),
    "caching/dataEncrypted": ("cacheDataEncrypted", boolean),
    "caching/requireAuthorizationForCacheControl": ("requireAuthorizationForCacheControl", boolean),
    "caching/unauthorizedCacheControlHeaderStrategy": ("unauthorizedCacheControlHeaderStrategy", Patch.text),
}
