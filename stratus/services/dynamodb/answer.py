"""Answers put together from stored JSON, without parsing it."""

from collections.abc import Iterable
from typing import Any

import orjson


def join(members: dict[str, Any]) -> bytes:
    """A JSON object; values that are bytes are JSON already, None is left out."""
    return b"{%s}" % b",".join(
        b'"%s":%s' % (name.encode(), value if type(value) is bytes else orjson.dumps(value))
        for name, value in members.items()
        if value is not None
    )


def array(values: Iterable[bytes]) -> bytes:
    return b"[%s]" % b",".join(values)
