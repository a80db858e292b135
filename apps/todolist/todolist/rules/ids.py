"""Identifiers. To-dos and lists have UUIDv7 made by the client; what is derived from others has UUIDv8 (RFC 9562)."""

from __future__ import annotations

import hashlib
import re
import uuid

INBOX = "inbox"
"""The list that every user has, and the only one whose id is a word."""

_HEX = "[0-9a-f]"
_TAIL = f"{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}"
UUID7 = f"{_HEX}{{8}}-{_HEX}{{4}}-7{_TAIL}"
TODO_PATTERN = f"^{_HEX}{{8}}-{_HEX}{{4}}-[78]{_TAIL}$"
LIST_PATTERN = f"^({INBOX}|{UUID7})$"
JOB_PATTERN = f"^{UUID7}$"

is_todo_id = re.compile(TODO_PATTERN.replace("$", r"\Z")).match
is_list_id = re.compile(LIST_PATTERN.replace("$", r"\Z")).match
is_job_id = re.compile(JOB_PATTERN.replace("$", r"\Z")).match


def uuid7(milliseconds: int, random: bytes) -> str:
    """A UUIDv7 of `milliseconds` since 1970 and ten random bytes (RFC 9562, section 5.7)."""
    value = (milliseconds << 80 | int.from_bytes(random[:10], "big")) & ~(0xF << 76 | 0x3 << 62)
    return str(uuid.UUID(int=value | 7 << 76 | 2 << 62))


def occurrence_id(series: str, day: str) -> str:
    """The id of a series' to-do on `day` (YYYY-MM-DD): a UUIDv8 of SHA-256("<series>/<day>").

    Two devices that complete the same to-do offline make the same next one.
    """
    digest = bytearray(hashlib.sha256(f"{series}/{day}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))
