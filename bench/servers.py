"""What is measured: Stratus and its peers, each a process of its own on this machine, started empty and stopped by its own id."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
START_WITHIN = 60


@dataclass(frozen=True)
class Server:
    """A running one. `outputs` are those of the application's stack, where it has one."""

    name: str
    port: int
    credentials: Credentials
    region: str
    pid: int
    outputs: dict[str, str] = field(default_factory=dict)
    mailbox: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name is one of boto3's
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.credentials.access_key,
            aws_secret_access_key=self.credentials.secret_key,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )


@contextlib.contextmanager
def stratus(data: Path | None = None) -> Iterator[Server]:
    """With MyTodoList deployed; on a fresh data directory, or on `data`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, ready = data or Path(scratch) / "data", Path(scratch) / "ready.json"
        port = _free_ports(20)
        command = [str(BIN / "stratus"), "up", str(ROOT / "apps" / "todolist"), "--data", str(folder)]
        with _running([*command, "--port-base", str(port), "--ready-file", str(ready)], {}) as process:
            _wait(process, ready.exists)
            said = json.loads(ready.read_bytes())
            admin = Credentials(said["admin"]["access_key_id"], said["admin"]["secret_access_key"])
            outputs = said["stacks"]["todolist"]["outputs"]
            yield Server("stratus", port, admin, said["region"], said["pid"], outputs, Path(said["mailbox"]))


@contextlib.contextmanager
def ministack() -> Iterator[Server]:
    """With its checks of signatures and policies on; any twelve digits are root's key, and its secret is `test`."""
    port = _free_ports(1)
    environment = {"GATEWAY_PORT": str(port), "AUTH": "true", "LAMBDA_EXECUTOR": "local", "LOG_LEVEL": "ERROR"}
    command = [str(ROOT / ".venv" / "tools" / "ministack" / "bin" / "ministack")]
    with _running(command, environment) as process:
        _wait(process, lambda: _answers(f"http://127.0.0.1:{port}/_ministack/health"))
        yield Server("ministack", port, Credentials("000000000000", "test"), "us-east-1", process.pid)


@contextlib.contextmanager
def dynamodb_local() -> Iterator[Server]:
    """In memory; it verifies nothing."""
    port = _free_ports(1)
    home = ROOT / ".venv" / "dynamodb-local"
    java = shutil.which("java") or "java"
    command = [java, f"-Djava.library.path={home}/DynamoDBLocal_lib", "-jar", str(home / "DynamoDBLocal.jar")]
    with _running([*command, "-inMemory", "-sharedDb", "-port", str(port)], {}) as process:
        _wait(process, lambda: _answers(f"http://127.0.0.1:{port}/"))
        yield Server("DynamoDB Local", port, Credentials("local", "local"), "us-east-1", process.pid)


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=folder,  # some leave files where they stand
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-3000:])
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], is_up: Any) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not come up")
        time.sleep(0.005)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _free_ports(count: int) -> int:
    for base in range(10_000, 20_000, count):  # below those that clients are given
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise RuntimeError("no free ports")
