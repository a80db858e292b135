"""The decision, in AWS's order: an explicit deny anywhere, then the grants of resource, identity, boundary and session policies.

Source: "Policy evaluation logic" (IAM User Guide), within one account and across accounts; there are no organisations here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from stratus.iam.policy.compiled import Policy
from stratus.iam.policy.context import Context
from stratus.iam.policy.principals import Grant, Requester


class Layer(Enum):
    """A kind of policy, as access denied messages call it."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True, slots=True)
class Denial:
    """Which layer denied: by a statement (`explicit`), or because none of its statements allows."""

    layer: Layer
    explicit: bool


@dataclass(frozen=True, slots=True)
class Policies:
    """All that bears on one access. `boundary` None and `session` empty limit nothing.

    `resource_must_grant`: the resource policy alone opens the resource (a role's trust policy), whatever identity policies say.
    `same_account`: requester and resource belong to one account; otherwise both sides must allow.
    """

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] = ()
    resource: Policy | None = None
    resource_must_grant: bool = False
    same_account: bool = True


def decide(requester: Requester, action: str, resource: str, policies: Policies, context: Context) -> Denial | None:
    """None when the access is allowed."""
    grant = Grant.NONE
    if policies.resource is not None:
        found = _resource_grant(policies.resource, requester, action, resource, context)
        if found is None:
            return Denial(Layer.TRUST if policies.resource_must_grant else Layer.RESOURCE, explicit=True)
        grant = found
    limits = _limits(policies, action, resource, context)
    if isinstance(limits, Denial) and limits.explicit:
        return limits
    identity = _allows(policies.identity, action, resource, context)
    if identity is None:
        return Denial(Layer.IDENTITY, explicit=True)
    if policies.resource_must_grant and grant is Grant.NONE:
        return Denial(Layer.TRUST, explicit=False)
    if policies.same_account:
        if grant is Grant.REQUESTER:
            return None
        return limits if identity or grant is Grant.IDENTITY else _nobody_allows(requester)
    if grant is Grant.NONE:
        return Denial(Layer.RESOURCE, explicit=False)
    return limits if identity else _nobody_allows(requester)


def _nobody_allows(requester: Requester) -> Denial:
    return Denial(Layer.IDENTITY if requester.identity else Layer.RESOURCE, explicit=False)


def _resource_grant(policy: Policy, requester: Requester, action: str, resource: str, context: Context) -> Grant | None:
    """The closest grant of any statement; None when one denies."""
    best = Grant.NONE
    for statement in policy.naming(action):
        grant = statement.grant(requester)
        if (grant > best or not statement.allow) and grant and statement.applies(resource, context):
            if not statement.allow:
                return None
            best = grant
    return best


def _limits(policies: Policies, action: str, resource: str, context: Context) -> Denial | None:
    """What boundary and session policies take away; they never give."""
    missing: Denial | None = None
    layers: tuple[tuple[Layer, Sequence[Policy]], ...] = (
        (Layer.BOUNDARY, () if policies.boundary is None else (policies.boundary,)),
        (Layer.SESSION, policies.session),
    )
    for layer, limiting in layers:
        if limiting:
            allowed = _allows(limiting, action, resource, context)
            if allowed is None:
                return Denial(layer, explicit=True)
            if not allowed and missing is None:
                missing = Denial(layer, explicit=False)
    return missing


def _allows(policies: Iterable[Policy], action: str, resource: str, context: Context) -> bool | None:
    """Whether any statement allows; None when one denies."""
    allowed = False
    for policy in policies:
        for statement in policy.naming(action):
            if (not statement.allow or not allowed) and statement.applies(resource, context):
                if not statement.allow:
                    return None
                allowed = True
    return allowed
