"""The account's users, roles, managed policies and access keys: held in memory, each change on disk before it is seen."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import orjson

from stratus.iam.entities import AccessKey, Entity, Identity, ManagedPolicy, PolicyVersion, Role, User
from stratus.iam.managed_policies import AWS_MANAGED
from stratus.iam.policy.compiled import Policy, compiled
from stratus.iam.policy.document import Document, Use, with_principals
from stratus.storage.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entity (kind TEXT, name TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Permissions:
    """The compiled policies of one user or role."""

    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None


NO_PERMISSIONS = Permissions()
_NOTHING_ALLOWED = Policy(Document(variables=True, statements=()))


class Directory:
    """Names are unique without regard to case, as in IAM; look-ups by name want the exact one."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA)
        self._changing = asyncio.Lock()
        self._entities: dict[tuple[str, str], Entity] = {}
        self._permissions: dict[str, Permissions] = {}
        self.version = 0
        """Grows with every change; what was derived from an older one is to be derived anew."""
        for kind, body in self._database.reader.execute("SELECT kind, body FROM entity"):
            entity = _entity(kind, orjson.loads(body))
            self._entities[kind, _key(entity)] = entity
        self.account = self.setting("account") or ""

    def setting(self, name: str) -> str | None:
        row = self._database.reader.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    async def close(self) -> None:
        await self._database.close()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """One change at a time: read, decide and save inside."""
        async with self._changing:
            yield

    async def save(
        self, *entities: Entity, delete: Iterable[Entity] = (), settings: dict[str, str] | None = None
    ) -> None:
        """Writes all of it in one transaction; seen by look-ups once it is on disk."""
        removed = list(delete)

        def work(connection: Connection) -> None:
            for entity in removed:
                connection.execute("DELETE FROM entity WHERE kind = ? AND name = ?", (entity.kind, _key(entity)))
            for entity in entities:
                row = (entity.kind, _key(entity), orjson.dumps(asdict(entity)))
                connection.execute("INSERT OR REPLACE INTO entity VALUES (?, ?, ?)", row)
            for item in (settings or {}).items():
                connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", item)

        await self._database.write(work)
        for entity in removed:
            self._entities.pop((entity.kind, _key(entity)), None)
        for entity in entities:
            self._entities[entity.kind, _key(entity)] = entity
        self.account = (settings or {}).get("account", self.account)
        self._permissions.clear()
        self.version += 1

    def user(self, name: str) -> User | None:
        found = self._entities.get(("user", name.lower()))
        return found if isinstance(found, User) and found.name == name else None

    def role(self, name: str) -> Role | None:
        found = self._entities.get(("role", name.lower()))
        return found if isinstance(found, Role) and found.name == name else None

    def role_of(self, arn: str) -> Role | None:
        """The role with this ARN, path included."""
        role = self.role(arn.rpartition("/")[2])
        return role if role is not None and role.arn(self.account) == arn else None

    def access_key(self, key_id: str) -> AccessKey | None:
        found = self._entities.get(("access key", key_id.lower()))
        return found if isinstance(found, AccessKey) and found.name == key_id else None

    def policy(self, arn: str) -> ManagedPolicy | None:
        """A managed policy, the account's or AWS's own."""
        if arn in AWS_MANAGED:
            return AWS_MANAGED[arn]
        found = self._entities.get(("policy", arn.rpartition("/")[2].lower()))
        return found if isinstance(found, ManagedPolicy) and found.arn(self.account) == arn else None

    def taken(self, kind: str, name: str) -> bool:
        """Whether the name is in use, in whatever case."""
        return (kind, name.lower()) in self._entities

    def users(self) -> list[User]:
        return sorted((e for e in self._entities.values() if isinstance(e, User)), key=lambda user: user.name)

    def roles(self) -> list[Role]:
        return sorted((e for e in self._entities.values() if isinstance(e, Role)), key=lambda role: role.name)

    def policies(self) -> list[ManagedPolicy]:
        return sorted((e for e in self._entities.values() if isinstance(e, ManagedPolicy)), key=lambda p: p.name)

    def access_keys(self, user: str) -> list[AccessKey]:
        keys = (e for e in self._entities.values() if isinstance(e, AccessKey) and e.user == user)
        return sorted(keys, key=lambda key: key.created)

    def attached_to(self, policy_arn: str) -> list[User | Role]:
        """The users and roles to which a managed policy is attached."""
        identities = (e for e in self._entities.values() if isinstance(e, User | Role))
        return [identity for identity in identities if policy_arn in identity.attached]

    def bounded_by(self, policy_arn: str) -> list[User | Role]:
        """The users and roles whose permissions boundary is this managed policy."""
        return [e for e in self._entities.values() if isinstance(e, User | Role) and e.boundary == policy_arn]

    def identity(self, arn: str) -> User | Role | None:
        """The user or role with this ARN."""
        kind = arn.split(":", 5)[-1].partition("/")[0]
        found = self._entities.get((kind, arn.rpartition("/")[2].lower()))
        return found if isinstance(found, User | Role) and found.arn(self.account) == arn else None

    def trust(self, role: Role) -> str:
        """The trust policy in force. Who was deleted after they were named stands there with their unique id, as IAM shows it, and so
        does not pass the trust on to whoever gets the name next.
        """
        gone = {}
        for arn, unique_id in role.trusted.items():
            identity = self.identity(arn)
            if identity is None or identity.id != unique_id:
                gone[arn] = unique_id
        return with_principals(role.trust, gone) if gone else role.trust

    def permissions(self, arn: str) -> Permissions:
        """The policies of a user or role; of one that does not exist, none."""
        found = self._permissions.get(arn)
        if found is None:
            identity = self.identity(arn)
            if identity is None:
                return NO_PERMISSIONS
            found = self._permissions[arn] = self._compile(identity)
        return found

    def _compile(self, identity: Identity) -> Permissions:
        texts = [*identity.inline.values()]
        texts += [policy.text for arn in identity.attached if (policy := self.policy(arn)) is not None]
        return Permissions(tuple(compiled(text, Use.IDENTITY) for text in texts), self._boundary(identity))

    def _boundary(self, identity: Identity) -> Policy | None:
        """A boundary that cannot be found allows nothing, rather than everything."""
        if identity.boundary is None:
            return None
        policy = self.policy(identity.boundary)
        return _NOTHING_ALLOWED if policy is None else compiled(policy.text, Use.IDENTITY)


def _key(entity: Entity) -> str:
    return entity.name.lower()


_KINDS: dict[str, type[Entity]] = {kind.kind: kind for kind in (User, Role, ManagedPolicy, AccessKey)}


def _entity(kind: str, body: dict[str, Any]) -> Entity:
    """The entity that `asdict` wrote."""
    if "attached" in body:
        body["attached"] = tuple(body["attached"])
    if "versions" in body:
        body["versions"] = tuple(PolicyVersion(**version) for version in body["versions"])
    return _KINDS[kind](**body)
