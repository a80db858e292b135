"""Pages of other origins (the Fetch standard, "CORS protocol"): the APIs that AWS lets any page call.

S3 is not among them: there each bucket has rules of its own.
"""

from stratus.wire.message import HeaderList, Request, Response

ANY_ORIGIN = frozenset({"cognito-idp", "cognito-identity", "sts"})
_ALLOWED_FOR = 172_800
_EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
_ANSWER: HeaderList = [("access-control-allow-origin", "*"), ("access-control-expose-headers", _EXPOSED)]


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what it may send, before it does."""
    return request.method == "OPTIONS" and "access-control-request-method" in request.headers


def preflight(request: Request) -> Response:
    """Yes to whichever headers are asked for; the APIs take POST only."""
    wanted = request.headers.get("access-control-request-headers")
    headers = [*_ANSWER, ("access-control-allow-methods", "POST"), ("access-control-max-age", str(_ALLOWED_FOR))]
    return Response(200, headers if wanted is None else [*headers, ("access-control-allow-headers", wanted)])


def open_to_any_page(response: Response) -> None:
    """Lets the page that asked read the answer."""
    if not any(name.lower() == "access-control-allow-origin" for name, _ in response.headers):
        response.headers += _ANSWER
