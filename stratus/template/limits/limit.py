"""One rule of AWS about a resource's properties that neither CloudFormation's schemas nor cfn-lint know."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stratus.template.errors import Path
from stratus.template.intrinsics import Unknown

Finding = tuple[Path, str]
"""Where in the properties, and what is wrong with it and what to do."""


@dataclass(frozen=True)
class Limit:
    """`broken` gives every place in the properties that AWS would not take; `Unknown` values are not judged.

    `id` is the rule's number in cfn-lint, whose own range for foreign rules is 9xxx.
    """

    id: str
    title: str
    source: str
    """The page of AWS's documentation that says it."""
    resource_type: str
    broken: Callable[[Mapping[str, Any]], Iterator[Finding]]


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where it is a mapping, else an empty one: its shape is for the schema to judge."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings in a list, with their indexes."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield index, item


def known(value: Any) -> Any:
    """`value`, or None where it is known only once a resource is made."""
    return None if isinstance(value, Unknown) else value
