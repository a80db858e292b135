"""AWS::Lambda::EventInvokeConfig: retries, age and destinations of asynchronous invocations."""

from stratus.template.resource import Made, Properties, ResourceType, Site, picked


class EventInvokeConfig(ResourceType):
    type = "AWS::Lambda::EventInvokeConfig"

    def name(self, site: Site, logical_id: str, properties: Properties) -> str:
        return f"{properties['FunctionName']}|{properties['Qualifier']}"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        wanted = picked(
            properties,
            ("DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"),
        )
        await site.call("lambda", "PutFunctionEventInvokeConfig", **wanted)
        return Made(name)

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        return await self.create(site, physical_id, new)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        where = picked(properties, ("FunctionName", "Qualifier"))
        await site.call_if_there("lambda", "DeleteFunctionEventInvokeConfig", **where)
