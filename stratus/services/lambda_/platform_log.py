"""The lines that Lambda itself writes into a function's log.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html and monitoring-cloudwatchlogs-advanced.html. With
LogFormat=JSON, SystemLogLevel=WARN leaves them out, as AWS does.
"""

import time
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from stratus.services.lambda_.functions import Function


@dataclass(frozen=True, slots=True)
class Report:
    """What an invocation cost. `init_ms` is None but for a worker's first."""

    duration_ms: float
    init_ms: float | None
    memory_mb: int
    used_mb: int
    failed: bool

    @property
    def billed_ms(self) -> int:
        return int(self.duration_ms + (self.init_ms or 0)) + 1


class LogFormat(Protocol):
    def start(self, request_id: str) -> list[str]: ...

    def end(self, request_id: str, report: Report) -> list[str]: ...


class Text:
    def start(self, request_id: str) -> list[str]:
        return [f"START RequestId: {request_id} Version: $LATEST"]

    def end(self, request_id: str, report: Report) -> list[str]:
        init = "" if report.init_ms is None else f"Init Duration: {report.init_ms:.2f} ms\t"
        line = (
            f"REPORT RequestId: {request_id}\tDuration: {report.duration_ms:.2f} ms\tBilled Duration: {report.billed_ms} ms\t"
            f"Memory Size: {report.memory_mb} MB\tMax Memory Used: {report.used_mb} MB\t{init}"
        )
        return [f"END RequestId: {request_id}", line]


class Json:
    def start(self, request_id: str) -> list[str]:
        return [_event("platform.start", {"requestId": request_id, "version": "$LATEST"})]

    def end(self, request_id: str, report: Report) -> list[str]:
        metrics: dict[str, Any] = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.used_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        status = "error" if report.failed else "success"
        return [_event("platform.report", {"requestId": request_id, "metrics": metrics, "status": status})]


class Silent:
    def start(self, request_id: str) -> list[str]:
        del request_id
        return []

    def end(self, request_id: str, report: Report) -> list[str]:
        del request_id, report
        return []


def of(function: Function) -> LogFormat:
    """The format that a function's LoggingConfig asks for."""
    if function.logging.get("LogFormat") != "JSON":
        return Text()
    return Silent() if function.logging.get("SystemLogLevel") == "WARN" else Json()


def timed_out(request_id: str, timeout: float) -> str:
    return f"{_timestamp()} {request_id} Task timed out after {timeout:.2f} seconds"


def _event(kind: str, record: dict[str, Any]) -> str:
    return orjson.dumps({"time": _timestamp(), "type": kind, "record": record}).decode()


def _timestamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
