"""The replacement of awslambdaric's native module, against our Runtime API."""

import asyncio
from typing import Any

import pytest

from stratus.services.lambda_ import portable_runtime_client as client
from stratus.services.lambda_.runtime_api import RuntimeConnection, RuntimeListener


class OneEvent:
    """Gives one event, and takes what comes back."""

    def __init__(self) -> None:
        self.back: list[tuple[str, str, bytes]] = []

    def connected(self, connection: RuntimeConnection) -> None: ...

    def next(self, connection: RuntimeConnection) -> None:
        headers = [("Lambda-Runtime-Aws-Request-Id", "id-1"), ("Lambda-Runtime-Deadline-Ms", "1800000000000")]
        connection.give(headers, b'{"a": 1}')

    def respond(self, request_id: str, body: bytes) -> bool:
        self.back.append(("response", request_id, body))
        return request_id == "id-1"

    def fail(self, request_id: str, body: bytes) -> bool:
        self.back.append(("error", request_id, body))
        return True

    def fail_init(self, body: bytes) -> bool:
        return True

    def too_large(self, request_id: str, size: int) -> None: ...


async def test_it_speaks_the_runtime_api(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = OneEvent()
    listener = RuntimeListener(runtime)
    await listener.open()
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", f"127.0.0.1:{listener.port}")

    def talk() -> Any:
        client.initialize_client("agent")
        payload, headers = client.next()
        assert headers["Lambda-Runtime-Deadline-Ms"] == 1_800_000_000_000
        client.post_invocation_result(str(headers["Lambda-Runtime-Aws-Request-Id"]), b"[2]", "application/json", None)
        client.post_error("id-1", '{"errorType": "E"}', "", None)
        with pytest.raises(RuntimeError, match="400"):
            client.post_invocation_result("other", b"", "application/json", None)
        return payload

    assert await asyncio.to_thread(talk) == b'{"a": 1}'
    listener.close()
    assert runtime.back == [
        ("response", "id-1", b"[2]"),
        ("error", "id-1", b'{"errorType": "E"}'),
        ("response", "other", b""),
    ]
