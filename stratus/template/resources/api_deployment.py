"""AWS::ApiGateway::Deployment: a snapshot of an API."""

from stratus.template.resource import Made, Properties, ResourceType, Site


class ApiDeployment(ResourceType):
    type = "AWS::ApiGateway::Deployment"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        answer = await site.call(
            "apigateway",
            "CreateDeployment",
            restApiId=properties["RestApiId"],
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
        await site.call_if_there(
            "apigateway", "DeleteDeployment", restApiId=properties["RestApiId"], deploymentId=physical_id
        )
