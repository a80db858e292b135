"""HTTP messages as they pass through the one door: the exact bytes of the request line, headers, a body that streams."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

HeaderList = list[tuple[str, str]]


class BodyTooLarge(Exception):  # noqa: N818 - named for what happened, as HTTP names it (413)
    """The body has more bytes than the reader allows."""


class BodyIncomplete(Exception):  # noqa: N818 - named for what happened
    """The client went away, or was too slow, before the body was whole."""


class Body(Protocol):
    """A request body. It can be read once, either whole or piece by piece."""

    async def read(self, limit: int) -> bytes:
        """The whole body; raises BodyTooLarge past `limit` bytes, BodyIncomplete when it never arrives."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


@runtime_checkable
class TrailedBody(Protocol):
    """A `Body` that was followed by header fields, as `aws-chunked` sends checksums; complete once the body was read to its end."""

    @property
    def trailers(self) -> "Headers": ...


class BytesBody:
    """A body that has arrived whole."""

    __slots__ = ("data",)

    def __init__(self, data: bytes = b"") -> None:
        self.data = data

    async def read(self, limit: int) -> bytes:
        if len(self.data) > limit:
            raise BodyTooLarge
        return self.data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.data:
            yield self.data


class Headers:
    """Header fields in the order sent; names are lower case, values stripped, looked up without regard to case."""

    __slots__ = ("_first", "fields")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields: HeaderList = [(name.lower(), value) for name, value in fields]
        self._first = dict(reversed(self.fields))

    def get(self, name: str) -> str | None:
        """The first value of `name` (lower case), or None."""
        return self._first.get(name)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def __contains__(self, name: str) -> bool:
        return name in self._first


@dataclass(slots=True)
class Request:
    """One HTTP request. `path` and `query` are raw, still percent-encoded, exactly as sent."""

    method: str
    path: str
    query: str
    headers: Headers
    body: Body = field(default_factory=BytesBody)
    client: str = "127.0.0.1"
    secure: bool = False

    @property
    def host(self) -> str:
        return self.headers.get("host") or ""


@dataclass(slots=True)
class FileRange:
    """Bytes `start` to `stop` (exclusive) of a file, sent without being read into memory."""

    path: Path
    start: int
    stop: int


@dataclass(slots=True)
class Response:
    """One HTTP response. A body that is an iterator is sent chunked, or as long as its content-length header says."""

    status: int = 200
    headers: HeaderList = field(default_factory=list)
    body: bytes | FileRange | AsyncIterator[bytes] = b""


Params = dict[str, Any]
"""An operation's input, as botocore's model names its members: blobs are bytes, timestamps aware datetimes, a streaming
blob an async iterator of bytes. Services on the JSON protocols that set `wire_json` get the JSON as sent instead."""

Result = dict[str, Any] | bytes | Response | None
"""An operation's output: a dict as botocore's model names its members (a streaming blob may be bytes, FileRange or an
async iterator; "ResponseMetadata": {"HTTPStatusCode": n, "HTTPHeaders": {...}} overrides what the model says), bytes that are the
serialised body already, or a whole Response."""
