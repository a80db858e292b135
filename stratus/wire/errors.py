"""Errors as AWS answers them."""

from typing import Any


class AwsError(Exception):
    """An error that a service means its caller to see.

    `code` is AWS's error code (`ResourceNotFoundException`, `NoSuchKey`); `status` the HTTP status; `members` further modelled
    members of the error's shape (`{"CancellationReasons": [...]}`); `headers` further response headers. Messages are shown to
    the caller as they are.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        status: int = 400,
        *,
        members: dict[str, Any] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members or {}
        self.headers = headers or []


def not_implemented(service: str, what: str) -> AwsError:
    """What Stratus does not do is refused by name."""
    return AwsError("NotImplemented", f"Stratus does not implement {service} {what}.", 501)
