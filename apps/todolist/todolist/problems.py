"""Problem documents (RFC 9457): every refusal says what is wrong and what to change."""

from __future__ import annotations

from typing import Any


class Problem(Exception):  # noqa: N818 - the RFC's own name
    """A refusal that becomes the answer.

    `kind` ends the problem's type URN, `status` is the HTTP status, `detail` is a sentence that says what to change,
    `errors` are the places in the body that are wrong ({"pointer", "detail"}), `headers` go with the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}

    def document(self) -> dict[str, Any]:
        """The problem as RFC 9457 writes it down."""
        members = {
            "type": f"urn:todolist:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return {**members, "errors": self.errors} if self.errors else members


def bad_request(detail: str) -> Problem:
    """The request cannot be understood (400)."""
    return Problem(400, "bad-request", "The request cannot be understood", detail)


def invalid(errors: list[dict[str, str]]) -> Problem:
    """The body is JSON, but not what this route takes (422)."""
    return Problem(422, "invalid", "The body has wrong members", "Correct the members named in errors.", errors)


def wrong(pointer: str, detail: str) -> Problem:
    """One member of the body is wrong (422)."""
    return invalid([{"pointer": pointer, "detail": detail}])


def not_found(what: str, identifier: str) -> Problem:
    """There is no such thing, or it is somebody else's (404)."""
    return Problem(404, "not-found", "Not found", f"You have no {what} {identifier}; check the id.")


def gone(what: str, identifier: str) -> Problem:
    """The id was used and deleted (410)."""
    detail = f"The {what} {identifier} was deleted; make a new one with a new id."
    return Problem(410, "deleted", "Deleted", detail)


def stale(version: int) -> Problem:
    """If-Match names another version than the present one (412)."""
    detail = f'It has changed since you read it; read it again and send If-Match: "{version}".'
    return Problem(412, "stale", "Changed meanwhile", detail, headers={"ETag": f'"{version}"'})


def too_large(detail: str) -> Problem:
    """The body, or what it asks for, is too large (413)."""
    return Problem(413, "too-large", "Too large", detail)


def over_limit(detail: str) -> Problem:
    """A limit per user is reached (409)."""
    return Problem(409, "limit-reached", "A limit is reached", detail)


def erased(job_id: str) -> Problem:
    """The account is closed, because it is being erased or was (410)."""
    detail = f"This account is being erased, which GET /jobs/{job_id} follows; sign up again to start anew."
    return Problem(410, "account-erased", "Account erased", detail)


def media_type(allowed: str) -> Problem:
    """The body is of a media type that this route does not take (415)."""
    return Problem(415, "media-type", "Not JSON", f"Send the body as JSON, with Content-Type: {allowed}.")


def busy() -> Problem:
    """Other writes of the same user, or a slow table, came in between too often (503)."""
    detail = "Too much is written at once; send the same request again in a second."
    return Problem(503, "busy", "Busy", detail, headers={"Retry-After": "1"})
