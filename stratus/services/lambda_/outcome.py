"""How an invocation ended, in the payloads that AWS answers."""

import signal
from dataclasses import dataclass
from typing import Any

import orjson

from stratus.services.lambda_.zygote_client import Death


@dataclass(slots=True)
class Outcome:
    """`payload` is the function's answer or the error's JSON; `error` is X-Amz-Function-Error, None when there was none."""

    payload: bytes
    error: str | None = None
    log_tail: bytes = b""


@dataclass(slots=True)
class Invocation:
    """One event on its way to a function."""

    request_id: str
    payload: bytes
    arn: str
    client_context: str | None = None
    trace_id: str = ""


def failed(payload: bytes) -> Outcome:
    """The function's own error, as its runtime reported it."""
    return Outcome(payload, "Unhandled")


def timed_out(request_id: str, timeout: float) -> Outcome:
    return _platform_error(
        "Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
    )


def exited(request_id: str, death: Death) -> Outcome:
    return _platform_error("Runtime.ExitError", f"RequestId: {request_id} Error: {exit_reason(death)}")


def exit_reason(death: Death) -> str:
    """How a runtime ended, in AWS's words (a Go `ExitError`'s, in fact)."""
    if death.signal is not None:
        return f"Runtime exited with error: signal: {_signal_words(death.signal)}"
    if death.exit_code:
        return f"Runtime exited with error: exit status {death.exit_code}"
    return "Runtime exited without providing a reason"


def too_large(request_id: str, size: int, limit: int) -> Outcome:
    del request_id
    return _platform_error(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes).",
    )


def _platform_error(kind: str, message: str) -> Outcome:
    body: dict[str, Any] = {"errorType": kind, "errorMessage": message}
    return Outcome(orjson.dumps(body), "Unhandled")


def _signal_words(number: int) -> str:
    # strsignal's words, in the lower case that Go gives them
    words = signal.strsignal(number) or f"signal {number}"
    return words.lower()
