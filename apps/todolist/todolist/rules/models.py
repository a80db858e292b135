"""The bodies that clients send, as pydantic models. The published OpenAPI document is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from . import due, ids, position, recurrence

_ONE_LINE = r"^[^\u0000-\u001f\u007f]*$"
_LINES = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError("must not start or end with a space")
    return text


def _different(texts: list[str]) -> list[str]:
    if len(set(texts)) < len(texts):
        raise ValueError("must not hold the same text twice")
    return texts


def _canonical_due(text: str) -> str:
    return str(due.parse(text))


def _canonical_rule(text: str) -> str:
    recurrence.parse(text)
    return text.removeprefix("RRULE:")


def _real_position(text: str) -> str:
    if not position.is_position(text):
        raise ValueError("is not a fractional index; make it with the fractional-indexing library, or leave it out")
    return text


TodoId = Annotated[str, StringConstraints(pattern=ids.TODO_PATTERN)]
NewListId = Annotated[str, StringConstraints(pattern=f"^{ids.UUID7}$")]
ListId = Annotated[str, StringConstraints(pattern=ids.LIST_PATTERN)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_ONE_LINE), AfterValidator(_not_blank)]
Notes = Annotated[str, StringConstraints(max_length=16_000, pattern=_LINES)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=_ONE_LINE), AfterValidator(_trimmed)]
Tags = Annotated[list[Tag], Field(max_length=20), AfterValidator(_different)]
DueText = Annotated[str, StringConstraints(max_length=100, pattern=due.PATTERN), AfterValidator(_canonical_due)]
Rule = Annotated[str, StringConstraints(max_length=250, pattern=recurrence.PATTERN), AfterValidator(_canonical_rule)]
Position = Annotated[str, StringConstraints(max_length=100, pattern=position.PATTERN), AfterValidator(_real_position)]
FileKey = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=_ONE_LINE)]
Attachments = Annotated[list[FileKey], Field(max_length=20), AfterValidator(_different)]
Priority = Annotated[int, Field(ge=0, le=3)]


class Body(BaseModel):
    """A request body: unknown members and wrong types are refused, not mended."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewTodo(Body):
    """A to-do to make. Only the title is needed."""

    title: Title
    id: TodoId | None = Field(None, description="UUIDv7, made by the client so that a repeat makes nothing twice.")
    listId: ListId = Field(ids.INBOX, description="The list that it goes to.")
    notes: Notes | None = None
    done: bool = False
    due: DueText | None = Field(None, description="A date, or a date-time with its zone (RFC 9557).")
    priority: Priority = 0
    tags: Tags = []
    recurrence: Rule | None = Field(None, description="RRULE of RFC 5545, daily to yearly. Needs due.")
    seriesId: TodoId | None = Field(None, description="For an occurrence made offline: the first to-do of its series.")
    parentId: TodoId | None = Field(None, description="Makes it a sub-task of that to-do.")
    position: Position | None = Field(None, description="Fractional index in its list. Left out, it goes to the end.")
    attachments: Attachments = Field([], description="Keys of files in your own folder, private/<identityId>/.")


class TodoPatch(Body):
    """What to change of a to-do (JSON Merge Patch, RFC 7396): null takes a member away."""

    title: Title = ""
    listId: ListId = ""
    notes: Notes | None = None
    done: bool = False
    due: DueText | None = None
    priority: Priority = 0
    tags: Tags = []
    recurrence: Rule | None = None
    parentId: TodoId | None = None
    position: Position = ""
    attachments: Attachments = []

    def given(self) -> dict[str, Any]:
        """Only the members that the client sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewList(Body):
    """A list to make."""

    name: Title
    id: NewListId | None = Field(None, description="UUIDv7, made by the client so that a repeat makes nothing twice.")
    position: Position | None = Field(
        None, description="Fractional index among the lists. Left out, it goes to the end."
    )


class ListPatch(Body):
    """What to change of a list (JSON Merge Patch, RFC 7396)."""

    name: Title = ""
    position: Position = ""

    def given(self) -> dict[str, Any]:
        """Only the members that the client sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Operation(Body):
    """One operation of a batch, which is what the single route would do."""

    op: Literal["create", "change", "delete"]
    id: TodoId | None = Field(None, description="The to-do to change or delete.")
    ifVersion: int | None = Field(None, ge=0, le=2**53 - 1, description="What If-Match is to a single route.")
    todo: dict[str, Any] | None = Field(None, description="NewTodo to create, TodoPatch to change.")


class Batch(Body):
    """Up to 25 operations. Those that are fine happen together, in one transaction; the others change nothing."""

    operations: Annotated[list[Operation], Field(min_length=1, max_length=25)]
