"""Reads and writes of the table, in the application's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from todolist.rules.workspace import Account, Profile

from . import items, keys

if TYPE_CHECKING:
    from todolist.rules.workspace import Ref, Workspace

    from .dynamo import Dynamo
    from .items import Item

_MOST_OPERATIONS = 100
"""What DynamoDB takes in one transaction."""


class TooMany(Exception):  # noqa: N818 - what happened, not a fault
    """A transaction would have more operations than DynamoDB takes."""


class Table:
    """One user's data at a time: each call names the user, and no key of another user can be formed."""

    def __init__(self, dynamo: Dynamo) -> None:
        self.dynamo = dynamo

    # -- single things

    def account(self, user: str, *, consistent: bool) -> Account:
        return items.account_of(self.dynamo.get(user, keys.ACCOUNT, consistent=consistent))

    def document(self, user: str, ref: Ref, at_least: int) -> tuple[str, int] | None:
        """A to-do's or list's JSON text and version, None when there is none. An answer that may be older than
        version `at_least` is read again, strongly consistent."""
        sort_key = keys.sort_key(ref)
        item = self.dynamo.get(user, sort_key, consistent=False)
        if item is None or item.get("ver", 0) < at_least:
            item = self.dynamo.get(user, sort_key, consistent=True)
        if item is None or "doc" not in item or "ttl" in item:
            return None
        return item["doc"], item["ver"]

    def profile(self, user: str) -> Profile:
        return Profile((self.dynamo.get(user, keys.PROFILE, consistent=False) or {}).get("identityId"))

    def remember_identity(self, user: str, identity_id: str) -> None:
        self.dynamo.put({"pk": user, "sk": keys.PROFILE, "identityId": identity_id})

    # -- a write: load, let rules work, commit

    def load(self, user: str, refs: list[Ref]) -> tuple[Account, dict[Ref, Any]]:
        """The account and all of `refs` as they were at one moment. Raises Conflict."""
        sort_keys = [keys.ACCOUNT, *(keys.sort_key(ref) for ref in refs)]
        account, *found = self.dynamo.get_together(user, sort_keys)
        return items.account_of(account), {ref: items.loaded(ref, item) for ref, item in zip(refs, found, strict=True)}

    def commit(self, user: str, workspace: Workspace, extra: list[Item]) -> None:
        """All that `workspace` wrote, and the `extra` items, in one transaction, if no other write of the user came
        in between. Raises Conflict, TooMany, TooLarge, Overloaded."""
        account = Account(workspace.version, workspace.todos, workspace.lists, workspace.jobs, workspace.closed_by)
        operations = [_replace_account(user, workspace.account.version, account)]
        touched = set(workspace.touched)
        for ref, document in workspace.written.items():
            operations.append({"type": "put", "item": items.document_item(user, ref, document, workspace.version)})
            if ref[0] == "list":
                touched.discard(ref[1])
        operations += [_touch(user, list_id, workspace.version) for list_id in sorted(touched)]
        operations += [{"type": "put", "item": item} for item in extra]
        if len(operations) > _MOST_OPERATIONS:
            raise TooMany
        self.dynamo.write_together(operations)


def _replace_account(user: str, seen: int, account: Account) -> dict[str, Any]:
    """The lock of every write: it holds only if the version is still the one that was read."""
    put: dict[str, Any] = {"type": "put", "item": items.account_item(user, account, account.version)}
    if seen == 0:
        return {**put, "condition_expression": "attribute_not_exists(pk)"}
    return {**put, "condition_expression": "latest = :seen", "expression_attribute_values": {":seen": seen}}


def _touch(user: str, list_id: str, version: int) -> dict[str, Any]:
    """Tells the list's own item that one of its to-dos changed."""
    return {
        "type": "update",
        "key": {"pk": user, "sk": keys.sort_key(("list", list_id))},
        "update_expression": "SET latest = :version",
        "expression_attribute_values": {":version": version},
    }
