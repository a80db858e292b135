"""Request bodies: JSON text to a model, or a problem that names each wrong member."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from todolist.problems import Problem, bad_request, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

Model = TypeVar("Model", bound=BaseModel)

_MOST_ERRORS = 20


def parse(model: type[Model], body: str | bytes) -> Model:
    """The body as `model`. Raises a Problem: 400 when it is no JSON (RFC 8259), 422 when members are wrong."""
    try:
        return model.model_validate_json(body if isinstance(body, bytes) else body.encode())
    except UnicodeEncodeError:
        raise bad_request("The body has half a surrogate pair; send valid Unicode.") from None
    except ValidationError as error:
        raise problem_of(error) from None


def problem_of(error: ValidationError, prefix: str = "") -> Problem:
    """What pydantic found, as a problem: places as JSON pointers (RFC 6901), without repeating the input."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return bad_request(f"The body is not valid JSON; {found[0]['msg'].removeprefix('Invalid JSON: ')}.")
    return invalid(
        [{"pointer": prefix + _pointer(each["loc"]), "detail": _detail(each["msg"])} for each in found[:_MOST_ERRORS]]
    )


def _pointer(place: Iterable[int | str]) -> str:
    return "".join("/" + str(step)[:100].replace("~", "~0").replace("/", "~1") for step in place)


def _detail(message: str) -> str:
    return message.removeprefix("Value error, ")
