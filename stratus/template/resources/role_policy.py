"""AWS::IAM::Policy: an inline policy put into roles."""

from stratus.template.resource import Made, Properties, ResourceType, Site
from stratus.template.resources.role import policy_text


class RolePolicy(ResourceType):
    type = "AWS::IAM::Policy"

    def name(self, site: Site, logical_id: str, properties: Properties) -> str:
        return site.generated_name(logical_id, 64)

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        for role in properties.get("Roles", []):
            await _put(site, role, properties)
        return Made(name, {"Id": name})

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        for role in new.get("Roles", []):
            await _put(site, role, new)
        for role in old.get("Roles", []):
            if old["PolicyName"] != new["PolicyName"] or role not in new.get("Roles", []):
                await site.call_if_there("iam", "DeleteRolePolicy", RoleName=role, PolicyName=old["PolicyName"])
        return Made(physical_id, {"Id": physical_id})

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        for role in properties.get("Roles", []):
            await site.call_if_there("iam", "DeleteRolePolicy", RoleName=role, PolicyName=properties["PolicyName"])


async def _put(site: Site, role: str, properties: Properties) -> None:
    document = policy_text(properties["PolicyDocument"])
    await site.call("iam", "PutRolePolicy", RoleName=role, PolicyName=properties["PolicyName"], PolicyDocument=document)
