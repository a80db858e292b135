"""Invoke, with real workers."""

from typing import Any

ECHO = "def handler(event, context): return {'event': event, 'id': context.aws_request_id}"


async def test_a_function_answers(cloud: Any) -> None:
    await cloud.create("echo", ECHO)
    answer = await cloud.ask("echo", {"a": [1, "ü"]})
    assert answer["event"] == {"a": [1, "ü"]}
