"""What functions print, on its way to CloudWatch Logs."""

from typing import Any

import orjson
import pytest

from stratus.wire.errors import AwsError

HELLO = "def handler(e, c): print('hello')"


class Refusing:
    """CloudWatch Logs that answers some operations with an error, once or for ever."""

    def __init__(self, cloud: Any, errors: dict[str, list[str]]) -> None:
        self.asked: list[str] = []
        self._errors = errors
        self._call = cloud.caller.call
        cloud.caller.call = self.call

    async def call(self, principal: Any, region: str, service: str, operation: str, params: Any, **rest: Any) -> Any:
        if service == "logs":
            self.asked.append(operation)
            errors = self._errors.get(operation, [])
            if errors:
                code = errors.pop(0)
                if code != "ok":
                    raise AwsError(code, "")
        return await self._call(principal, region, service, operation, params, **rest)


async def test_the_group_is_made_by_the_first_line(cloud: Any) -> None:
    await cloud.create("f", HELLO)
    logs = Refusing(cloud, {"CreateLogStream": ["ResourceNotFoundException"]})
    await cloud.ask("f")
    assert "hello" in await cloud.log()
    assert logs.asked == ["CreateLogStream", "CreateLogGroup", "CreateLogStream", "PutLogEvents"]
    # AND the next line finds everything there
    await cloud.ask("f")
    await cloud.log()
    assert logs.asked[4:] == ["PutLogEvents"]


async def test_a_deleted_stream_is_made_again(cloud: Any) -> None:
    await cloud.create("f", HELLO)
    await cloud.ask("f")
    await cloud.log()
    Refusing(cloud, {"PutLogEvents": ["ResourceNotFoundException"]})
    await cloud.ask("f")
    assert (await cloud.log()).count("hello") == 2


async def test_a_role_without_permission_writes_nothing_and_the_function_runs(cloud: Any) -> None:
    await cloud.create("f", HELLO)
    logs = Refusing(cloud, {"CreateLogStream": ["AccessDeniedException"] * 9})
    for _ in range(2):
        await cloud.ask("f")
        assert await cloud.log() == []
    assert logs.asked == ["CreateLogStream"]
    assert cloud.service.invoker.logs.dropped >= 8


async def test_json_logs(cloud: Any) -> None:
    await cloud.create(
        "f",
        "import logging\ndef handler(e, c): logging.getLogger().warning('look')",
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "mine"},
    )
    await cloud.ask("f")
    start, line, report = [orjson.loads(line) for line in await cloud.log()]
    assert (start["type"], report["type"]) == ("platform.start", "platform.report")
    assert (line["level"], line["message"]) == ("WARNING", "look")
    assert report["record"]["metrics"]["memorySizeMB"] == 128
    assert report["record"]["status"] == "success"
    group = next(
        params["logGroupName"] for _, _, operation, params in cloud.caller.calls if operation == "PutLogEvents"
    )
    assert group == "mine"


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        ("print('a\\n\\nb')", ["a", "b"]),
        ("print('no newline', end='')", ["no newline"]),
        ("sys.stderr.write('to stderr\\n')", ["to stderr"]),
        ("os.write(1, b'\\xff\\xfe\\n')", ["\ufffd\ufffd"]),
        ("subprocess.run(['echo', 'from a child'])", ["from a child"]),
        ("print('x' * 300_000)", ["x" * (256 * 1024 - 26), "x" * (300_000 - 256 * 1024 + 26)]),
    ],
)
async def test_lines_are_told_apart(cloud: Any, printed: str, lines: list[str]) -> None:
    await cloud.create("f", f"import os, subprocess, sys\ndef handler(e, c):\n    {printed!s}")
    await cloud.ask("f")
    assert (await cloud.log())[1:-2] == lines
