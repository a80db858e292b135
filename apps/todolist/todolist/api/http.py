"""The Lambda proxy event of a REST API in, its answer out.

Source: API Gateway Developer Guide, "Lambda proxy integrations in API Gateway".
"""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import TYPE_CHECKING, Any

from todolist.problems import Problem, bad_request, busy, media_type, not_found, too_large
from todolist.rules import ids

from .routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .routes import Route

logger = logging.getLogger(__name__)

Answer = dict[str, Any]
MOST_BODY = 6_000_000
"""What Lambda takes of a request (6 MB), in bytes."""

_IDENTIFIERS = {
    "todoId": ("to-do", ids.is_todo_id),
    "listId": ("list", ids.is_list_id),
    "jobId": ("job", ids.is_job_id),
}


class Request:
    """A request of a signed-in user. `user` is the subject of the token that the authorizer has verified."""

    __slots__ = ("_body", "_headers", "_is_base64", "_route", "claims", "path", "query", "resource", "user")

    def __init__(self, event: Mapping[str, Any], route: Route) -> None:
        self.claims: Mapping[str, str] = event["requestContext"]["authorizer"]["claims"]
        self.user = self.claims["sub"]
        self.resource: str = event["resource"]
        self.path: Mapping[str, str] = event["pathParameters"] or {}
        self.query: Mapping[str, str] = event["queryStringParameters"] or {}
        self._headers: Mapping[str, str] = event["headers"] or {}
        self._body: str | None = event["body"]
        self._is_base64: bool = event["isBase64Encoded"]
        self._route = route
        for name in self.query:
            if name not in route.query:
                known = ", ".join(route.query) or "none"
                raise bad_request(f"There is no query parameter {name[:50]}; this route knows: {known}.")

    def link(self, path: str) -> str:
        """A reference from this request's own path to another of the API, wherever the API is mounted (RFC 3986, 5.2):
        below a stage, below /api of a distribution, at the root of a domain of its own."""
        return "../" * (self.resource.count("/") - 1) + path

    def identifier(self, name: str) -> str:
        """The id in the path. What cannot be one is not there, so nothing else ever becomes a key."""
        text = self.path[name]
        what, is_id = _IDENTIFIERS[name]
        if not is_id(text):
            raise not_found(what, text[:40].encode(errors="replace").decode())
        return text

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        for known, value in self._headers.items():
            if known.lower() == name:
                return value
        return None

    def body(self) -> bytes:
        """The body's bytes. Raises a Problem when there is none, too much of it, or when it says that it is no JSON."""
        if not self._body:
            raise bad_request("The body is empty; send JSON.")
        self._check_media_type()
        try:
            body = base64.b64decode(self._body) if self._is_base64 else self._body.encode()
        except UnicodeEncodeError:
            raise bad_request("The body has half a surrogate pair; send valid Unicode.") from None
        if len(body) > MOST_BODY:
            raise too_large("The body has more than 6 MB; send less at once.")
        return body

    def _check_media_type(self) -> None:
        """A body that does not say what it is, is taken for JSON."""
        essence = (self.header("content-type") or "application/json").partition(";")[0].strip().lower()
        if essence not in self._route.media_types:
            raise media_type(" or ".join(self._route.media_types))

    def limit(self) -> int:
        """How many things a page may have."""
        usual, most = self._route.limit
        return self.number("limit", usual, 1, most)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A query parameter that is a whole number from `low` to `high`."""
        text = self.query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and low <= int(text) <= high):
            raise bad_request(f"{name} must be a whole number from {low} to {high}.")
        return int(text)


def answer(
    status: int, body: str, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> Answer:
    """The answer that API Gateway sends on. Nothing personal is kept by caches on the way."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_type, "Cache-Control": "private, no-cache", **(headers or {})},
        "body": body,
    }


def json_answer(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return answer(status, json.dumps(document, ensure_ascii=False, separators=(",", ":")), headers)


def problem_answer(problem: Problem) -> Answer:
    body = json.dumps(problem.document(), separators=(",", ":"))
    return answer(problem.status, body, problem.headers, "application/problem+json")


def serve(event: Mapping[str, Any], operations: Mapping[str, Callable[[Request], Answer]]) -> Answer:
    """Runs the operation that the event's method and resource name; every failure becomes a problem document."""
    name = f"{event['httpMethod']} {event['resource']}"
    try:
        return operations[name](Request(event, ROUTES[name]))
    except Problem as problem:
        return problem_answer(problem)
    except Exception as error:  # noqa: BLE001 - whatever fails, the client gets a problem document and the log the cause
        return problem_answer(_failure(name, error))


def _failure(name: str, error: Exception) -> Problem:
    """A failure inside. Its cause goes to the log, and never to the client."""
    from todolist.store.dynamo import Overloaded

    if isinstance(error, Overloaded):
        logger.warning("the table is overloaded or out of reach: %s", error)
        return busy()
    logger.exception("%s failed", name)
    return Problem(
        500, "failure", "Failure", "It failed on our side, and the log says why; send the request again later."
    )


def if_match(text: str | None) -> int | None:
    """The version that If-Match names; None when the header is missing or *; -1, which nothing has, for what is no
    strong tag of ours (RFC 9110, 13.1.1)."""
    if text is None or text.strip() == "*":
        return None
    tag = re.fullmatch(r'\s*"([0-9]{1,16})"\s*', text)
    return int(tag[1]) if tag else -1
