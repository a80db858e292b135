"""Invoke, with real workers: answers, errors in AWS's shapes, limits, what a broken function may not break."""

import asyncio
import base64
import contextlib
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest

from stratus.wire.errors import AwsError

ECHO = "def handler(event, context): return event"


async def error_of(cloud: Any, name: str, event: Any = None) -> dict[str, Any]:
    """The error payload of an invocation that fails."""
    answer = await cloud.invoke(name, event)
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    payload: dict[str, Any] = orjson.loads(answer["Payload"])
    return payload


async def test_a_function_answers(cloud: Any) -> None:
    await cloud.create("echo", ECHO)
    assert await cloud.ask("echo", {"a": [1, "ü", None]}) == {"a": [1, "ü", None]}


async def test_the_context_is_aws_own(cloud: Any) -> None:
    await cloud.create(
        "f",
        "def handler(event, c):\n"
        "    return [c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb, c.log_group_name,"
        " c.get_remaining_time_in_millis(), c.client_context.custom, c.aws_request_id]",
    )
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    answer = orjson.loads((await cloud.invoke("f", ClientContext=context))["Payload"])
    assert answer[:5] == ["f", "$LATEST", "arn:aws:lambda:eu-central-1:123456789012:function:f", "128", "/aws/lambda/f"]
    assert 8000 < answer[5] <= 10_000
    assert answer[6] == {"k": "v"}


async def test_a_warm_worker_is_used_again(cloud: Any) -> None:
    await cloud.create("f", "n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    return n")
    assert [await cloud.ask("f") for _ in range(3)] == [1, 2, 3]


async def test_concurrent_invocations_run_at_once(make_cloud: Any) -> None:
    cloud = await make_cloud(max_workers=3)
    await cloud.create("f", "import os, time\ndef handler(e, c):\n    time.sleep(0.5)\n    return os.getpid()")
    pids = await asyncio.gather(*(cloud.ask("f") for _ in range(3)))
    assert len(set(pids)) == 3
    assert cloud.service.invoker.pool.size == 3


async def test_the_machine_wide_bound_holds_and_the_rest_wait(make_cloud: Any) -> None:
    cloud = await make_cloud(max_workers=2)
    await cloud.create("f", "import os, time\ndef handler(e, c):\n    time.sleep(0.1)\n    return os.getpid()")
    pids = await asyncio.gather(*(cloud.ask("f") for _ in range(6)))
    assert len(set(pids)) == 2


async def test_an_idle_worker_makes_room_for_another_function(make_cloud: Any) -> None:
    cloud = await make_cloud(max_workers=1)
    await cloud.create("a", ECHO)
    await cloud.create("b", ECHO)
    assert [await cloud.ask(name, name) for name in "abab"] == list("abab")
    assert cloud.service.invoker.pool.size == 1


async def test_an_exception_is_the_answer(cloud: Any) -> None:
    await cloud.create("f", "def handler(e, c): raise ValueError('no ' + e)")
    error = await error_of(cloud, "f", "luck")
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no luck")
    assert 'File "/var/task/app.py", line 1, in handler' in error["stackTrace"][0]
    # AND the worker goes on
    assert cloud.service.invoker.pool.size == 1


@pytest.mark.parametrize(
    ("source", "handler", "kind", "message"),
    [
        (
            "import nowhere",
            "app.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nowhere'",
        ),
        (
            ECHO,
            "nofile.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'nofile': No module named 'nofile'",
        ),
        (ECHO, "app.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"),
        (
            ECHO,
            "app",
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "def (",
            "app.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app': invalid syntax (app.py, line 1)",
        ),
        ("1 / 0", "app.handler", "ZeroDivisionError", "division by zero"),
    ],
)
async def test_what_cannot_be_loaded(cloud: Any, source: str, handler: str, kind: str, message: str) -> None:
    # messages as https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html gives them
    await cloud.create("f", source, Handler=handler)
    error = await error_of(cloud, "f")
    assert (error["errorType"], error["errorMessage"]) == (kind, message)


async def test_loading_is_tried_again_by_the_next_invocation(cloud: Any) -> None:
    await cloud.create("f", "import nowhere")
    await error_of(cloud, "f")
    await cloud.do("UpdateFunctionConfiguration", FunctionName="f", Description="again")
    error = await error_of(cloud, "f")
    assert error["errorType"] == "Runtime.ImportModuleError"


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ("os._exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime.ExitError", "Runtime exited without providing a reason"),
        ("sys.exit(1)", "Runtime.ExitError", "Runtime exited with error: exit status 1"),
        ("os.kill(os.getpid(), 9)", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("ctypes.string_at(0)", "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
        ("bytearray(1 << 30)", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("time.sleep(60)", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("while True: pass", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    ],
)
async def test_how_a_worker_ends_is_the_answer(cloud: Any, body: str, kind: str, reason: str) -> None:
    await cloud.create(
        "f", f"import ctypes, os, sys, time\ndef handler(e, c):\n  if e == 'ok': return 'well'\n  {body}", Timeout=1
    )
    answer = await cloud.invoke("f", "go")
    error = orjson.loads(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == kind
    assert error["errorMessage"].startswith("RequestId: ")
    assert error["errorMessage"].endswith(f" Error: {reason}")
    # AND the next one gets a new worker
    assert await cloud.ask("f", "ok") == "well"


async def test_one_that_dies_hurts_only_its_own_request(make_cloud: Any) -> None:
    cloud = await make_cloud(max_workers=2)
    await cloud.create(
        "f",
        "import os, time\ndef handler(e, c):\n    time.sleep(0.1)\n    os._exit(1) if e else None\n    return 'well'",
    )
    bad, good = await asyncio.gather(cloud.invoke("f", 1), cloud.invoke("f", 0))
    assert "FunctionError" in bad
    assert good["Payload"] == b'"well"'


async def test_children_end_with_their_worker(cloud: Any) -> None:
    # GIVEN a function that leaves a process behind, in a session of its own
    mark = uuid.uuid4().hex
    await cloud.create(
        "f",
        "import os, subprocess, sys\n"
        "def handler(e, c):\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(999)', '"
        + mark
        + "'],"
        " start_new_session=True, stdout=subprocess.PIPE)\n"
        "    child.stdout.read(1)\n"
        "    os._exit(0)",
    )
    assert (await error_of(cloud, "f"))["errorType"] == "Runtime.ExitError"
    # THEN it has ended, too
    assert not any(mark.encode() in command for command in commands())


def commands() -> list[bytes]:
    """The command lines of every process of this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return found


async def test_megabytes_of_output_are_bounded(cloud: Any) -> None:
    await cloud.create("f", "def handler(e, c):\n    for _ in range(100): print('x' * 100_000)\n    return 'well'")
    answer = await cloud.invoke("f", LogType="Tail")
    assert answer["Payload"] == b'"well"'
    assert len(base64.b64decode(answer["LogResult"])) <= 4096
    await cloud.service.invoker.logs.flush()
    lines = cloud.caller.log()
    assert sum(map(len, lines)) < 1_300_000
    assert any("bytes of output were dropped" in line for line in lines)


async def test_the_log_of_an_invocation(cloud: Any) -> None:
    await cloud.create(
        "f", "import logging\ndef handler(e, c):\n    print('hello')\n    logging.getLogger().error('two\\nlines')"
    )
    answer = await cloud.invoke("f", LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    lines = tail.splitlines()
    assert lines[0].startswith("START RequestId: ")
    assert lines[0].endswith(" Version: $LATEST")
    assert lines[1] == "hello"
    assert lines[2].startswith("[ERROR]\t")
    assert lines[-2].startswith("END RequestId: ")
    assert "\tMemory Size: 128 MB\tMax Memory Used: " in lines[-1]
    assert "Init Duration: " in lines[-1]
    await cloud.service.invoker.logs.flush()
    assert "hello" in cloud.caller.log()
    # AND it was the function's role that wrote it
    writer = next(principal for principal, _, operation, _ in cloud.caller.calls if operation == "PutLogEvents")
    assert writer.arn == "arn:aws:sts::123456789012:assumed-role/worker/f"


async def test_an_answer_that_is_too_large(cloud: Any) -> None:
    await cloud.create("f", "def handler(e, c): return 'x' * e")
    limit = 6_291_556
    assert len((await cloud.invoke("f", limit - 2))["Payload"]) == limit
    for size in (limit - 1, limit * 2):
        error = await error_of(cloud, "f", size)
        assert error["errorType"] == "Function.ResponseSizeTooLarge"
        assert (
            error["errorMessage"]
            == f"Response payload size ({size + 2} bytes) exceeded maximum allowed payload size (6291556 bytes)."
        )
    assert await cloud.ask("f", 1) == "x"


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)])
async def test_an_event_that_is_too_large(cloud: Any, kind: str, limit: int) -> None:
    await cloud.create("f", ECHO)
    with pytest.raises(AwsError) as refused:
        await cloud.do("Invoke", FunctionName="f", InvocationType=kind, Payload=b'"' + b"x" * (limit - 1) + b'"')
    assert (refused.value.code, refused.value.status) == ("RequestTooLargeException", 413)


async def test_reserved_concurrency_throttles(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    await cloud.do("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(AwsError) as refused:
        await cloud.invoke("f")
    assert (refused.value.code, refused.value.status) == ("TooManyRequestsException", 429)
    assert refused.value.members["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    await cloud.do("DeleteFunctionConcurrency", FunctionName="f")
    assert await cloud.ask("f", 1) == 1


async def test_a_dry_run_runs_nothing(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    assert await cloud.do("Invoke", FunctionName="f", InvocationType="DryRun") == {"StatusCode": 204}
    assert cloud.service.invoker.pool.size == 0


async def test_a_function_that_does_not_exist(cloud: Any) -> None:
    with pytest.raises(AwsError) as refused:
        await cloud.invoke("nobody")
    assert (refused.value.code, refused.value.status) == ("ResourceNotFoundException", 404)
    assert refused.value.message == "Function not found: arn:aws:lambda:eu-central-1:123456789012:function:nobody"


async def test_a_role_that_may_not_be_assumed_any_more(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    cloud.service.invoker.credentials.forget("f")
    cloud.caller.refuse_role = True
    with pytest.raises(AwsError) as refused:
        await cloud.invoke("f")
    assert (refused.value.code, refused.value.status) == ("AccessDeniedException", 403)
