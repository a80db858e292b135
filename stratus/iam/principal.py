"""Who is calling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

ContextValues = Mapping[str, tuple[str, ...]]


class Kind(Enum):
    USER = "user"  # an IAM user; the administrator is one
    ROLE_SESSION = "role session"  # temporary credentials of an assumed role
    SERVICE = "service"  # an AWS service acting for itself, `lambda.amazonaws.com`
    ANONYMOUS = "anonymous"  # no credentials at all


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller (or the anonymous one).

    `arn` is what `aws:PrincipalArn` starts from and what error messages name: `arn:aws:iam::1:user/admin`,
    `arn:aws:sts::1:assumed-role/Reader/session`; for a service its host name `apigateway.amazonaws.com`.
    `identity` is the ARN whose identity policies apply (the user, or the role behind a session; "" for services and
    anonymous). `context` holds condition keys that come with the credentials (`aws:userid`, `aws:FederatedProvider`,
    `cognito-identity.amazonaws.com:sub`, ...). `session_policies` are the JSON texts of session policies, which can only narrow.
    """

    kind: Kind
    arn: str
    account: str
    identity: str = ""
    access_key_id: str = ""
    context: ContextValues = field(default_factory=dict)
    session_policies: tuple[str, ...] = ()


ANONYMOUS = Principal(Kind.ANONYMOUS, arn="anonymous", account="")


def service_principal(host: str) -> Principal:
    """An AWS service as caller: `service_principal("apigateway.amazonaws.com")`."""
    return Principal(Kind.SERVICE, arn=host, account="")
