"""Writes docs/resources.md from the table of resource types and their properties: `python tools/resource_document.py`."""

from pathlib import Path

from stratus.template.classes import Classes, table
from stratus.template.schema import create_only, read_only

FILE = Path(__file__).parent.parent / "docs" / "resources.md"

_INTRODUCTION = """# Resources of a template

Made by `python tools/resource_document.py` from `stratus/template/resources/classes.yaml`: do not edit by hand; a test compares.

What `stratus up` runs is the file that `make deploy` ships. Every property of every resource type below is in one of three classes: **done** as
CloudFormation does it; **recorded**, accepted and without effect on one machine, which `up` says once; **refused**, an error with its place in the
template and what to do. A resource type that is not below is refused by its name. SAM's types (`AWS::Serverless::*`) are translated into these
first, by AWS's own translator. What is recorded and marked **(!)** protects something on AWS, and not here: `up` warns of it.

What a stack of yours names in vain is listed by `stratus notices`. Rules of AWS that hold for values, here and there, stand in
[aws-limits.md](aws-limits.md).

In *done*, properties in italics replace the resource when they change; `Fn::GetAtt` lists the attributes.
"""


def document() -> str:
    """The whole text."""
    return "\n".join([_INTRODUCTION, *(_section(name, classes) for name, classes in sorted(table().items()))])


def _section(resource_type: str, classes: Classes) -> str:
    attributes, replacing = read_only(resource_type), create_only(resource_type)
    done = [f"*{name}*" if name in replacing else name for name in sorted(classes.done - attributes)]
    lines = [f"## {resource_type}", ""]
    if done:
        lines += [f"- **done**: {', '.join(done)}"]
    if given := sorted(classes.done & attributes):
        lines += [f"- **Fn::GetAtt**: {', '.join(given)}"]
    for heading, rows in (("recorded", classes.recorded), ("refused", classes.refused)):
        if rows:
            lines += [f"- **{heading}**:"]
            lines += [
                f"  - {_shown(name)}{' **(!)**' if name in classes.protects else ''}: {reason}"
                for name, reason in sorted(rows.items())
            ]
    if classes.only:
        lines += ["- **only** these values or members:"]
        lines += [f"  - `{name}`: {', '.join(map(str, values))}" for name, values in sorted(classes.only.items())]
    return "\n".join([*lines, ""])


def _shown(name: str) -> str:
    return "every other property" if name == "*" else f"`{name}`"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(document(), encoding="utf-8")
