"""`stratus up` as a process of its own, that can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
STRATUS = Path(sys.executable).with_name("stratus")
READY_WITHIN = 60


class StratusProcess:
    """One data directory, and at most one process on it at a time. Used in a `with`, it leaves none behind, whatever happens."""

    def __init__(self, data: Path, port_base: int) -> None:
        self.data = data
        self.port_base = port_base
        self.ready: dict[str, Any] = {}
        self._ready_file = data.with_name(data.name + ".ready.json")
        self._log = data.with_name(data.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, prefix: tuple[str, ...] = ()) -> None:
        """Returns when everything is up. `prefix` is a command to run it under (strace)."""
        self._ready_file.unlink(missing_ok=True)
        command = [*prefix, str(STRATUS), "up", str(ROOT / "apps" / "todolist")]
        command += ["--data", str(self.data), "--port-base", str(self.port_base), "--ready-file", str(self._ready_file)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"did not come up: {self._log.read_text()[-3000:]}")
            os.sched_yield()
            time.sleep(0.01)
        self.ready = json.loads(self._ready_file.read_bytes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    @property
    def outputs(self) -> dict[str, str]:
        outputs: dict[str, str] = self.ready["stacks"]["todolist"]["outputs"]
        return outputs

    @property
    def pid(self) -> int:
        return int(self.ready["pid"])

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed by the process."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> int:
        assert self._process is not None
        os.kill(self.pid, signal.SIGTERM)
        return self._process.wait(30)

    def client(self, service: str, **credentials: str) -> Any:
        admin = self.ready["admin"]
        keys = credentials or {
            "aws_access_key_id": admin["access_key_id"],
            "aws_secret_access_key": admin["secret_access_key"],
        }
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name is one of boto3's
            endpoint_url=f"http://localhost:{self.port_base}",
            region_name=self.ready["region"],
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30),
            **keys,
        )
