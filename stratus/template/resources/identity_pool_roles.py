"""AWS::Cognito::IdentityPoolRoleAttachment."""

from stratus.template.resource import Made, Properties, ResourceType, Site


class IdentityPoolRoles(ResourceType):
    type = "AWS::Cognito::IdentityPoolRoleAttachment"
    name_property = "IdentityPoolId"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        await site.call(
            "cognito-identity", "SetIdentityPoolRoles", IdentityPoolId=name, Roles=properties.get("Roles", {})
        )
        return Made(name, {"Id": name})

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        return await self.create(site, physical_id, new)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("cognito-identity", "SetIdentityPoolRoles", IdentityPoolId=physical_id, Roles={})
