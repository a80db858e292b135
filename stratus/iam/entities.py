"""Users, roles, managed policies and access keys, as IAM keeps them. Times are seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What users and roles share: inline policies (name to text), attached managed policies (ARNs), a permissions boundary (ARN)."""

    kind: ClassVar[str]
    name: str
    id: str
    path: str = "/"
    created: float
    inline: Texts = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Texts = field(default_factory=dict)

    def arn(self, account: str) -> str:
        return f"arn:aws:iam::{account}:{self.kind}{self.path}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Identity):
    kind = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Identity):
    """`trust` is the AssumeRolePolicyDocument, `trusted` the ids of the users and roles that it names (ARN to id), which a later
    bearer of the same name does not have; `max_session` the longest session, in seconds."""

    kind = "role"
    trust: str
    trusted: Texts = field(default_factory=dict)
    description: str = ""
    max_session: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    id: str
    text: str
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """`versions` in the order made; `default` is the id of the one in force. `by_aws`: AWS's own, which nobody can change."""

    kind: ClassVar[str] = "policy"
    name: str
    id: str
    path: str = "/"
    created: float
    updated: float
    description: str = ""
    default: str
    versions: tuple[PolicyVersion, ...]
    latest: int = 1
    tags: Texts = field(default_factory=dict)
    by_aws: bool = False

    def arn(self, account: str) -> str:
        return f"arn:aws:iam::{'aws' if self.by_aws else account}:policy{self.path}{self.name}"

    @property
    def text(self) -> str:
        return next(version.text for version in self.versions if version.id == self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A user's long-term key. `sealed` is the secret under the vault's key."""

    kind: ClassVar[str] = "access key"
    name: str
    user: str
    sealed: str
    created: float
    active: bool = True


Entity = User | Role | ManagedPolicy | AccessKey
