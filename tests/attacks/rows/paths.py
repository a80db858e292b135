"""The application's API: paths and methods"""

from typing import Any

from tests.attacks import raw
from tests.attacks.table import attack
from tests.attacks.world import World

NO_ROUTE = "404 no-route"
NO_STAGE = "403 ForbiddenException"


def _get(world: World, target: str, *fields: str, method: str = "GET", signed_in: bool = True) -> Any:
    token = (f"Authorization: {world.stranger.tokens['IdToken']}",) if signed_in else ()
    return raw.get(world.api_url, target, *token, *fields, method=method)


ELSEWHERE = {
    "/api//todos": NO_ROUTE,
    "/api/todos//": NO_ROUTE,
    "/api/./todos": NO_ROUTE,
    "/api/lists/../todos": NO_ROUTE,
    "/api/%2e%2e/api/todos": NO_ROUTE,
    "/api/TODOS": NO_ROUTE,
    "/api/todos;x=1": NO_ROUTE,
    "/api/todos%00": NO_ROUTE,
    "/api/todos%20": NO_ROUTE,
    "/api/todos%3Flimit=1": NO_ROUTE,
    "/api/todos.json": NO_ROUTE,
    "/api/todos\\": NO_ROUTE,
    "/api/lists%2F..%2Ftodos": NO_ROUTE,
    "/api/": NO_ROUTE,
    "/api": NO_ROUTE,
    "/api/nothing": NO_ROUTE,
    "/api/$default": NO_ROUTE,
    "/todos": NO_STAGE,
    "/": NO_STAGE,
    "/API/todos": NO_STAGE,
    "/prod/todos": NO_STAGE,
    "/%61pi/todos": NO_STAGE,
    "//api/todos": NO_STAGE,
    "/api%2Ftodos": NO_STAGE,
    "/../api/todos": NO_STAGE,
    "/restapis/x/api/_user_request_/todos": NO_STAGE,
    "/_aws/execute-api/x/api/todos": NO_STAGE,
    "/.well-known/jwks.json": NO_STAGE,
    "*": "400",
    "todos": "400",
    "http://": NO_STAGE,
}


@attack(ELSEWHERE)
def path(world: World, target: str) -> Any:
    """Asks for {}, signed in."""
    return _get(world, target)


@attack(dict.fromkeys(ELSEWHERE, "never answered"))
def path_to_get_in(world: World, target: str) -> Any:
    """Asks for {} without a token."""
    answer = _get(world, target, signed_in=False)
    return "never answered" if answer.status in (400, 401, 403, 404) and b"todos" not in answer.body else answer


@attack(
    dict.fromkeys(
        ["/api/todos", "/api/todos/", "/api/%74odos", "/api/todos/%2e%2e", "/api/todos/x%2Fy"], "401 unauthorized"
    )
)
def same_route_without_a_token(world: World, target: str) -> Any:
    """Asks for {}, another way to write a route, without a token."""
    return _get(world, target, signed_in=False)


@attack(
    {
        "/api/todos/..": "404 not-found",
        "/api/todos/%2e%2e%2flists": "404 not-found",
        "/api/todos/%2F": "404 not-found",
        "/api/lists/%2e": "404 not-found",
        "/api/jobs/..%2F..%2Fme": "404 not-found",
        "/api/todos/%ff": "404 not-found",
    }
)
def path_parameter(world: World, target: str) -> Any:
    """Asks for {}: what is in a parameter's place is an id that they do not have."""
    return _get(world, target)


@attack(dict.fromkeys(["HEAD", "PUT", "TRACE", "PROPFIND"], "404"))
def method_of_nobody(world: World, method: str) -> Any:
    """Sends {} to a route that has no such method."""
    answer = _get(world, "/api/todos", method=method)
    return str(answer.status)


@attack({"CONNECT": "404 no-route", "get": "400", "G E T": "400", "DELETE\\t": "400"})
def method_that_is_none(world: World, method: str) -> Any:
    """Sends the method {}."""
    return _get(world, "/api/todos", method=method.replace("\\t", "\t"))


@attack(
    dict.fromkeys(["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"], "200, and it was a GET")
)
def method_overridden(world: World, name: str) -> Any:
    """Makes a GET of their own list a DELETE by {}."""
    return _still_a_get(world, world.stranger.api.get, headers={name: "DELETE"})


@attack("400 bad-request")
def method_overridden_by_parameter(world: World) -> Any:
    """Makes a GET of their own list a DELETE by a parameter."""
    made = world.stranger.api.post("/lists", json={"name": "kept"}).json()["id"]
    return world.stranger.api.get(f"/lists/{made}", params={"_method": "DELETE"})


def _still_a_get(world: World, get: Any, **request: Any) -> str:
    made = world.stranger.api.post("/lists", json={"name": "kept"}).json()["id"]
    answer = get(f"/lists/{made}", **request)
    kept = world.stranger.api.get(f"/lists/{made}").status_code == 200
    return f"{answer.status_code}, and it was {'a GET' if kept else 'none'}"


@attack(dict.fromkeys(["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Prefix"], NO_ROUTE))
def path_overridden(world: World, name: str) -> Any:
    """Asks for a path that is none, and for another by the header {}."""
    return _get(world, "/api/nothing", f"{name}: /api/todos")
