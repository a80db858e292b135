"""Finding a REST operation by method, path and the query literals of its template (`/{Bucket}/{Key+}?uploads`)."""

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel, ServiceModel

from stratus.wire.message import Headers, Request

MAX_QUERY_FIELDS = 1000
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LABEL = re.compile(r"\{(\w+)(\+?)\}")


def query_fields(query: str) -> list[tuple[str, str]]:
    """The decoded fields of a query string. Raises ValueError for what is not UTF-8 and for too many fields."""
    if not query:
        return []
    return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: what its path looks like and what else a request needs to be meant for it."""

    name: str
    literals: tuple[tuple[str, str], ...]
    parameters: tuple[str, ...]
    headers: tuple[str, ...]

    def wants(self, query: dict[str, str], headers: Headers) -> bool:
        """One required parameter is enough: `?uploadId=` without its part number is no PutObject, it is half an UploadPart."""
        return (
            all(name in query and (not value or query[name] == value) for name, value in self.literals)
            and (not self.parameters or any(name in query for name in self.parameters))
            and all(name in headers for name in self.headers)
        )


class Routes:
    """All operations of a REST service. A path with more fixed text wins; among the operations of one path, the one with
    most query literals, then with most required parameters and headers that the request has."""

    def __init__(self, model: ServiceModel) -> None:
        self._paths: dict[str, list[tuple[re.Pattern[str], list[Route]]]] = {}
        self._labels: dict[str, tuple[re.Pattern[str], dict[str, str]]] = {}
        self._model = model
        found: dict[tuple[str, str], list[tuple[bool, Route]]] = {}
        for name in model.operation_names:
            operation = model.operation_model(name)
            path = operation.http["requestUri"].partition("?")[0]
            found.setdefault((operation.http["method"], path), []).append((operation.deprecated, _route(operation)))
        for (method, path), routes in sorted(found.items(), key=lambda item: -len(_LABEL.sub("", item[0][1]))):
            ranked = [_unless_alone(route, routes) for _, route in sorted(routes, key=_rank)]
            self._paths.setdefault(method, []).append((_pattern(path)[0], ranked))

    def find(self, request: Request) -> OperationModel | None:
        """The operation of a request, or None. Raises ValueError for a query string that cannot be read."""
        query = dict(query_fields(request.query))
        for pattern, routes in self._paths.get(request.method, ()):
            if pattern.fullmatch(request.path) is None:
                continue
            for route in routes:
                if route.wants(query, request.headers):
                    return self._model.operation_model(route.name)
        return None

    def labels(self, operation: OperationModel, path: str) -> dict[str, str]:
        """The labels of an operation's path, decoded. Raises ValueError for what is not UTF-8."""
        if operation.name not in self._labels:
            self._labels[operation.name] = _pattern(operation.http["requestUri"].partition("?")[0])
        pattern, names = self._labels[operation.name]
        match = pattern.fullmatch(path)
        if match is None:
            raise ValueError("the path does not match")
        if _BROKEN_ESCAPE.search(path):
            raise ValueError("a percent sign that begins no escape")
        return {names[group]: unquote(value, errors="strict") for group, value in match.groupdict().items()}


def _route(operation: OperationModel) -> Route:
    literals = parse_qsl(operation.http["requestUri"].partition("?")[2], keep_blank_values=True)
    shape = operation.input_shape
    parameters, headers = [], []
    required = {} if shape is None else {name: shape.members[name] for name in shape.required_members}
    for name, member in required.items():
        wire = member.serialization.get("name", name)
        if member.serialization.get("location") == "querystring":
            parameters.append(wire)
        elif member.serialization.get("location") == "header":
            headers.append(wire.lower())
    return Route(operation.name, tuple(literals), tuple(parameters), tuple(headers))


def _unless_alone(route: Route, routes: list[tuple[bool, Route]]) -> Route:
    """What is required tells operations of the same literals apart; the only one with its literals is meant without it too."""
    rivals = [other for _, other in routes if other.literals == route.literals]
    return route if len(rivals) > 1 or not route.literals else replace(route, parameters=(), headers=())


def _rank(entry: tuple[bool, Route]) -> tuple[int, int, bool]:
    deprecated, route = entry
    return -len(route.literals), -len(route.parameters) - len(route.headers), deprecated


def _pattern(path: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """A template as a pattern of raw paths; `{Name+}` is greedy, a slash at the end does not matter."""
    names: dict[str, str] = {}
    parts, at = [], 0
    for match in _LABEL.finditer(path):
        group = f"label{len(names)}"
        names[group] = match[1]
        parts += [re.escape(path[at : match.start()]), f"(?P<{group}>{'.+' if match[2] else '[^/]+'})"]
        at = match.end()
    tail = "" if path.endswith("+}") else "/?"
    return re.compile("".join(parts) + re.escape(path[at:].rstrip("/")) + tail, re.DOTALL), names
