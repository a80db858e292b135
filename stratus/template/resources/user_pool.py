"""AWS::Cognito::UserPool."""

from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site, changed, picked
from stratus.wire.errors import AwsError

_MUTABLE = (
    "AccountRecoverySetting",
    "AdminCreateUserConfig",
    "AutoVerifiedAttributes",
    "DeletionProtection",
    "EmailConfiguration",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "LambdaConfig",
    "Policies",
    "UserAttributeUpdateSettings",
    "UserPoolAddOns",
    "VerificationMessageTemplate",
)
_MADE_WITH_THE_POOL = ("AliasAttributes", "Schema", "UsernameAttributes", "UsernameConfiguration")


class UserPool(ResourceType):
    type = "AWS::Cognito::UserPool"

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        pool_name = properties.get("UserPoolName") or site.generated_name("UserPool", 128)
        wanted = _settings(properties) | picked(properties, _MADE_WITH_THE_POOL)
        answer = await site.call("cognito-idp", "CreateUserPool", PoolName=pool_name, **wanted)
        pool = answer["UserPool"]["Id"]
        if properties.get("MfaConfiguration", "OFF") != "OFF":
            try:
                await _set_mfa(site, pool, properties)
            except AwsError:
                # Only this function knows the identifier that the service chose.
                await self.erase(site, pool, properties)
                raise
        return _made(site, pool)

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        different = changed(old, new)
        for name in ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration"):
            if name in different:
                raise AwsError("InvalidParameterException", f"Updates are not allowed for property - {name}.")
        if "Schema" in different:
            await _add_attributes(site, physical_id, old, new)
        if different & {*_MUTABLE, "UserPoolName"}:
            # UpdateUserPool sets back whatever it is not given.
            wanted = {"DeletionProtection": "INACTIVE"} | _settings(new)
            await site.call(
                "cognito-idp", "UpdateUserPool", UserPoolId=physical_id, PoolName=new.get("UserPoolName"), **wanted
            )
        if different & {"MfaConfiguration", "EnabledMfas"}:
            await _set_mfa(site, physical_id, new)
        return _made(site, physical_id)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("cognito-idp", "DeleteUserPool", UserPoolId=physical_id)

    async def erase(self, site: Site, physical_id: str, properties: Properties) -> None:
        if properties.get("DeletionProtection") == "ACTIVE":
            await site.call_if_there(
                "cognito-idp", "UpdateUserPool", UserPoolId=physical_id, DeletionProtection="INACTIVE"
            )
        await self.delete(site, physical_id, properties)


def _settings(properties: Properties) -> dict[str, Any]:
    """What the API takes as the template has it, without what is recorded only."""
    wanted = picked(properties, _MUTABLE)
    if "EmailConfiguration" in wanted:
        wanted["EmailConfiguration"] = {
            k: v for k, v in wanted["EmailConfiguration"].items() if k != "ConfigurationSet"
        }
    return wanted


def _made(site: Site, pool: str) -> Made:
    provider = f"cognito-idp.{site.region}.amazonaws.com/{pool}"
    return Made(
        pool,
        {
            "Arn": site.arn("cognito-idp", f"userpool/{pool}"),
            "ProviderName": provider,
            "ProviderURL": f"https://{provider}",
            "UserPoolId": pool,
        },
    )


async def _set_mfa(site: Site, pool: str, properties: Properties) -> None:
    mode = properties.get("MfaConfiguration", "OFF")
    enabled = "SOFTWARE_TOKEN_MFA" in properties.get("EnabledMfas", [])
    token: dict[str, Any] | None = {"Enabled": enabled} if mode != "OFF" else None
    await site.call(
        "cognito-idp",
        "SetUserPoolMfaConfig",
        UserPoolId=pool,
        MfaConfiguration=mode,
        SoftwareTokenMfaConfiguration=token,
    )


async def _add_attributes(site: Site, pool: str, old: Properties, new: Properties) -> None:
    before, after = ({each["Name"]: each for each in side.get("Schema", [])} for side in (old, new))
    if any(after.get(name) != attribute for name, attribute in before.items()):
        raise AwsError("InvalidParameterException", "Existing schema attributes cannot be modified or deleted.")
    added = [attribute for name, attribute in after.items() if name not in before]
    await site.call("cognito-idp", "AddCustomAttributes", UserPoolId=pool, CustomAttributes=added)
