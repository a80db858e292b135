"""What is accepted and has no effect on one machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Notice:
    """One property, or with "*" a whole resource type, that is recorded; `resources` are the logical ids it was given to."""

    resource_type: str
    name: str
    reason: str
    protects: bool
    """Whether it protects something on AWS that is without this protection here."""
    resources: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Notice":
        return cls(**{**document, "resources": tuple(document["resources"])})

    @property
    def setting(self) -> str:
        """`AWS::DynamoDB::Table.TableClass`."""
        return self.resource_type if self.name == "*" else f"{self.resource_type}.{self.name}"
