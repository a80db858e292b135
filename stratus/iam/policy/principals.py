"""The Principal element: whom a resource policy names, and how closely.

Source: "AWS JSON policy elements: Principal" and "... NotPrincipal" (IAM User Guide).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Grant(IntEnum):
    """How closely a statement names the requester: what still limits the grant depends on it."""

    NONE = 0
    ACCOUNT = 1  # the account: it delegates, so identity policies must allow too
    IDENTITY = 2  # the role, or everyone: boundary and session policies still limit
    REQUESTER = 3  # the user, the session, the service itself: nothing but an explicit deny limits


@dataclass(frozen=True, slots=True)
class Requester:
    """The names under which a caller can stand in a Principal element.

    `direct` is the ARN of a user or of a role session, `identity` that of the role behind a session (of a user: again its own);
    `service` a host name; `federated` the identity provider of a web identity. An anonymous caller has none of them.
    """

    account: str = ""
    direct: str = ""
    identity: str = ""
    service: str = ""
    federated: str = ""

    @property
    def chain(self) -> tuple[tuple[str, str], ...]:
        """Every name, as (type, name): to be exempt by NotPrincipal, each of them must be listed."""
        names = [("Service", self.service), ("Federated", self.federated), ("AWS", self.direct), ("AWS", self.identity)]
        if self.direct:
            names.append(("AWS", self.account))
        return tuple((kind, name) for kind, name in names if name)


class PrincipalMatcher:
    """A compiled Principal or NotPrincipal element."""

    __slots__ = ("_allow", "_aws", "_everyone", "_federated", "_listed", "_negated", "_services")

    def __init__(self, principals: Mapping[str, tuple[str, ...]], *, negated: bool, allow: bool) -> None:
        aws = {_account_of_root(name) for name in principals.get("AWS", ())}
        self._everyone = "*" in aws
        self._aws = aws
        self._services = frozenset(principals.get("Service", ()))
        self._federated = frozenset(principals.get("Federated", ()))
        self._listed = {("AWS", name) for name in aws}
        self._listed |= {(kind, name) for kind in ("Service", "Federated") for name in principals.get(kind, ())}
        self._negated = negated
        self._allow = allow

    def grant(self, requester: Requester) -> Grant:
        if self._negated:
            return self._grant_of_others(requester)
        if requester.direct and requester.direct in self._aws:
            return Grant.REQUESTER
        if requester.service in self._services or requester.federated in self._federated:
            return Grant.REQUESTER
        if self._everyone or (requester.identity and requester.identity in self._aws):
            return Grant.IDENTITY
        if requester.account and requester.account in self._aws:
            return Grant.ACCOUNT
        return Grant.NONE

    def _grant_of_others(self, requester: Requester) -> Grant:
        if self._everyone:
            return Grant.NONE
        listed = [name in self._listed for name in requester.chain]
        exempt = any(listed) if self._allow else bool(listed) and all(listed)
        return Grant.NONE if exempt else Grant.IDENTITY


def _account_of_root(name: str) -> str:
    """`arn:aws:iam::1:root` is another way to write the account `1`."""
    if name.startswith("arn:aws:iam::") and name.endswith(":root"):
        return name.split(":")[4]
    return name
