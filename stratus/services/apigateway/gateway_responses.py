"""How API Gateway words its own errors: the defaults, and what the API's gateway responses make of them.

Source: API Gateway Developer Guide, "Gateway responses in API Gateway".
"""

from collections.abc import Mapping

from stratus.services.apigateway.definition import GatewayResponse
from stratus.services.apigateway.errors import GatewayError, refused
from stratus.services.apigateway.exchange import Exchange
from stratus.services.apigateway.substitution import Fill, parameter, template
from stratus.wire.base import merge_headers
from stratus.wire.message import HeaderList, Response

_JSON = "application/json"
_DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'


class _Compiled:
    __slots__ = ("headers", "status", "templates")

    def __init__(self, kind: str, response: GatewayResponse) -> None:
        self.status = response.status
        self.templates = {name: template(text) for name, text in response.templates.items()} or _DEFAULT_TEMPLATES
        self.headers = [(name.rpartition(".")[2], _source(kind, text)) for name, text in response.parameters.items()]


def _source(kind: str, text: str) -> Fill:
    try:
        return parameter(text)
    except ValueError:
        raise refused(f"the parameter mapping {text} of gateway response {kind}") from None


_DEFAULT_TEMPLATES = {_JSON: template(_DEFAULT_TEMPLATE)}
_DEFAULT = _Compiled("DEFAULT_4XX", GatewayResponse())


class GatewayResponses:
    """The gateway responses of one deployment. A type without one of its own falls back to DEFAULT_4XX or DEFAULT_5XX."""

    def __init__(self, responses: Mapping[str, GatewayResponse]) -> None:
        self._own = {kind: _Compiled(kind, response) for kind, response in responses.items()}

    def answer(self, exchange: Exchange, error: GatewayError) -> Response:
        exchange.error = error
        compiled = self._own.get(error.kind)
        if compiled is None:
            compiled = self._own.get("DEFAULT_4XX" if error.status < 500 else "DEFAULT_5XX", _DEFAULT)
        content_type = _accepted(compiled.templates, exchange.request.headers.get("accept"))
        headers: HeaderList = [("content-type", content_type), ("x-amzn-ErrorType", error.error_type)]
        mapped = {name: value for name, fill in compiled.headers if _printable(value := fill(exchange))}
        headers = merge_headers(headers, mapped)
        body = compiled.templates[content_type](exchange).encode()
        return Response(compiled.status or error.status, headers, body)


def _accepted(templates: Mapping[str, Fill], accept: str | None) -> str:
    """The content type of the template that the client accepts, else JSON's, else the first."""
    if accept and len(templates) > 1:
        for wanted in accept.split(","):
            name = wanted.partition(";")[0].strip().lower()
            if name in templates:
                return name
    return _JSON if _JSON in templates else next(iter(templates))


def _printable(value: str) -> bool:
    """A mapped request header must not be able to break out of its line."""
    return value.isprintable() and value != ""
