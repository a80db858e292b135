"""Which to-dos a question keeps, beyond what the indexes choose."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

from . import due

if TYPE_CHECKING:
    from collections.abc import Callable


def keep(tag: str | None, due_before: str | None, words: str | None) -> Callable[[str], bool] | None:
    """A test of a to-do's JSON text; None when nothing is asked. Raises ValueError for a bound that is no due.

    `words` are found in title and notes, whatever their case and however their letters are encoded (full width,
    ligatures, accents before or after the letter).
    """
    if tag is None and due_before is None and words is None:
        return None
    bound = due.parse(due_before) if due_before is not None else None
    wanted = _folded(words) if words is not None else None

    def keeps(text: str) -> bool:
        todo = json.loads(text)
        if tag is not None and tag not in todo["tags"]:
            return False
        if bound is not None and not (todo["due"] and due.is_before(todo["due"], bound)):
            return False
        return wanted is None or wanted in _folded(f"{todo['title']}\n{todo['notes'] or ''}")

    return keeps


def _folded(text: str) -> str:
    """What a caseless compatibility match compares (The Unicode Standard, section 3.13, D146)."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKD", decomposed.casefold())
