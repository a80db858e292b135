"""AWS::Logs::LogGroup."""

from stratus.template.resource import Made, Properties, ResourceType, Site


class LogGroup(ResourceType):
    type = "AWS::Logs::LogGroup"
    name_property = "LogGroupName"
    name_limit = 512

    async def exists(self, site: Site, name: str) -> bool:
        found = await site.call("logs", "DescribeLogGroups", logGroupNamePrefix=name)
        return any(group["logGroupName"] == name for group in found["logGroups"])

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        await site.call("logs", "CreateLogGroup", logGroupName=name)
        if days := properties.get("RetentionInDays"):
            await site.call("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
        return _made(site, name)

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        if days := new.get("RetentionInDays"):
            await site.call("logs", "PutRetentionPolicy", logGroupName=physical_id, retentionInDays=days)
        elif "RetentionInDays" in old:
            await site.call("logs", "DeleteRetentionPolicy", logGroupName=physical_id)
        return _made(site, physical_id)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("logs", "DeleteLogGroup", logGroupName=physical_id)


def _made(site: Site, name: str) -> Made:
    return Made(name, {"Arn": site.arn("logs", f"log-group:{name}:*")})
