"""What templates say that has no effect on one machine: in short after a change, in full by `stratus notices`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from stratus.cli import screen, showing
from stratus.cli.failures import bad_input

if TYPE_CHECKING:
    from stratus.template.notice import Notice


def show(data: Path, stack: str | None, *, as_json: bool) -> None:
    """Prints every notice of one stack or all, those first that leave something less protected."""
    stacks = {
        record.name: record.without_effect
        for reader in showing.readers(data)
        for record in reader.stacks()
        if stack in (None, record.name)
    }
    if stack is not None and not stacks:
        raise bad_input(f"There is no stack {stack} in {data}.")
    if as_json:
        screen.as_json({name: [asdict(each) for each in notices] for name, notices in stacks.items()})
        return
    for name, notices in stacks.items():
        screen.say(f"[bold]{escape(name)}[/bold]")
        _print("Less protected here than on AWS", [each for each in notices if each.protects])
        _print("Without effect here", [each for each in notices if not each.protects])


def protections(notices: Iterable["Notice"]) -> list[str]:
    """A sentence for each protection that AWS would give and one machine does not."""
    return [
        f"{', '.join(notice.resources)}: {notice.name} has no effect here; {notice.reason}"
        for notice in notices
        if notice.protects
    ]


def summary(stacks: Mapping[str, Sequence["Notice"]]) -> str:
    """`9 settings have no effect on one machine (Alarm, Tags ...)`; empty where there are none."""
    notices = [each for notices in stacks.values() for each in notices if not each.protects]
    if not notices:
        return ""
    names = dict.fromkeys((each.setting.rpartition(".")[2]).rpartition("::")[2] for each in notices)
    settings = "1 setting has" if len(notices) == 1 else f"{len(notices)} settings have"
    return f"{settings} no effect on one machine ({', '.join(names)})"


def _print(heading: str, notices: Sequence["Notice"]) -> None:
    """Grouped by reason."""
    if not notices:
        return
    screen.say(f"  [{'yellow' if notices[0].protects else 'cyan'}]{heading}[/]")
    reasons: dict[str, list[Notice]] = {}
    for notice in sorted(notices, key=lambda each: each.setting):
        reasons.setdefault(notice.reason, []).append(notice)
    for reason, group in reasons.items():
        screen.say(f"    {escape(reason[0].upper() + reason[1:])}.")
        for notice in group:
            screen.say(f"      [dim]{escape(notice.setting)} ({', '.join(notice.resources)})[/dim]")
