"""Writes the attack table into docs/security.md: `python -m tests.attacks.document` from the root of the repository."""

import itertools
import re
from pathlib import Path

from tests.attacks.table import Attack, table

FILE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
BEGIN = "<!-- attacks: made by `python -m tests.attacks.document`, do not edit by hand -->"
END = "<!-- end of attacks -->"


def document() -> str:
    """The whole of docs/security.md, with the table as it is now."""
    text = FILE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{_sections()}\n{END}{after}"


def _sections() -> str:
    return "\n".join(_section(heading, rows) for heading, rows in table().items())


def _section(heading: str, rows: list[Attack]) -> str:
    """Variants of a row that get the same answer share a line."""
    lines = [f"### {heading}", "", "| id | what the attacker does | what they get |", "| --- | --- | --- |"]
    for (name, expected), alike in itertools.groupby(rows, lambda row: (row.name, row.expected)):
        lines.append(f"| {name} | {_what(list(alike))} | {expected} |")
    return "\n".join([*lines, ""])


def _what(rows: list[Attack]) -> str:
    variants = ", ".join(_shown(row.variant) for row in rows if row.variant is not None)
    return rows[0].what.replace("{}", variants)


def _shown(text: str) -> str:
    """The text of a variant as it can stand in a table of Markdown."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9 -]*[a-z0-9]", text):
        return text
    if len(text) > 60:
        text = f"{text[:20]}... ({len(text)} characters)"
    return f"`{text.encode('unicode_escape').decode('ascii') or ' '}`".replace("|", "\\|")


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
