"""Operations on roles."""

from dataclasses import replace
from typing import Any

from stratus.iam.credentials import unique_id
from stratus.iam.entities import Role
from stratus.iam.policy.document import Use, read
from stratus.service import Call, Params, operation
from stratus.services.iam.base import (
    IamBase,
    boundary_of,
    checked_document,
    encoded,
    list_rule,
    moment,
    new_arn_rule,
    page,
    role_operation,
    size_of,
    tag_list,
    tags_of,
)
from stratus.services.iam.errors import already_exists, delete_conflict, limit_exceeded, malformed
from stratus.services.iam.identity_policies import IdentityPolicies, attached_boundary

MAX_ROLES = 1_000
MAX_TRUST = 2_048


class RoleOperations(IamBase):
    @operation("CreateRole", new_arn_rule("CreateRole", "role", "RoleName"))
    async def create_role(self, call: Call) -> Params:
        params = call.params
        name = params["RoleName"]
        async with self.directory.changing():
            if self.directory.taken("role", name):
                raise already_exists("role", name)
            if len(self.directory.roles()) >= MAX_ROLES:
                raise limit_exceeded(f"Cannot exceed quota for RolesPerAccount: {MAX_ROLES}")
            role = Role(
                name=name,
                id=unique_id("AROA"),
                path=params.get("Path", "/"),
                created=call.now,
                description=params.get("Description", ""),
                max_session=params.get("MaxSessionDuration", 3600),
                boundary=boundary_of(self, params.get("PermissionsBoundary")),
                tags=tags_of(params),
                **self._trust(params["AssumeRolePolicyDocument"]),
            )
            await self.directory.save(role)
        return {"Role": self._shown_role(role)}

    @role_operation("GetRole")
    async def get_role(self, call: Call) -> Params:
        return {"Role": self._shown_role(self.role(call.params["RoleName"]))}

    @operation("ListRoles", list_rule("ListRoles", "role"))
    async def list_roles(self, call: Call) -> Params:
        prefix = call.params.get("PathPrefix", "/")
        roles = [role for role in self.directory.roles() if role.path.startswith(prefix)]
        return page(roles, call.params, "Roles", lambda role: role.name, self._shown_role)

    @role_operation("UpdateRole")
    async def update_role(self, call: Call) -> Params:
        async with self.directory.changing():
            role = self.role(call.params["RoleName"])
            description = call.params.get("Description", role.description)
            max_session = call.params.get("MaxSessionDuration", role.max_session)
            await self.directory.save(replace(role, description=description, max_session=max_session))
        return {}

    @role_operation("UpdateAssumeRolePolicy")
    async def update_assume_role_policy(self, call: Call) -> None:
        async with self.directory.changing():
            role = self.role(call.params["RoleName"])
            await self.directory.save(replace(role, **self._trust(call.params["PolicyDocument"])))

    @role_operation("DeleteRole")
    async def delete_role(self, call: Call) -> None:
        async with self.directory.changing():
            role = self.role(call.params["RoleName"])
            if role.attached:
                raise delete_conflict("Cannot delete entity, must detach all policies first.")
            if role.inline:
                raise delete_conflict("Cannot delete entity, must delete policies first.")
            await self.directory.save(delete=[role])

    @role_operation("PutRolePolicy")
    async def put_role_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).put(call.params["PolicyName"], call.params["PolicyDocument"])

    @role_operation("GetRolePolicy")
    async def get_role_policy(self, call: Call) -> Params:
        return self._policies(call).get(call.params["PolicyName"])

    @role_operation("DeleteRolePolicy")
    async def delete_role_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).delete(call.params["PolicyName"])

    @role_operation("ListRolePolicies")
    async def list_role_policies(self, call: Call) -> Params:
        return self._policies(call).names(call.params)

    @role_operation("AttachRolePolicy")
    async def attach_role_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).attach(call.params["PolicyArn"])

    @role_operation("DetachRolePolicy")
    async def detach_role_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).detach(call.params["PolicyArn"])

    @role_operation("ListAttachedRolePolicies")
    async def list_attached_role_policies(self, call: Call) -> Params:
        return self._policies(call).attached(call.params)

    @role_operation("PutRolePermissionsBoundary")
    async def put_role_permissions_boundary(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).bound(call.params["PermissionsBoundary"])

    @role_operation("DeleteRolePermissionsBoundary")
    async def delete_role_permissions_boundary(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).bound(None)

    @role_operation("TagRole")
    async def tag_role(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).tag(call.params)

    @role_operation("UntagRole")
    async def untag_role(self, call: Call) -> None:
        async with self.directory.changing():
            await self._policies(call).untag(call.params)

    @role_operation("ListRoleTags")
    async def list_role_tags(self, call: Call) -> Params:
        return self._policies(call).tags(call.params)

    def _policies(self, call: Call) -> IdentityPolicies:
        return IdentityPolicies(self, self.role(call.params["RoleName"]))

    def _trust(self, text: str) -> dict[str, Any]:
        """The trust of a role, as its fields. A trust policy names only users and roles that exist."""
        checked_document(text, Use.TRUST)
        if size_of(text) > MAX_TRUST:
            raise limit_exceeded(f"Cannot exceed quota for ACLSizePerRole: {MAX_TRUST}")
        trusted = {}
        for statement in read(text, Use.TRUST).statements:
            for name in (statement.principals or {}).get("AWS", ()):
                if not name.startswith((f"arn:aws:iam::{self.account}:user/", f"arn:aws:iam::{self.account}:role/")):
                    continue
                identity = self.directory.identity(name)
                if identity is None:
                    raise malformed(f'Invalid principal in policy: "AWS":"{name}"')
                trusted[name] = identity.id
        return {"trust": text, "trusted": trusted}

    def _shown_role(self, role: Role) -> Params:
        shown = {
            "Path": role.path,
            "RoleName": role.name,
            "RoleId": role.id,
            "Arn": role.arn(self.account),
            "CreateDate": moment(role.created),
            "AssumeRolePolicyDocument": encoded(self.directory.trust(role)),
            "MaxSessionDuration": role.max_session,
        }
        if role.description:
            shown["Description"] = role.description
        if role.tags:
            shown["Tags"] = tag_list(role.tags)
        return shown | attached_boundary(role)
