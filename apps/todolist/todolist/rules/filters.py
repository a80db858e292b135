"""Which to-dos a question keeps, beyond what the indexes choose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import due

if TYPE_CHECKING:
    from collections.abc import Callable


def keep(tag: str | None, due_before: str | None, words: str | None) -> Callable[[str], bool] | None:
    """A test of a to-do's JSON text; None when nothing is asked. Raises ValueError for a bound that is no due.

    `words` are found in title and notes, whatever their case.
    """
    if tag is None and due_before is None and words is None:
        return None
    bound = due.parse(due_before) if due_before is not None else None
    wanted = words.casefold() if words is not None else None

    def keeps(text: str) -> bool:
        todo = json.loads(text)
        if tag is not None and tag not in todo["tags"]:
            return False
        if bound is not None and not (todo["due"] and due.is_before(todo["due"], bound)):
            return False
        return wanted is None or wanted in f"{todo['title']}\n{todo['notes'] or ''}".casefold()

    return keeps
