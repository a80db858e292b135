"""The four functions of awslambdaric's native module `runtime_client`, for systems for which AWS does not build it (macOS).

Source: awslambdaric's lambda_runtime_client.py, which calls them, and https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import http.client
import os

_connection: http.client.HTTPConnection | None = None
_DEADLINE = "Lambda-Runtime-Deadline-Ms"
_PATH = "/2018-06-01/runtime/invocation/"


def initialize_client(user_agent: str) -> None:
    """Connects when it is first needed; the address is in the environment."""
    del user_agent
    global _connection  # noqa: PLW0603 - one per process, as in the native module
    _connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def next() -> tuple[bytes, dict[str, str | int]]:  # noqa: A001 - the native module's name
    """Waits for an event: its payload and headers, the deadline among them a number."""
    payload, headers = _ask("GET", "next", None, {}, 200)
    return payload, {**headers, _DEADLINE: int(headers[_DEADLINE])}


def post_invocation_result(request_id: str, result: bytes, content_type: str, invocation_id: str | None) -> None:
    del invocation_id
    _ask("POST", f"{request_id}/response", result, {"Content-Type": content_type}, 202)


def post_error(request_id: str, error: str, xray_fault: str, invocation_id: str | None) -> None:
    del xray_fault, invocation_id
    _ask("POST", f"{request_id}/error", error.encode(), {"Content-Type": "application/json"}, 202)


def _ask(
    method: str, path: str, body: bytes | None, headers: dict[str, str], expected: int
) -> tuple[bytes, dict[str, str]]:
    assert _connection is not None
    _connection.request(method, _PATH + path, body, headers)
    response = _connection.getresponse()
    payload = response.read()
    if response.status != expected:
        raise RuntimeError(f"the Runtime API answered {path} with {response.status}")
    return payload, dict(response.headers)
