"""AWS::Lambda::Permission: one statement of a function's policy."""

from stratus.template.resource import Made, Properties, ResourceType, Site, picked


class Permission(ResourceType):
    type = "AWS::Lambda::Permission"

    def name(self, site: Site, logical_id: str, properties: Properties) -> str:
        return site.generated_name(logical_id, 100)

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        wanted = picked(properties, ("Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"))
        await site.call("lambda", "AddPermission", StatementId=name, **wanted)
        return Made(name, {"Id": name})

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        """Every property replaces the permission; there is nothing to change in place."""
        return Made(physical_id, {"Id": physical_id})

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there(
            "lambda", "RemovePermission", FunctionName=properties["FunctionName"], StatementId=physical_id
        )
