"""Operations on managed policies and their versions."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from stratus.iam.credentials import unique_id
from stratus.iam.entities import ManagedPolicy, PolicyVersion, Role
from stratus.iam.managed_policies import AWS_MANAGED
from stratus.iam.policy.document import Use
from stratus.service import Access, Call, H, Params, operation
from stratus.services.iam.base import (
    IamBase,
    checked_document,
    encoded,
    list_rule,
    moment,
    new_arn_rule,
    page,
    size_of,
    tag_list,
    tags_of,
)
from stratus.services.iam.errors import delete_conflict, limit_exceeded, no_such_policy
from stratus.wire.errors import AwsError

MAX_POLICIES = 1_500
MAX_SIZE = 6_144
MAX_VERSIONS = 5


def policy_operation(name: str) -> Callable[[H], H]:
    """An operation on a managed policy, allowed as `iam:<name>` on its ARN."""

    def access(service: IamBase, call: Call) -> Iterable[Access]:
        yield Access(f"iam:{name}", call.params["PolicyArn"])

    return operation(name, access)


class PolicyOperations(IamBase):
    @operation("CreatePolicy", new_arn_rule("CreatePolicy", "policy", "PolicyName"))
    async def create_policy(self, call: Call) -> Params:
        params = call.params
        name = params["PolicyName"]
        async with self.directory.changing():
            if self.directory.taken("policy", name):
                raise AwsError(
                    "EntityAlreadyExists",
                    f"A policy called {name} already exists. Duplicate names are not allowed.",
                    409,
                )
            if len(self.directory.policies()) >= MAX_POLICIES:
                raise limit_exceeded(f"Cannot exceed quota for PoliciesPerAccount: {MAX_POLICIES}")
            policy = ManagedPolicy(
                name=name,
                id=unique_id("ANPA"),
                path=params.get("Path", "/"),
                created=call.now,
                updated=call.now,
                description=params.get("Description", ""),
                default="v1",
                versions=(PolicyVersion(id="v1", text=_document(params), created=call.now),),
                tags=tags_of(params),
            )
            await self.directory.save(policy)
        return {"Policy": self._shown_policy(policy)}

    @policy_operation("GetPolicy")
    async def get_policy(self, call: Call) -> Params:
        policy = self._policy(call)
        shown = self._shown_policy(policy)
        if policy.description:
            shown["Description"] = policy.description
        return {"Policy": shown}

    @operation("ListPolicies", list_rule("ListPolicies", "policy"))
    async def list_policies(self, call: Call) -> Params:
        params = call.params
        scope, prefix = params.get("Scope", "All"), params.get("PathPrefix", "/")
        policies = [] if scope == "AWS" else self.directory.policies()
        policies += [] if scope == "Local" else AWS_MANAGED.values()
        found = [
            policy
            for policy in sorted(policies, key=lambda policy: policy.name)
            if policy.path.startswith(prefix) and (not params.get("OnlyAttached") or self._attachments(policy))
        ]
        return page(found, params, "Policies", lambda policy: policy.name, self._shown_policy)

    @policy_operation("DeletePolicy")
    async def delete_policy(self, call: Call) -> None:
        async with self.directory.changing():
            policy = self._own_policy(call)
            arn = policy.arn(self.account)
            if self.directory.attached_to(arn) or self.directory.bounded_by(arn):
                raise delete_conflict("Cannot delete a policy attached to entities.")
            if len(policy.versions) > 1:
                raise delete_conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
                    "The default version is deleted with the policy."
                )
            await self.directory.save(delete=[policy])

    @policy_operation("CreatePolicyVersion")
    async def create_policy_version(self, call: Call) -> Params:
        async with self.directory.changing():
            policy = self._own_policy(call)
            if len(policy.versions) >= MAX_VERSIONS:
                raise limit_exceeded(
                    f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you must delete an "
                    "existing version."
                )
            latest = policy.latest + 1
            version = PolicyVersion(id=f"v{latest}", text=_document(call.params), created=call.now)
            policy = replace(
                policy,
                versions=(*policy.versions, version),
                latest=latest,
                updated=call.now,
                default=version.id if call.params.get("SetAsDefault") else policy.default,
            )
            await self.directory.save(policy)
        return {"PolicyVersion": _shown_version(policy, version)}

    @policy_operation("GetPolicyVersion")
    async def get_policy_version(self, call: Call) -> Params:
        policy = self._policy(call)
        version = _version(policy, call)
        return {"PolicyVersion": _shown_version(policy, version) | {"Document": encoded(version.text)}}

    @policy_operation("ListPolicyVersions")
    async def list_policy_versions(self, call: Call) -> Params:
        policy = self._policy(call)
        versions = sorted(policy.versions, key=lambda version: version.id)
        return page(
            versions,
            call.params,
            "Versions",
            lambda version: version.id,
            lambda version: _shown_version(policy, version),
        )

    @policy_operation("SetDefaultPolicyVersion")
    async def set_default_policy_version(self, call: Call) -> None:
        async with self.directory.changing():
            policy = self._own_policy(call)
            await self.directory.save(replace(policy, default=_version(policy, call).id))

    @policy_operation("DeletePolicyVersion")
    async def delete_policy_version(self, call: Call) -> None:
        async with self.directory.changing():
            policy = self._own_policy(call)
            version = _version(policy, call)
            if version.id == policy.default:
                raise delete_conflict("Cannot delete the default version of a policy.")
            kept = tuple(other for other in policy.versions if other != version)
            await self.directory.save(replace(policy, versions=kept))

    @policy_operation("ListEntitiesForPolicy")
    async def list_entities_for_policy(self, call: Call) -> Params:
        arn = self._policy(call).arn(self.account)
        found = self.directory.attached_to(arn)
        return {
            "PolicyUsers": [{"UserName": e.name, "UserId": e.id} for e in found if not isinstance(e, Role)],
            "PolicyRoles": [{"RoleName": e.name, "RoleId": e.id} for e in found if isinstance(e, Role)],
            "PolicyGroups": [],
            "IsTruncated": False,
        }

    def _policy(self, call: Call) -> ManagedPolicy:
        policy = self.directory.policy(call.params["PolicyArn"])
        if policy is None:
            raise no_such_policy(call.params["PolicyArn"])
        return policy

    def _own_policy(self, call: Call) -> ManagedPolicy:
        """A policy that can be changed: AWS's own cannot."""
        policy = self._policy(call)
        if policy.by_aws:
            raise AwsError(
                "AccessDenied", f"Policy {call.params['PolicyArn']} belongs to AWS and cannot be changed.", 403
            )
        return policy

    def _attachments(self, policy: ManagedPolicy) -> int:
        return len(self.directory.attached_to(policy.arn(self.account)))

    def _shown_policy(self, policy: ManagedPolicy) -> Params:
        arn = policy.arn(self.account)
        shown = {
            "PolicyName": policy.name,
            "PolicyId": policy.id,
            "Arn": arn,
            "Path": policy.path,
            "DefaultVersionId": policy.default,
            "AttachmentCount": self._attachments(policy),
            "PermissionsBoundaryUsageCount": len(self.directory.bounded_by(arn)),
            "IsAttachable": True,
            "CreateDate": moment(policy.created),
            "UpdateDate": moment(policy.updated),
        }
        if policy.tags:
            shown["Tags"] = tag_list(policy.tags)
        return shown


def _document(params: Params) -> str:
    text = checked_document(params["PolicyDocument"], Use.IDENTITY)
    if size_of(text) > MAX_SIZE:
        raise limit_exceeded(f"Cannot exceed quota for PolicySize: {MAX_SIZE}")
    return text


def _version(policy: ManagedPolicy, call: Call) -> PolicyVersion:
    wanted = call.params["VersionId"]
    for version in policy.versions:
        if version.id == wanted:
            return version
    message = f"Policy {call.params['PolicyArn']} version {wanted} does not exist or is not attachable."
    raise AwsError("NoSuchEntity", message, 404)


def _shown_version(policy: ManagedPolicy, version: PolicyVersion) -> Params:
    return {
        "VersionId": version.id,
        "IsDefaultVersion": version.id == policy.default,
        "CreateDate": moment(version.created),
    }
