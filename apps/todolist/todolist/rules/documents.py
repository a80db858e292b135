"""The documents that clients get, and that the table keeps as they are."""

from __future__ import annotations

from typing import TypedDict


class Todo(TypedDict):
    """A to-do. All members are always there; null and [] mean that there is none."""

    id: str
    listId: str
    title: str
    notes: str | None
    done: bool
    doneAt: str | None
    due: str | None
    priority: int
    tags: list[str]
    recurrence: str | None
    seriesId: str | None
    parentId: str | None
    position: str
    attachments: list[str]
    createdAt: str
    updatedAt: str
    version: int


class TodoList(TypedDict):
    """A list of to-dos."""

    id: str
    name: str
    position: str
    createdAt: str
    updatedAt: str
    version: int


class Tombstone(TypedDict):
    """What stays of a deleted to-do or list for 90 days, so that other devices learn of it."""

    id: str
    deletedAt: str
    version: int


class Job(TypedDict):
    """Work that goes on after its answer."""

    id: str
    kind: str
    status: str
    processed: int
    createdAt: str
    updatedAt: str
