"""AWS::Cognito::IdentityPool."""

from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site, picked

_SETTINGS = ("AllowClassicFlow", "AllowUnauthenticatedIdentities", "CognitoIdentityProviders")


class IdentityPool(ResourceType):
    type = "AWS::Cognito::IdentityPool"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        pool_name = properties.get("IdentityPoolName") or site.generated_name("IdentityPool", 128).replace("-", "_")
        return _made(
            await site.call(
                "cognito-identity", "CreateIdentityPool", IdentityPoolName=pool_name, **picked(properties, _SETTINGS)
            )
        )

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        pool_name = new.get("IdentityPoolName")
        if pool_name is None:
            pool_name = (await site.call("cognito-identity", "DescribeIdentityPool", IdentityPoolId=physical_id))[
                "IdentityPoolName"
            ]
        wanted = picked(new, _SETTINGS)
        return _made(
            await site.call(
                "cognito-identity",
                "UpdateIdentityPool",
                IdentityPoolId=physical_id,
                IdentityPoolName=pool_name,
                **wanted,
            )
        )

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("cognito-identity", "DeleteIdentityPool", IdentityPoolId=physical_id)


def _made(pool: dict[str, Any]) -> Made:
    return Made(pool["IdentityPoolId"], {"Id": pool["IdentityPoolId"], "Name": pool["IdentityPoolName"]})
