"""What is shown: with colour and a moving line in a terminal, as plain lines anywhere else."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
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


def warn_box(title: str, sentences: Sequence[str]) -> None:
    """Warnings that must not be overlooked: in a box, in a pipe one line each."""
    if not err.is_terminal:
        for sentence in sentences:
            err.print(f"warning: {escape(sentence)}")
    elif sentences:
        lines = "\n".join(f"• {escape(sentence)}" for sentence in sentences)
        err.print(Panel(lines, title=title, title_align="left", border_style="yellow", expand=False), soft_wrap=False)


def heading(text: str) -> None:
    """Starts a part of the answer; in a pipe the line `[text]`."""
    out.print(f"\n[bold]{escape(text)}[/bold]" if out.is_terminal else f"\\[{escape(text)}]")


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


Tell = Callable[[str, int, int], None]
"""Says what is being done, how many parts of it are, and of how many (0: nobody knows)."""


@contextlib.contextmanager
def progress(what: str) -> Iterator[Tell]:
    """A moving line in a terminal that says what is being done; call what it gives to change the line."""
    columns = (SpinnerColumn(), BarColumn(bar_width=24), TextColumn("{task.description}"))
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as shown:
        task = shown.add_task(escape(what), total=None)

        def tell(text: str, done: int, of: int) -> None:
            count = f"  {done} of {of}" if of else ""
            shown.update(task, description=escape(text) + count, completed=done, total=of or None)

        yield tell
