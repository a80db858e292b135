"""How a resource type is made, changed and deleted: through the API of its service, as CloudFormation does."""

import secrets
import string
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from stratus.iam.principal import Principal
from stratus.service import Addresses, Caller
from stratus.template.schema import create_only
from stratus.wire.errors import AwsError

Properties = Mapping[str, Any]

_ALPHABET = string.ascii_uppercase + string.digits

NOT_FOUND = frozenset(
    {
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchEntityException",
        "NotFoundException",
        "ResourceNotFoundException",
    }
)


@dataclass(frozen=True)
class Made:
    """A resource that exists: `physical_id` is what Ref gives, `attributes` what Fn::GetAtt gives."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


class Ports(Addresses, Protocol):
    """Local addresses, with ports for what AWS gives a host name of its own."""

    def port_of(self, kind: str, region: str, name: str) -> int:
        """Raises NoPortLeft."""
        ...

    def release(self, kind: str, region: str, name: str) -> None: ...


@dataclass(frozen=True)
class Site:
    """Where a stack's resources are made, and as whom."""

    caller: Caller
    principal: Principal
    region: str
    account: str
    stack: str
    addresses: Ports

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Runs one API operation; parameters that are None are left out. Raises AwsError."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self.caller.call(self.principal, self.region, service, operation, given)

    async def call_if_there(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        """Runs one API operation on what may be gone already; None if it is."""
        try:
            return await self.call(service, operation, **params)
        except AwsError as error:
            if error.code in NOT_FOUND:
                return None
            raise

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def generated_name(self, logical_id: str, limit: int) -> str:
        """A physical name as CloudFormation makes them, `stack-LogicalId-RANDOM`, not longer than `limit`."""
        suffix = "".join(secrets.choice(_ALPHABET) for _ in range(12))
        room = limit - len(suffix) - 2
        logical = logical_id[: max(room // 2, room - len(self.stack))]
        return f"{self.stack[: room - len(logical)]}-{logical}-{suffix}"


class ResourceType(ABC):
    """One resource type. Instances hold no state. `create`, `update` and `delete` may raise AwsError."""

    type: ClassVar[str]
    name_property: ClassVar[str | None] = None
    """The property that names the resource, where its maker may choose the name."""
    name_limit: ClassVar[int] = 64

    def name(self, site: Site, logical_id: str, properties: Properties) -> str:
        """The physical name to create it under; empty where the service chooses."""
        if self.name_property is None:
            return ""
        return str(properties.get(self.name_property) or site.generated_name(logical_id, self.name_limit))

    async def exists(self, site: Site, name: str) -> bool:
        """Whether there is such a resource already; asked before one is created under a name that the template chose."""
        return False

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether the change from `old` to `new` makes a new resource."""
        return bool(changed(old, new) & create_only(self.type))

    @abstractmethod
    async def create(self, site: Site, name: str, properties: Properties) -> Made: ...

    @abstractmethod
    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made: ...

    @abstractmethod
    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Deletes it; being gone already is no error."""

    async def erase(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Deletes it with all its data, past every protection: only when its owner typed the stack's name."""
        await self.delete(site, physical_id, properties)


class Recorded(ResourceType):
    """A resource type that has no effect on one machine: it has a name and an ARN, nothing else happens."""

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        return Made(name, self.attributes(site, name))

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        return Made(physical_id, self.attributes(site, physical_id))

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        return None

    def attributes(self, site: Site, name: str) -> dict[str, Any]:
        return {}


def changed(old: Properties, new: Properties) -> set[str]:
    """The names of properties that differ."""
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def picked(properties: Properties, names: Collection[str]) -> dict[str, Any]:
    """The given ones of `names`."""
    return {name: properties[name] for name in names if name in properties}
