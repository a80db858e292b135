"""Attachments: keys of files in the owner's own folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todolist.problems import wrong

if TYPE_CHECKING:
    from collections.abc import Iterable


def check(keys: Iterable[str], folder: str | None) -> None:
    """Raises a Problem for a key outside `folder` (`private/<identityId>/`), or that could climb out as a path."""
    for key in sorted(keys):
        if folder is None or not key.startswith(folder) or len(key) == len(folder):
            raise wrong("/attachments", f"{key[:200]} is not in your own folder; its keys start with {folder}")
        if len(key.encode()) > 1024:
            raise wrong("/attachments", f"{key[:40]}... is longer than the 1024 bytes of an S3 key")
        if "\\" in key or any(step in {"", ".", ".."} for step in key.split("/")):
            raise wrong("/attachments", f"{key[:200]} has an empty, . or .. step, or a backslash; rename the file")
