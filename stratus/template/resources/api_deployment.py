"""AWS::ApiGateway::Deployment: a snapshot of an API, and with StageName a plain stage that serves it."""

from stratus.template.resource import Made, Properties, ResourceType, Site, changed


class ApiDeployment(ResourceType):
    type = "AWS::ApiGateway::Deployment"

    def replaces(self, old: Properties, new: Properties) -> bool:
        return super().replaces(old, new) or "StageName" in changed(old, new)

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        answer = await site.call(
            "apigateway",
            "CreateDeployment",
            restApiId=properties["RestApiId"],
            stageName=properties.get("StageName"),
            description=properties.get("Description"),
        )
        return Made(answer["id"], {"DeploymentId": answer["id"]})

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        description = [{"op": "replace", "path": "/description", "value": new.get("Description", "")}]
        await site.call(
            "apigateway",
            "UpdateDeployment",
            restApiId=new["RestApiId"],
            deploymentId=physical_id,
            patchOperations=description,
        )
        return Made(physical_id, {"DeploymentId": physical_id})

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        if stage := await _own_stage(site, physical_id, properties):
            await site.call("apigateway", "DeleteStage", **stage)
        await _delete(site, physical_id, properties)

    async def erase(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Taking a change back: the stage goes back to the deployment before."""
        if stage := await _own_stage(site, physical_id, properties):
            all_of_them = await site.call("apigateway", "GetDeployments", restApiId=properties["RestApiId"])
            before = [each["id"] for each in all_of_them["items"] if each["id"] != physical_id]
            if before:
                back = [{"op": "replace", "path": "/deploymentId", "value": before[-1]}]
                await site.call("apigateway", "UpdateStage", **stage, patchOperations=back)
        await self.delete(site, physical_id, properties)


async def _own_stage(site: Site, deployment: str, properties: Properties) -> dict[str, str] | None:
    """The stage that came with a deployment, as parameters, unless a newer deployment has taken it over."""
    if "StageName" not in properties:
        return None
    where = {"restApiId": properties["RestApiId"], "stageName": properties["StageName"]}
    stage = await site.call_if_there("apigateway", "GetStage", **where)
    return where if stage and stage["deploymentId"] == deployment else None


async def _delete(site: Site, deployment: str, properties: Properties) -> None:
    await site.call_if_there(
        "apigateway", "DeleteDeployment", restApiId=properties["RestApiId"], deploymentId=deployment
    )
