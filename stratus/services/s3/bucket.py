"""Buckets: their names, unique across all regions, and their settings."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any

from stratus.services.s3.lifecycle import Rule, read_rules
from stratus.wire.errors import AwsError

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")

ALL_BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
"""What every bucket starts with, as on AWS since April 2023."""


def check_name(name: str) -> None:
    """Raises InvalidBucketName (S3 User Guide, "General purpose bucket naming rules")."""
    if (
        not NAME.fullmatch(name)
        or ".." in name
        or _is_address(name)
        or name.startswith(RESERVED_PREFIXES)
        or name.endswith(RESERVED_SUFFIXES)
    ):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, members={"BucketName": name})


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


@dataclass(slots=True, eq=False)
class Bucket:
    """One bucket. `settings` are its sub-resources in the API's own shapes, by the API's name (`Policy`, `Cors`, ...)."""

    id: int
    name: str
    region: str
    created: int
    settings: dict[str, Any] = field(default_factory=dict)
    lifecycle: list[Rule] = field(init=False)
    """The rules in `settings`, read."""

    def __post_init__(self) -> None:
        self.lifecycle = read_rules(self.settings.get("Lifecycle") or [])

    def change(self, setting: str, value: Any) -> None:
        """Sets a sub-resource; None removes it."""
        self.settings = {**self.settings, setting: value}
        self.lifecycle = read_rules(self.settings.get("Lifecycle") or [])

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"

    @property
    def versioning(self) -> str | None:
        """`Enabled`, `Suspended`, or None if it never was."""
        status: str | None = self.settings.get("Versioning")
        return status

    @property
    def policy(self) -> str | None:
        text: str | None = self.settings.get("Policy")
        return text

    @property
    def public_access_block(self) -> dict[str, bool]:
        return self.settings.get("PublicAccessBlock") or {}


class BucketDirectory:
    """Every bucket of every region by name: one for the whole cloud, filled by each region's S3 as it starts."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._claimed: set[str] = set()

    def find(self, name: str) -> Bucket | None:
        return self._buckets.get(name)

    def all(self) -> list[Bucket]:
        return sorted(self._buckets.values(), key=lambda bucket: bucket.name)

    def add(self, bucket: Bucket) -> None:
        self._claimed.discard(bucket.name)
        self._buckets[bucket.name] = bucket

    def remove(self, bucket: Bucket) -> None:
        self._buckets.pop(bucket.name, None)

    def claim(self, name: str) -> bool:
        """Takes a free name until `add` or `unclaim`; False if it is not free."""
        if name in self._buckets or name in self._claimed:
            return False
        self._claimed.add(name)
        return True

    def unclaim(self, name: str) -> None:
        self._claimed.discard(name)
