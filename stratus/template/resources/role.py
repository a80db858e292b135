"""AWS::IAM::Role."""

import json
from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site, changed


class Role(ResourceType):
    type = "AWS::IAM::Role"
    name_property = "RoleName"

    async def exists(self, site: Site, name: str) -> bool:
        return await site.call_if_there("iam", "GetRole", RoleName=name) is not None

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        answer = await site.call(
            "iam",
            "CreateRole",
            RoleName=name,
            AssumeRolePolicyDocument=policy_text(properties["AssumeRolePolicyDocument"]),
            Description=properties.get("Description"),
            MaxSessionDuration=properties.get("MaxSessionDuration"),
            Path=properties.get("Path"),
            PermissionsBoundary=properties.get("PermissionsBoundary"),
            Tags=properties.get("Tags"),
        )
        await _put_policies(site, name, {}, properties)
        return _made(answer["Role"])

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        different = changed(old, new)
        if "AssumeRolePolicyDocument" in different:
            trust = policy_text(new["AssumeRolePolicyDocument"])
            await site.call("iam", "UpdateAssumeRolePolicy", RoleName=physical_id, PolicyDocument=trust)
        if different & {"Description", "MaxSessionDuration"}:
            await site.call(
                "iam",
                "UpdateRole",
                RoleName=physical_id,
                Description=new.get("Description", ""),
                MaxSessionDuration=new.get("MaxSessionDuration", 3600),
            )
        if "PermissionsBoundary" in different:
            await _put_boundary(site, physical_id, new.get("PermissionsBoundary"))
        if "Tags" in different:
            await _put_tags(site, physical_id, old, new)
        await _put_policies(site, physical_id, old, new)
        return _made((await site.call("iam", "GetRole", RoleName=physical_id))["Role"])

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        for policy in properties.get("Policies", []):
            await site.call_if_there("iam", "DeleteRolePolicy", RoleName=physical_id, PolicyName=policy["PolicyName"])
        for arn in properties.get("ManagedPolicyArns", []):
            await site.call_if_there("iam", "DetachRolePolicy", RoleName=physical_id, PolicyArn=arn)
        await site.call_if_there("iam", "DeleteRole", RoleName=physical_id)


def policy_text(document: Any) -> str:
    """A policy document as the API takes it."""
    return document if isinstance(document, str) else json.dumps(document)


def _made(role: dict[str, Any]) -> Made:
    return Made(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})


async def _put_boundary(site: Site, name: str, boundary: str | None) -> None:
    if boundary is None:
        await site.call("iam", "DeleteRolePermissionsBoundary", RoleName=name)
    else:
        await site.call("iam", "PutRolePermissionsBoundary", RoleName=name, PermissionsBoundary=boundary)


async def _put_tags(site: Site, name: str, old: Properties, new: Properties) -> None:
    """Policies may decide by the tags of the role that calls (`aws:PrincipalTag`), so they are the template's exactly."""
    wanted = new.get("Tags", [])
    gone = {tag["Key"] for tag in old.get("Tags", [])} - {tag["Key"] for tag in wanted}
    if gone:
        await site.call("iam", "UntagRole", RoleName=name, TagKeys=sorted(gone))
    if wanted:
        await site.call("iam", "TagRole", RoleName=name, Tags=wanted)


async def _put_policies(site: Site, name: str, old: Properties, new: Properties) -> None:
    before, after = (
        {each["PolicyName"]: each["PolicyDocument"] for each in side.get("Policies", [])} for side in (old, new)
    )
    for policy, document in after.items():
        if before.get(policy) != document:
            await site.call(
                "iam", "PutRolePolicy", RoleName=name, PolicyName=policy, PolicyDocument=policy_text(document)
            )
    for policy in before.keys() - after.keys():
        await site.call_if_there("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
    attached, wanted = (set(side.get("ManagedPolicyArns", [])) for side in (old, new))
    for arn in sorted(wanted - attached):
        await site.call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)
    for arn in sorted(attached - wanted):
        await site.call_if_there("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
