"""Pages of to-dos: which stretch of which index a question is, where to go on, and how fresh the answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from todolist.problems import not_found

from . import cursors, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from .dynamo import Dynamo
    from .items import Item

Status = Literal["open", "done", "all"]

_ROOM_FOR_HEADS = 8
"""Read beyond the limit where other lists' own items stand among the to-dos."""


@dataclass(frozen=True)
class Stretch:
    """A part of an index, and whether the item that proves its freshness is its first."""

    index: str
    attribute: str
    low: str
    high: str
    forward: bool = True
    has_head: bool = True


class Page(NamedTuple):
    """JSON texts of to-dos, the version up to which they are proven fresh, and the cursor of the next page."""

    documents: list[str]
    version: int
    cursor: str | None


def stretch(list_id: str | None, status: Status) -> Stretch:
    """Every combination of list and status is one stretch, which is why a page costs one Query."""
    if list_id is not None:
        if status == "done":
            low = keys.done_in(list_id)
            return Stretch(keys.BY_LIST, "inList", low, low + keys.END, has_head=False)
        high = keys.open_in(list_id) if status == "open" else f"{list_id}#"
        return Stretch(keys.BY_LIST, "inList", keys.head(list_id), high + keys.END)
    if status == "open":
        return Stretch(keys.BY_STATUS, "inStatus", keys.ACCOUNT_IN_STATUS, keys.OPEN + keys.END)
    if status == "done":
        return Stretch(keys.BY_STATUS, "inStatus", keys.DONE, keys.ACCOUNT_IN_STATUS, forward=False)
    return Stretch(keys.BY_LIST, "inList", keys.ACCOUNT_IN_LIST, keys.END)


def read(
    dynamo: Dynamo,
    user: str,
    list_id: str | None,
    status: Status,
    *,
    limit: int,
    cursor: str | None,
    at_least: int,
    keep: Callable[[str], bool] | None = None,
) -> Page:
    """One page. An answer not proven to be of version `at_least` is read again, strongly consistent.

    `keep` filters to-dos by their JSON text; then one Query reads up to 1 MB, and the page may be short. Raises a
    Problem for a cursor of another question and for a list that is not there.
    """
    part = stretch(list_id, status)
    start, version = _start(part, user, cursor) if cursor else (None, 0)
    proven = part.has_head and cursor is None
    room = _ROOM_FOR_HEADS if list_id is None and status == "all" else int(proven)
    most = None if keep else limit + room

    def query(*, consistent: bool) -> tuple[list[Item], Item | None]:
        return dynamo.query(
            user, part.attribute, part.low, part.high,
            index=part.index, start=start, limit=most, forward=part.forward, consistent=consistent,
        )  # fmt: skip

    found, last = query(consistent=at_least > 0 and not proven)
    if proven and (not found or "latest" not in found[0] or found[0]["latest"] < at_least):
        if at_least > 0 or list_id is not None:
            found, last = query(consistent=True)
        if list_id is not None and (not found or "latest" not in found[0]):
            raise not_found("list", list_id)
    if proven and found and "latest" in found[0]:
        version = int(found[0]["latest"])
    return _page(part, found, last, version, limit, keep)


def _page(
    part: Stretch,
    found: list[Item],
    last: Item | None,
    version: int,
    limit: int,
    keep: Callable[[str], bool] | None,
) -> Page:
    kept = [item for item in found if "latest" not in item and (keep is None or keep(item["doc"]))]
    documents = [item["doc"] for item in kept[:limit]]
    if len(kept) > limit:
        last = kept[limit - 1]
    return Page(documents, version, _cursor(part, last, version) if last else None)


def _cursor(part: Stretch, item: Item, version: int) -> str:
    return cursors.write(item["sk"], item[part.attribute], version)


def _start(part: Stretch, user: str, cursor: str) -> tuple[Item, int]:
    sort_key, place, version = cursors.read(cursor, str, str, int)
    if not (sort_key.startswith(("T#", keys.ACCOUNT)) and part.low <= place <= part.high):
        raise cursors.wrong_cursor()
    return {"pk": user, "sk": sort_key, part.attribute: place}, version
