"""AWS::Cognito::UserPoolClient."""

from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site, picked

_MUTABLE = (
    "AccessTokenValidity",
    "AuthSessionValidity",
    "EnableTokenRevocation",
    "ExplicitAuthFlows",
    "IdTokenValidity",
    "PreventUserExistenceErrors",
    "ReadAttributes",
    "RefreshTokenRotation",
    "RefreshTokenValidity",
    "SupportedIdentityProviders",
    "TokenValidityUnits",
    "WriteAttributes",
)


class UserPoolClient(ResourceType):
    type = "AWS::Cognito::UserPoolClient"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        client_name = properties.get("ClientName") or site.generated_name("Client", 128)
        wanted = picked(properties, ("UserPoolId", "GenerateSecret", *_MUTABLE))
        answer = await site.call("cognito-idp", "CreateUserPoolClient", ClientName=client_name, **wanted)
        return _made(answer["UserPoolClient"])

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        wanted = picked(new, ("UserPoolId", *_MUTABLE))
        answer = await site.call(
            "cognito-idp", "UpdateUserPoolClient", ClientId=physical_id, ClientName=new.get("ClientName"), **wanted
        )
        return _made(answer["UserPoolClient"])

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there(
            "cognito-idp", "DeleteUserPoolClient", UserPoolId=properties["UserPoolId"], ClientId=physical_id
        )


def _made(client: dict[str, Any]) -> Made:
    attributes = {"ClientId": client["ClientId"], "Name": client["ClientName"]}
    if "ClientSecret" in client:
        attributes["ClientSecret"] = client["ClientSecret"]
    return Made(client["ClientId"], attributes)
