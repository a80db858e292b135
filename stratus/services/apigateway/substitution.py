"""Templates with `$context` variables only: gateway responses and access log formats. Compiled once, filled per request."""

import re
from collections.abc import Callable

import orjson

from stratus.services.apigateway.exchange import Exchange, Read, context_reader

# Names of claims may have a colon in them (`cognito:groups`), others not.
_VARIABLE = re.compile(
    r"\$(?P<brace>\{)?(?P<scope>context|stageVariables)\.(?P<name>authorizer\.claims\.[\w:-]*\w|\w+(?:\.\w+)*)(?(brace)\})"
)

_BREAKING = re.compile(r'["\\\x00-\x1f]')
_WHOLE = frozenset({"error.messageString"})

Fill = Callable[[Exchange], str]


def template(text: str, absent: str = "") -> Fill:
    """A function that fills the variables of `text`; what has no value becomes `absent`.

    Quotes, backslashes and control characters of a value are escaped as inside of a JSON string: what a client sends cannot break
    out of the JSON, or the line, that it is put into. `$context.error.messageString` is a whole JSON string and stays one.
    """
    fixed: list[str] = []
    readers: list[Callable[[Exchange], str | None]] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        fixed.append(text[at : match.start()])
        readers.append(_text_reader(match["scope"], match["name"]))
        at = match.end()
    parts, last = list(zip(fixed, readers, strict=True)), text[at:]

    def fill(exchange: Exchange) -> str:
        out: list[str] = []
        for before, read in parts:
            value = read(exchange)
            out += (before, absent if value is None else value)
        out.append(last)
        return "".join(out)

    return fill


def _reader(scope: str, name: str) -> Read:
    return context_reader(name) if scope == "context" else lambda exchange: exchange.place.variables.get(name)


def _text_reader(scope: str, name: str) -> Callable[[Exchange], str | None]:
    read = _reader(scope, name)
    if name in _WHOLE:
        return read

    def escaped(exchange: Exchange) -> str | None:
        value = read(exchange)
        if value is None:
            return None
        text = str(value)
        return orjson.dumps(text).decode()[1:-1] if _BREAKING.search(text) else text

    return escaped


def parameter(source: str) -> Fill:
    """What a header of a gateway response is mapped from: `'literal'`, `context.…`, `method.request.header.…`."""
    if len(source) >= 2 and source[0] == source[-1] == "'":
        return lambda exchange: source[1:-1]
    scope, _, name = source.partition(".")
    if scope in ("context", "stageVariables"):
        read = _reader(scope, name)
        return lambda exchange: str(read(exchange) or "")
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
