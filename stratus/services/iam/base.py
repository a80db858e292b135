"""What IAM's operations share: finding users and roles, access rules, tags, pages, documents."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from stratus.iam.directory import Directory
from stratus.iam.entities import Identity, Role, User
from stratus.iam.gate import Iam
from stratus.iam.policy.document import MalformedPolicy, Use, read
from stratus.service import Access, AccessRule, Call, H, Params, Service, Surroundings, operation
from stratus.services.iam.errors import invalid_input, limit_exceeded, malformed, no_such

T = TypeVar("T")
I = TypeVar("I", bound=Identity)  # noqa: E741 - any identity

DEFAULT_PAGE = 100
MAX_TAGS = 50


class IamBase(Service):
    """One instance for the whole account: IAM is global."""

    name = "iam"

    def __init__(self, surroundings: Surroundings, iam: Iam) -> None:
        self.surroundings = surroundings
        self.iam = iam

    @property
    def directory(self) -> Directory:
        return self.iam.directory

    @property
    def account(self) -> str:
        return self.iam.account

    def role(self, name: str) -> Role:
        role = self.directory.role(name)
        if role is None:
            raise no_such("role", name)
        return role

    def user(self, name: str) -> User:
        user = self.directory.user(name)
        if user is None:
            raise no_such("user", name)
        return user

    def resource_policy(self, resource: str) -> str | None:
        """A role's trust policy guards its assumption, which is an operation of STS; IAM's own operations have none."""
        return None


def role_operation(name: str) -> Callable[[H], H]:
    """An operation on an existing role, allowed as `iam:<name>` on its ARN."""
    return operation(name, _on_identity(name, "role", "RoleName", lambda service, role: service.directory.role(role)))


def user_operation(name: str) -> Callable[[H], H]:
    """An operation on an existing user; where UserName is left out, on the caller."""
    return operation(name, _on_identity(name, "user", "UserName", lambda service, user: service.directory.user(user)))


def _on_identity(name: str, kind: str, member: str, find: Callable[[IamBase, str], Identity | None]) -> AccessRule:
    def access(service: IamBase, call: Call) -> Iterable[Access]:
        given = call.params.get(member) or caller_name(call)
        identity = find(service, given)
        arn = identity.arn(service.account) if identity else f"arn:aws:iam::{service.account}:{kind}/{given}"
        context = request_keys(call.params)
        if identity is not None:
            context |= {f"aws:ResourceTag/{tag}": (value,) for tag, value in identity.tags.items()}
            context |= {f"iam:ResourceTag/{tag}": (value,) for tag, value in identity.tags.items()}
            if identity.boundary is not None and "iam:PermissionsBoundary" not in context:
                context["iam:PermissionsBoundary"] = (identity.boundary,)
        yield Access(f"iam:{name}", arn, context)

    return access


def request_keys(params: Params) -> dict[str, tuple[str, ...]]:
    """Condition keys out of the request. Source: "Actions, resources, and condition keys for IAM" (Service Authorization Reference)."""
    keys: dict[str, tuple[str, ...]] = {}
    tags = params.get("Tags", [])
    if tags:
        keys |= {f"aws:RequestTag/{tag['Key']}": (tag["Value"],) for tag in tags}
    if tags or params.get("TagKeys"):
        keys["aws:TagKeys"] = tuple(tag["Key"] for tag in tags) or tuple(params["TagKeys"])
    for member, key in (("PermissionsBoundary", "iam:PermissionsBoundary"), ("PolicyArn", "iam:PolicyARN")):
        if member in params:
            keys[key] = (params[member],)
    return keys


def caller_name(call: Call) -> str:
    """The caller's own user name; of a caller that is no user, nothing."""
    return next(iter(call.principal.context.get("aws:username", ())), "")


def new_arn_rule(name: str, kind: str, member: str) -> AccessRule:
    """What does not exist yet is guarded by the ARN that it will have."""

    def access(service: IamBase, call: Call) -> Iterable[Access]:
        path = call.params.get("Path", "/")
        arn = f"arn:aws:iam::{service.account}:{kind}{path}{call.params[member]}"
        yield Access(f"iam:{name}", arn, request_keys(call.params))

    return access


def list_rule(name: str, kind: str) -> AccessRule:
    def access(service: IamBase, call: Call) -> Iterable[Access]:
        yield Access(f"iam:{name}", f"arn:aws:iam::{service.account}:{kind}{call.params.get('PathPrefix', '/')}")

    return access


def checked_document(text: str, use: Use) -> str:
    """`text` itself. Raises MalformedPolicyDocument."""
    try:
        read(text, use)
    except MalformedPolicy as error:
        raise malformed(str(error)) from error
    return text


def size_of(text: str) -> int:
    """Characters that count against IAM's quotas: white space does not."""
    return sum(not character.isspace() for character in text)


def encoded(document: str) -> str:
    """Documents are answered percent-encoded (RFC 3986)."""
    return quote(document, safe="")


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def tags_of(params: Params) -> dict[str, str]:
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    if len({key.lower() for key in tags}) != len(params.get("Tags", [])):
        raise invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return _checked_tags(tags)


def _checked_tags(tags: dict[str, str]) -> dict[str, str]:
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid_input("Tag keys cannot start with the reserved prefix aws:.")
    if len(tags) > MAX_TAGS:
        raise limit_exceeded(f"The number of tags has reached the maximum limit of {MAX_TAGS}.")
    return tags


def tagged(identity: I, params: Params) -> I:
    """The identity with more tags; a key that differs only in case is the same tag."""
    added = tags_of(params)
    lowered = {key.lower() for key in added}
    kept = {key: value for key, value in identity.tags.items() if key.lower() not in lowered}
    return replace(identity, tags=_checked_tags(kept | added))


def untagged(identity: I, params: Params) -> I:
    removed = {key.lower() for key in params["TagKeys"]}
    return replace(identity, tags={key: value for key, value in identity.tags.items() if key.lower() not in removed})


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def page(
    items: Sequence[T], params: Params, member: str, name: Callable[[T], str], shown: Callable[[T], Any]
) -> Params:
    """One page of `items`, which are sorted by `name`; the marker is the name of the last item shown."""
    marker = params.get("Marker")
    rest = [item for item in items if marker is None or name(item) > marker]
    limit = params.get("MaxItems", DEFAULT_PAGE)
    result: Params = {member: [shown(item) for item in rest[:limit]], "IsTruncated": len(rest) > limit}
    if len(rest) > limit:
        result["Marker"] = name(rest[limit - 1])
    return result


def boundary_of(service: IamBase, arn: str | None) -> str | None:
    """A permissions boundary must be a managed policy that exists."""
    if arn is not None and service.directory.policy(arn) is None:
        raise invalid_input(f"Scope ARN: {arn} does not exist or is not attachable.")
    return arn
