"""Deployments: snapshots of an API."""

from dataclasses import replace
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.apigateway.base import ApiGatewayBase, definition_of, new_id, one_at_a_time, page, rest
from stratus.services.apigateway.errors import bad_request, refused
from stratus.services.apigateway.patch import patches
from stratus.services.apigateway.state import Deployment, Stage

_OF_API = "/restapis/{restApiId}/deployments"


class DeploymentOperations(ApiGatewayBase):
    @operation("CreateDeployment", rest("POST", _OF_API))
    @one_at_a_time
    async def create_deployment(self, call: Call) -> Result:
        api, params = self.api(call), call.params
        if params.get("canarySettings"):
            raise refused("canarySettings")
        if params.get("cacheClusterEnabled"):
            raise refused("cacheClusterEnabled")
        if not definition_of(api.document, api.settings, params.get("variables") or {}).methods:
            raise bad_request("The REST API doesn't contain any methods")
        deployment = Deployment(new_id(6), params.get("description"), call.now, api.settings, api.document)
        await self.state.save_deployment(api.id, deployment)
        if params.get("stageName"):
            await self._put_on_stage(call, deployment)
        return _described(deployment)

    async def _put_on_stage(self, call: Call, deployment: Deployment) -> None:
        api, name = self.api(call), call.params["stageName"]
        stage = api.stages.get(name) or Stage(name, deployment.id, call.now, call.now)
        stage = replace(
            stage,
            deployment=deployment.id,
            updated=call.now,
            description=call.params.get("stageDescription") or stage.description,
            variables={**stage.variables, **(call.params.get("variables") or {})},
        )
        self.compiled(api, stage)
        await self.state.save_stage(api.id, stage)
        self.changed(api.id)

    @operation("GetDeployment", rest("GET", _OF_API + "/{deploymentId}"))
    async def get_deployment(self, call: Call) -> Result:
        return _described(self.deployment(self.api(call), call.params["deploymentId"]))

    @operation("GetDeployments", rest("GET", _OF_API))
    async def get_deployments(self, call: Call) -> Result:
        return page([_described(each) for each in self.api(call).deployments.values()])

    @operation("UpdateDeployment", rest("PATCH", _OF_API + "/{deploymentId}"))
    @one_at_a_time
    async def update_deployment(self, call: Call) -> Result:
        api = self.api(call)
        deployment = self.deployment(api, call.params["deploymentId"])
        for patch in patches(call.params.get("patchOperations") or []):
            if (patch.op, patch.parts) != ("replace", ("description",)):
                raise patch.refusal()
            deployment = replace(deployment, description=patch.text())
        await self.state.save_deployment(api.id, deployment)
        return _described(deployment)

    @operation("DeleteDeployment", rest("DELETE", _OF_API + "/{deploymentId}"))
    @one_at_a_time
    async def delete_deployment(self, call: Call) -> Result:
        api = self.api(call)
        deployment = self.deployment(api, call.params["deploymentId"])
        if any(stage.deployment == deployment.id for stage in api.stages.values()):
            raise bad_request("Active stages pointing to this deployment must be moved or deleted")
        await self.state.delete_deployment(api.id, deployment.id)
        return {}


def _described(deployment: Deployment) -> dict[str, Any]:
    return {"id": deployment.id, "description": deployment.description, "createdDate": deployment.created}
