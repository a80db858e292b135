"""The Filter of ListUsers: one attribute, `=` or `^=` (starts with), one quoted value."""

import re
from collections.abc import Callable

from stratus.services.cognito_idp.errors import invalid_parameter
from stratus.services.cognito_idp.users import User

_FORM = re.compile(r'\s*"?([\w:]+)"?\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*')
_ATTRIBUTES = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
]


def parse(text: str) -> Callable[[User], bool]:
    """The test that `text` describes; InvalidParameterException where it describes none (API reference, ListUsers)."""
    if not text:
        return lambda user: True
    match = _FORM.fullmatch(text)
    if match is None or match.group(1) not in _ATTRIBUTES:
        raise invalid_parameter("Error while parsing filter.")
    attribute, operator, quoted = match.groups()
    value = re.sub(r"\\(.)", r"\1", quoted)

    def fits(user: User) -> bool:
        own = _value(user, attribute)
        if own is None:
            return False
        return own == value if operator == "=" else own.startswith(value)

    return fits


def _value(user: User, attribute: str) -> str | None:
    if attribute == "username":
        return user.username
    if attribute == "cognito:user_status":
        return user.status
    if attribute == "status":
        return "Enabled" if user.enabled else "Disabled"
    return user.listed_attributes().get(attribute)
