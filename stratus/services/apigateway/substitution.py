"""Templates with `$context` variables only: gateway responses and access log formats. Compiled once, filled per request."""

import re
from collections.abc import Callable

from stratus.services.apigateway.exchange import Exchange

# Names of claims may have a colon in them (`cognito:groups`), others not.
_VARIABLE = re.compile(
    r"\$(?P<brace>\{)?(?P<scope>context|stageVariables)\.(?P<name>authorizer\.claims\.[\w:-]*\w|\w+(?:\.\w+)*)(?(brace)\})"
)

Fill = Callable[[Exchange], str]


def template(text: str, absent: str = "") -> Fill:
    """A function that fills the variables of `text`; what has no value becomes `absent`."""
    parts: list[str | tuple[str, str]] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        parts += [text[at : match.start()], (match["scope"], match["name"])]
        at = match.end()
    parts.append(text[at:])
    if len(parts) == 1:
        return lambda exchange: text

    def fill(exchange: Exchange) -> str:
        return "".join(part if isinstance(part, str) else _value(exchange, *part, absent) for part in parts)

    return fill


def _value(exchange: Exchange, scope: str, name: str, absent: str) -> str:
    value = exchange.variable(name) if scope == "context" else exchange.place.variables.get(name)
    return absent if value is None else str(value)


def parameter(source: str) -> Fill:
    """What a header of a gateway response is mapped from: `'literal'`, `context.…`, `method.request.header.…`."""
    if len(source) >= 2 and source[0] == source[-1] == "'":
        return lambda exchange: source[1:-1]
    scope, _, name = source.partition(".")
    if scope in ("context", "stageVariables"):
        return lambda exchange: _value(exchange, scope, name, "")
    if source.startswith("method.request.header."):
        header = source.removeprefix("method.request.header.").lower()
        return lambda exchange: exchange.request.headers.get(header) or ""
    if source.startswith("method.request.querystring."):
        query = source.removeprefix("method.request.querystring.")
        return lambda exchange: next((value for key, value in exchange.query if key == query), "")
    if source.startswith("method.request.path."):
        path = source.removeprefix("method.request.path.")
        return lambda exchange: exchange.path_parameters.get(path, "")
    raise ValueError(source)
