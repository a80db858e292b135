"""Copies the CloudFormation schemas of the resource types that Stratus handles out of cfn-lint, leaving out what only people read.

Run `python tools/cloudformation_schemas.py` after cfn-lint was updated, then place new properties in `classes.yaml`; a test compares.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

RESOURCES = Path(__file__).parent.parent / "stratus" / "template" / "resources"
KEPT = {
    "additionalProperties",
    "conditionalCreateOnlyProperties",
    "createOnlyProperties",
    "definitions",
    "properties",
    "readOnlyProperties",
    "required",
    "typeName",
}
PROSE = {"description", "title", "examples", "$comment", "markdownDescription", "relationshipRef"}


def schema(resource_type: str) -> dict[str, Any]:
    """The schema of one resource type as it is committed."""
    full = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    return {key: _without_prose(value) for key, value in sorted(full.items()) if key in KEPT}


def _without_prose(value: Any, *, names: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_prose(item, names=key in ("properties", "definitions", "patternProperties") and not names)
            for key, item in value.items()
            if names or not (key in PROSE or (key == "pattern" and not _compiles(item)))
        }
    return [_without_prose(item) for item in value] if isinstance(value, list) else value


def _compiles(pattern: Any) -> bool:
    """Some patterns are of other languages (`\\p{L}`); what they ask for, the services themselves check."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def rendered(resource_type: str) -> str:
    """The committed file's text."""
    return json.dumps(schema(resource_type), indent=1, sort_keys=True) + "\n"


def file_of(resource_type: str) -> Path:
    return RESOURCES / "schemas" / f"{resource_type.replace('::', '-')}.json"


def main() -> None:
    for resource_type in yaml.safe_load((RESOURCES / "classes.yaml").read_text()):
        file_of(resource_type).write_text(rendered(resource_type))


if __name__ == "__main__":
    main()
