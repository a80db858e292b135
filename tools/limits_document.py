"""Writes docs/aws-limits.md from the rules themselves: `python tools/limits_document.py`."""

from pathlib import Path

from stratus.template.limits import LIMITS

FILE = Path(__file__).parent.parent / "docs" / "aws-limits.md"

_INTRODUCTION = """# Rules of AWS that cfn-lint does not know

Made by `python tools/limits_document.py` from `stratus/template/limits`: do not edit by hand; a test compares.

A template that breaks one of these passes cfn-lint and fails in the middle of a deployment to AWS. So each is held twice by the same code:
`stratus up` refuses it with its place in the file before anything is made, and so does cfn-lint (`make check` runs it):

    cfn-lint -a tools/cfn_lint_rules -t apps/todolist/template.yaml

Values that are known only once a resource is made are not judged.

| Rule | Resource type | What AWS takes | Source |
| --- | --- | --- | --- |
"""


def document() -> str:
    """The whole text."""
    rows = [f"| {limit.id} | `{limit.resource_type}` | {limit.title} | [AWS]({limit.source}) |" for limit in LIMITS]
    return _INTRODUCTION + "\n".join(rows) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
