"""Role sessions: temporary credentials, made for who may assume a role and read back from their own tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from stratus.iam.credentials import BadSeal, Credentials, Vault, new_secret, unique_id
from stratus.iam.directory import Directory
from stratus.iam.entities import Role
from stratus.iam.principal import ContextValues, Kind, Principal

_PURPOSE = "session"
MAX_REMEMBERED = 4096
_NOTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its token says: what its holder signs with and who that is, until `expires` (seconds since the epoch)."""

    access_key_id: str
    secret: str
    expires: float
    principal: Principal


class Sessions:
    """Makes and reads session tokens. A token stops working with its role, even when another of the same name comes."""

    def __init__(self, vault: Vault, directory: Directory) -> None:
        self._vault = vault
        self._directory = directory
        self._read: dict[str, Session] = {}
        self._read_at = -1

    def begin(
        self,
        role: Role,
        name: str,
        now: float,
        seconds: int,
        *,
        policy: str | None = None,
        policy_arns: tuple[str, ...] = (),
        context: ContextValues | None = None,
    ) -> tuple[Credentials, Principal]:
        """Credentials of `role` as session `name`, valid for `seconds`.

        `policy` (a document) and `policy_arns` (managed policies) narrow the session; `context` holds the condition keys of a web
        identity. Checks no trust: that is whoever calls.
        """
        content = {
            "key": unique_id("ASIA"),
            "secret": new_secret(),
            "issued": float(now),
            "expires": float(now + seconds),
            "role": role.name,
            "role_id": role.id,
            "name": name,
            "policy": policy,
            "policy_arns": list(policy_arns),
            "context": {key: list(values) for key, values in (context or {}).items()},
        }
        token = self._vault.seal(_PURPOSE, content)
        session = self._session(content, role)
        return Credentials(session.access_key_id, session.secret, token, session.expires), session.principal

    def read(self, token: str) -> Session:
        """The session of a token, however old. Raises BadSeal when the token is not ours, or its role is gone."""
        if self._read_at != self._directory.version or len(self._read) >= MAX_REMEMBERED:
            self._read.clear()
            self._read_at = self._directory.version
        session = self._read.get(token)
        if session is None:
            content = self._vault.unseal(_PURPOSE, token)
            assert isinstance(content, dict)
            role = self._directory.role(content["role"])
            if role is None or role.id != content["role_id"]:
                raise BadSeal
            session = self._read[token] = self._session(content, role)
        return session

    def _session(self, content: Mapping[str, object], role: Role) -> Session:
        account = self._directory.account
        name, key, expires, issued = content["name"], content["key"], content["expires"], content["issued"]
        assert isinstance(name, str)
        assert isinstance(key, str)
        assert isinstance(expires, float)
        assert isinstance(issued, float)
        own = content["context"]
        assert isinstance(own, dict)
        context = {keyword: tuple(values) for keyword, values in own.items()}
        context["aws:userid"] = (f"{role.id}:{name}",)
        context["aws:TokenIssueTime"] = (datetime.fromtimestamp(issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),)
        context["aws:MultiFactorAuthPresent"] = ("false",)
        context |= {f"aws:PrincipalTag/{tag}": (value,) for tag, value in role.tags.items()}
        principal = Principal(
            Kind.ROLE_SESSION,
            arn=f"arn:aws:sts::{account}:assumed-role/{role.name}/{name}",
            account=account,
            identity=role.arn(account),
            access_key_id=key,
            context=context,
            session_policies=self._session_policies(content),
        )
        return Session(key, str(content["secret"]), expires, principal)

    def _session_policies(self, content: Mapping[str, object]) -> tuple[str, ...]:
        inline, arns = content["policy"], content["policy_arns"]
        assert isinstance(arns, list)
        policies = [self._directory.policy(arn) for arn in arns]
        texts = [policy.text if policy else _NOTHING for policy in policies]
        return (inline, *texts) if isinstance(inline, str) else tuple(texts)
