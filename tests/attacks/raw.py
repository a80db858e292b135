"""Requests exactly as an attacker writes them, past every client's good manners."""

import http.client
import socket
from urllib.parse import urlsplit

from tests.attacks.answers import Answer

PATIENCE = 20.0


def send(url: str, request: bytes, method: str = "GET") -> Answer:
    """Writes `request` to the host and port of `url` and reads one answer. Status 0 stands for a connection closed without one."""
    with connected(url) as connection:
        connection.sendall(request)
        return receive(connection, method)


def connected(url: str) -> socket.socket:
    place = urlsplit(url)
    assert place.hostname
    assert place.port
    return socket.create_connection((place.hostname, place.port), PATIENCE)


def receive(connection: socket.socket, method: str = "GET") -> Answer:
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = response.read()
    except (http.client.BadStatusLine, ConnectionResetError):
        return Answer(0)
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def get(url: str, target: str, *fields: str, method: str = "GET") -> Answer:
    """A request for `target`, byte for byte as given (latin-1), with `fields` as its header lines; a Host unless one is given."""
    host = () if any(field.lower().startswith("host:") for field in fields) else (f"Host: {urlsplit(url).netloc}",)
    lines = [f"{method} {target} HTTP/1.1", *host, *fields, "Connection: close", "", ""]
    return send(url, "\r\n".join(lines).encode("latin-1"), method)
