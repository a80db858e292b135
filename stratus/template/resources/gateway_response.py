"""AWS::ApiGateway::GatewayResponse."""

from stratus.template.resource import Made, Properties, ResourceType, Site


class GatewayResponse(ResourceType):
    type = "AWS::ApiGateway::GatewayResponse"

    def name(self, site: Site, logical_id: str, properties: Properties) -> str:
        return f"{properties['RestApiId']}|{properties['ResponseType']}"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        await site.call(
            "apigateway",
            "PutGatewayResponse",
            restApiId=properties["RestApiId"],
            responseType=properties["ResponseType"],
            statusCode=properties.get("StatusCode"),
            responseParameters=properties.get("ResponseParameters"),
            responseTemplates=properties.get("ResponseTemplates"),
        )
        return Made(name, {"Id": name})

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        return await self.create(site, physical_id, new)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there(
            "apigateway",
            "DeleteGatewayResponse",
            restApiId=properties["RestApiId"],
            responseType=properties["ResponseType"],
        )
