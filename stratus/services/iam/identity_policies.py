"""Inline and attached policies, boundaries and tags: the same for users and roles, so written once for both."""

from dataclasses import replace

from stratus.iam.entities import Identity, Role, User
from stratus.iam.policy.document import Use
from stratus.service import Params
from stratus.services.iam.base import IamBase, boundary_of, checked_document, encoded, page, size_of, tag_list
from stratus.services.iam.base import tagged as with_tags
from stratus.services.iam.base import untagged as without_tags
from stratus.services.iam.errors import limit_exceeded, no_such, no_such_policy
from stratus.wire.errors import AwsError

MAX_ATTACHED = 10
MAX_INLINE = {"role": 10_240, "user": 2_048}
_KINDS = {"role": "Role", "user": "User"}


class IdentityPolicies:
    """The policies of `identity`, changed inside `Directory.changing()`."""

    def __init__(self, service: IamBase, identity: User | Role) -> None:
        self._service = service
        self._identity = identity

    async def put(self, name: str, document: str) -> None:
        checked_document(document, Use.IDENTITY)
        inline = {**self._identity.inline, name: document}
        limit = MAX_INLINE[self._identity.kind]
        if sum(size_of(text) for text in inline.values()) > limit:
            raise limit_exceeded(
                f"Maximum policy size of {limit} bytes exceeded for {self._identity.kind} {self._identity.name}"
            )
        await self._save(inline=inline)

    def get(self, name: str) -> Params:
        kind = _KINDS[self._identity.kind]
        document = self._inline(name)
        return {f"{kind}Name": self._identity.name, "PolicyName": name, "PolicyDocument": encoded(document)}

    async def delete(self, name: str) -> None:
        self._inline(name)
        await self._save(inline={key: text for key, text in self._identity.inline.items() if key != name})

    def names(self, params: Params) -> Params:
        return page(sorted(self._identity.inline), params, "PolicyNames", str, str)

    async def attach(self, arn: str) -> None:
        if self._service.directory.policy(arn) is None:
            raise AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404)
        if arn in self._identity.attached:
            return
        if len(self._identity.attached) >= MAX_ATTACHED:
            raise limit_exceeded(f"Cannot exceed quota for PoliciesPer{_KINDS[self._identity.kind]}: {MAX_ATTACHED}")
        await self._save(attached=(*self._identity.attached, arn))

    async def detach(self, arn: str) -> None:
        if arn not in self._identity.attached:
            raise no_such_policy(arn)
        await self._save(attached=tuple(other for other in self._identity.attached if other != arn))

    def attached(self, params: Params) -> Params:
        prefix = params.get("PathPrefix", "/")
        arns = sorted(arn for arn in self._identity.attached if f"/{arn.partition('/')[2]}".startswith(prefix))
        return page(
            arns,
            params,
            "AttachedPolicies",
            str,
            lambda arn: {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn},
        )

    async def bound(self, arn: str | None) -> None:
        if arn is None and self._identity.boundary is None:
            raise AwsError(
                "NoSuchEntity", f"{self._identity.arn(self._service.account)} has no permissions boundary.", 404
            )
        await self._save(boundary=boundary_of(self._service, arn))

    async def tag(self, params: Params) -> None:
        await self._service.directory.save(with_tags(self._identity, params))

    async def untag(self, params: Params) -> None:
        await self._service.directory.save(without_tags(self._identity, params))

    def tags(self, params: Params) -> Params:
        tags = sorted(self._identity.tags.items())
        return page(tags, params, "Tags", lambda tag: tag[0], lambda tag: tag_list(dict([tag]))[0])

    def _inline(self, name: str) -> str:
        if name not in self._identity.inline:
            raise no_such(f"{self._identity.kind} policy", name)
        return self._identity.inline[name]

    async def _save(self, **changes: object) -> None:
        await self._service.directory.save(replace(self._identity, **changes))  # type: ignore[arg-type] # fields by name


def attached_boundary(identity: Identity) -> Params:
    if identity.boundary is None:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": identity.boundary}}
