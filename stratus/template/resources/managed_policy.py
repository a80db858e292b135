"""AWS::IAM::ManagedPolicy. Ref gives its ARN."""

from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site, changed
from stratus.template.resources.role import policy_text


class ManagedPolicy(ResourceType):
    type = "AWS::IAM::ManagedPolicy"
    name_property = "ManagedPolicyName"
    name_limit = 128

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        answer = await site.call(
            "iam",
            "CreatePolicy",
            PolicyName=name,
            PolicyDocument=policy_text(properties["PolicyDocument"]),
            Description=properties.get("Description"),
            Path=properties.get("Path"),
        )
        policy = answer["Policy"]
        for role in properties.get("Roles", []):
            await site.call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=policy["Arn"])
        return _made(policy)

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        if "PolicyDocument" in changed(old, new):
            await _delete_old_versions(site, physical_id)
            document = policy_text(new["PolicyDocument"])
            await site.call(
                "iam", "CreatePolicyVersion", PolicyArn=physical_id, PolicyDocument=document, SetAsDefault=True
            )
        before, after = set(old.get("Roles", [])), set(new.get("Roles", []))
        for role in sorted(after - before):
            await site.call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=physical_id)
        for role in sorted(before - after):
            await site.call_if_there("iam", "DetachRolePolicy", RoleName=role, PolicyArn=physical_id)
        return _made((await site.call("iam", "GetPolicy", PolicyArn=physical_id))["Policy"])

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        arn = physical_id
        if not arn.startswith("arn:"):
            arn = f"arn:aws:iam::{site.account}:policy{properties.get('Path', '/')}{physical_id}"
        for role in properties.get("Roles", []):
            await site.call_if_there("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn)
        if await site.call_if_there("iam", "GetPolicy", PolicyArn=arn):
            await _delete_old_versions(site, arn)
            await site.call_if_there("iam", "DeletePolicy", PolicyArn=arn)


def _made(policy: dict[str, Any]) -> Made:
    return Made(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})


async def _delete_old_versions(site: Site, arn: str) -> None:
    """A policy has five versions at most, and is deleted only without any but the default one."""
    for version in (await site.call("iam", "ListPolicyVersions", PolicyArn=arn))["Versions"]:
        if not version["IsDefaultVersion"]:
            await site.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
