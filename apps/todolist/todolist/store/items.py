"""Documents to table items and back. A document is kept as one JSON text, so that a page is joined and never parsed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from todolist.rules.workspace import Account, Profile, is_buried

from . import keys

if TYPE_CHECKING:
    from todolist.rules.documents import Todo, TodoList, Tombstone
    from todolist.rules.workspace import Ref

Item = dict[str, Any]

DAYS_OF_TOMBSTONES = 90
_DAY = 86_400


def dumps(document: Any) -> str:
    """Compact JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def account_item(user: str, account: Account, version: int) -> Item:
    return {
        "pk": user,
        "sk": keys.ACCOUNT,
        "inList": keys.ACCOUNT_IN_LIST,
        "inStatus": keys.ACCOUNT_IN_STATUS,
        "latest": version,
        "todos": account.todos,
        "lists": account.lists,
        **({"jobs": list(account.jobs)} if account.jobs else {}),
        **({"closedBy": account.closed_by} if account.closed_by else {}),
    }


def account_of(item: Item | None) -> Account:
    if item is None:
        return Account()
    return Account(item["latest"], item["todos"], item["lists"], tuple(item.get("jobs", ())), item.get("closedBy"))


def document_item(user: str, ref: Ref, document: Todo | TodoList | Tombstone, touched: int) -> Item:
    """The item of a to-do, a list or a tombstone. `touched` is the version of the list's latest change."""
    item: Item = {"pk": user, "sk": keys.sort_key(ref), "ver": document["version"], "doc": dumps(document)}
    if is_buried(document):
        deleted = _seconds(cast("Tombstone", document)["deletedAt"])
        return {**item, "ttl": deleted + DAYS_OF_TOMBSTONES * _DAY}
    if ref[0] == "list":
        return {**item, "inList": keys.head(document["id"]), "latest": touched}
    todo = cast("Todo", document)
    return {**item, "inList": keys.in_list(todo), "inStatus": keys.in_status(todo)}


def loaded(ref: Ref, item: Item | None) -> Any:
    """What rules see of an item: the document, the profile, or the receipt."""
    if ref[0] == "profile":
        return Profile((item or {}).get("identityId"))
    if item is None or "doc" not in item:
        return None
    return json.loads(item["doc"])


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())
