"""Cursors: where a page ended, as an opaque text. They hold no user, so that none can lead into another's data."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from todolist.problems import Problem, bad_request


def write(*parts: str | int) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str, *types: type) -> list[Any]:
    """The parts of a cursor, of these types. Raises a Problem for what `write` did not make."""
    try:
        parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise wrong_cursor() from None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise wrong_cursor()
    for part in parts:
        sound = 0 <= part < 2**53 if isinstance(part, int) else part.isascii() and 0 < len(part) < 1000
        if not sound:
            raise wrong_cursor()
    return parts


def wrong_cursor() -> Problem:
    return bad_request("The cursor is not one of this question; send what the page before gave, or leave it out.")
