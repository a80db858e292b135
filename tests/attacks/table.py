"""The attack table: rows that say what an attacker does and what they must get, each carried out against a running cloud.

A row is a function of `rows/`: its name is the row's id, its docstring says what the attacker does, `@attack` what they must get, as
`status code` with AWS's error code (or the kind of the application's problem). The module is the target, and its docstring the heading.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tests.attacks.answers import seen
from tests.attacks.world import World

TARGETS = (
    "signatures",
    "presigned",
    "chunks",
    "tokens",
    "signing_in",
    "other_users",
    "roles",
    "files",
    "functions",
    "paths",
    "hosts",
)

Act = Callable[[World], Any]


@dataclass(frozen=True)
class Attack:
    """One row. `expected` is what the attacker must get: `status code`."""

    target: str
    name: str
    what: str
    expected: str
    act: Act
    variant: str | None = None

    @property
    def id(self) -> str:
        return self.name if self.variant is None else f"{self.name}-{_slug(self.variant)}"

    def carry_out(self, world: World) -> str:
        """What the attacker gets, in the words of `expected`."""
        try:
            return seen(self.act(world))
        except ClientError as refused:
            return seen(refused)


_rows: dict[str, list[Attack]] = {}


def attack(expected: str | Mapping[str, str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a row of a function of the world. With a mapping, a row for each key, which the function takes too and `{}` in its docstring shows."""

    def add(act: Callable[..., Any]) -> Callable[..., Any]:
        target = act.__module__.rpartition(".")[2]
        what = " ".join((act.__doc__ or "").split())
        assert what, f"{act.__name__} does not say what the attacker does"
        rows = _rows.setdefault(target, [])
        name = act.__name__.replace("_", "-")
        if isinstance(expected, str):
            rows.append(Attack(target, name, what, expected, act))
        else:
            for key, answer in expected.items():
                act_on_key = partial(_with_key, act, key)
                rows.append(Attack(target, name, what, answer, act_on_key, key))
        return act

    return add


def _with_key(act: Callable[[World, str], Any], key: str, world: World) -> Any:
    return act(world, key)


def _slug(text: str) -> str:
    """What may stand in the id of a test, and is another for each text."""
    plain = "".join(
        c if c.isascii() and (c.isalnum() or c in "_./") else "-" if c in " -" else f"~{ord(c):x}" for c in text
    )
    return plain[:60] or "nothing"


def table() -> dict[str, list[Attack]]:
    """All rows, by the heading of their target."""
    headings = {}
    for target in TARGETS:
        module = importlib.import_module(f"tests.attacks.rows.{target}")
        heading = (module.__doc__ or "").strip().partition("\n")[0].removesuffix(".")
        headings[heading] = _rows[target]
    return headings
