"""What is shown: with colour and a moving line in a terminal, as plain lines anywhere else."""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A line of the answer; markup allowed."""
    out.print(text)


def plain(text: str) -> None:
    """A line that other programs read: exactly as it is."""
    sys.stdout.write(f"{text}\n")


def as_json(value: Any) -> None:
    plain(json.dumps(value, indent=2))


def warn(text: str) -> None:
    err.print(f"[yellow]{escape(text)}[/yellow]")


def fail(text: str) -> None:
    err.print(f"[red]{escape(text)}[/red]")


def pairs(rows: dict[str, str]) -> None:
    """Names and values in two columns; in a pipe `name<TAB>value`."""
    if not out.is_terminal:
        for name, value in rows.items():
            plain(f"{name}\t{value}")
        return
    table = Table(box=None, show_header=False, padding=(0, 2))
    for name, value in rows.items():
        table.add_row(f"[bold]{escape(name)}[/bold]", escape(value))
    out.print(table)


@contextlib.contextmanager
def progress(what: str) -> Iterator[Any]:
    """A line that says what is being done; call what it gives to change the line."""
    if not out.is_terminal:
        yield lambda text: None
        return
    with out.status(escape(what)) as status:
        yield lambda text: status.update(escape(text))
