"""AWS::S3::BucketPolicy."""

from stratus.template.resource import Made, Properties, ResourceType, Site
from stratus.template.resources.role import policy_text


class BucketPolicy(ResourceType):
    type = "AWS::S3::BucketPolicy"
    name_property = "Bucket"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        await site.call("s3", "PutBucketPolicy", Bucket=name, Policy=policy_text(properties["PolicyDocument"]))
        return Made(name)

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        return await self.create(site, physical_id, new)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("s3", "DeleteBucketPolicy", Bucket=physical_id)
