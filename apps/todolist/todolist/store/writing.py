"""How a write is made: read what it needs at one moment, let the rules work, commit, and start again when another
write of the same user came in between."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from todolist.problems import Problem, busy, too_large
from todolist.rules.workspace import NotLoaded, Profile, Workspace

from .dynamo import Conflict, TooLarge
from .items import Item, dumps
from .keys import sort_key
from .table import TooMany

if TYPE_CHECKING:
    from datetime import datetime

    from todolist.rules.workspace import Ref

    from .table import Table

Outcome = TypeVar("Outcome")

_ATTEMPTS = 8
_MOST_LOADS = 60
"""Reads of one attempt that are not foreseen: ancestors and next occurrences."""
_RECEIPT_SECONDS = 86_400


@dataclass(frozen=True)
class Surroundings:
    """What the world gives to a write: the time, chance and a pause."""

    now: Callable[[], datetime]
    random: Callable[[int], bytes]
    pause: Callable[[float], None]


Work = Callable[[Workspace], tuple[Outcome, list[Item]]]
"""A write's rules: the outcome, and further items for its transaction. It may run more than once."""


class Writer:
    """Makes the writes of one user. `identify` gives their identity id, when a rule needs it and the table does not
    know it; `tend` looks after jobs and gives those that are not done."""

    def __init__(
        self,
        table: Table,
        surroundings: Surroundings,
        user: str,
        identify: Callable[[], str] | None = None,
        tend: Callable[[tuple[str, ...]], tuple[str, ...]] | None = None,
    ) -> None:
        self._table = table
        self._surroundings = surroundings
        self._user = user
        self._identify = identify
        self._tend = tend

    def write(self, refs: list[Ref], work: Work[Outcome]) -> tuple[Outcome, int]:
        """The outcome, and the user's version after it. Raises a Problem."""
        for attempt in range(_ATTEMPTS):
            try:
                return self._attempt(dict.fromkeys(refs), work)
            except Conflict:
                self._surroundings.pause(self._backoff(attempt))
            except TooMany:
                raise too_large("This is too much for one transaction; send fewer operations at once.") from None
            except TooLarge:
                raise too_large("This is more than 4 MB in one transaction; send fewer operations at once.") from None
        raise busy()

    def _backoff(self, attempt: int) -> float:
        """Seconds: twice as long each time, by chance between none and all of it."""
        return 0.01 * float(2**attempt) * self._surroundings.random(1)[0] / 256

    def _attempt(self, refs: dict[Ref, None], work: Work[Outcome]) -> tuple[Outcome, int]:
        moment = self._surroundings.now()
        account, loaded = self._table.load(self._user, list(refs))
        if account.jobs and self._tend:
            account = replace(account, jobs=self._tend(account.jobs))
        account.check_open()
        loaded = self._identified(loaded)
        for _ in range(_MOST_LOADS):
            workspace = Workspace(account, loaded, moment, self._surroundings.random)
            try:
                outcome, extra = work(workspace)
            except NotLoaded as missing:
                seen, more = self._table.load(self._user, list(missing.refs))
                if seen.version != account.version:
                    raise Conflict from None
                loaded |= self._identified(more)
                continue
            if not workspace.written and not extra:
                return outcome, account.version
            self._table.commit(self._user, workspace, extra)
            return outcome, workspace.version
        raise too_large("This needs too many other to-dos to be read; send fewer operations at once.")

    def _identified(self, loaded: dict[Ref, Any]) -> dict[Ref, Any]:
        ref: Ref = ("profile", "")
        if self._identify and ref in loaded and loaded[ref].identity_id is None:
            loaded[ref] = Profile(self._identify())
        return loaded


@dataclass(frozen=True)
class Receipt:
    """What an Idempotency-Key stands for: the request that came with it, and what became of it."""

    ref: Ref
    request: str

    @classmethod
    def of(cls, route: str, key: str, body: bytes) -> Receipt:
        """Raises a Problem for a key that is empty or longer than 255 characters."""
        if not 1 <= len(key) <= 255:
            raise Problem(400, "bad-request", "Bad Idempotency-Key", "Idempotency-Key must have 1 to 255 characters.")
        digest = hashlib.sha256(f"{route}\n{key}".encode(errors="replace")).hexdigest()
        return cls(("receipt", digest), hashlib.sha256(body).hexdigest())

    def replayed(self, workspace: Workspace) -> Any:
        """What the first request came to, None when this is the first. Raises a Problem for another request."""
        found = workspace.find(*self.ref)
        if found is None or found["until"] < workspace.milliseconds:
            return None
        if found["request"] != self.request:
            detail = "This Idempotency-Key came with another body before; send a new key with a new request."
            raise Problem(422, "key-reused", "Idempotency-Key used before", detail)
        return found["outcome"]

    def item(self, user: str, workspace_milliseconds: int, outcome: Any) -> Item:
        """The table's item. It expires a day later."""
        until = workspace_milliseconds + _RECEIPT_SECONDS * 1000
        document = {"request": self.request, "until": until, "outcome": outcome}
        return {"pk": user, "sk": sort_key(self.ref), "doc": dumps(document), "ttl": until // 1000}
