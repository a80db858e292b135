"""The server's end of the zygote: asks for workers, hears of their births and deaths."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stratus.services.lambda_.sandbox import Abilities


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended: `exit_code` when it left by itself, else `signal`."""

    exit_code: int | None
    signal: int | None


@dataclass(frozen=True, slots=True)
class Birth:
    """What a worker is made of. Sizes in bytes, paths the host's."""

    worker: str
    code: Path
    handler: str
    environment: dict[str, str]
    memory: int
    tmp: int
    ports: tuple[int, ...]


def library_directories() -> tuple[str, ...]:
    """Where the interpreter and the installed libraries lie: all that a function sees beside its own code."""
    paths = sysconfig.get_paths()
    found = [paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"]]
    base = os.path.realpath(sys.base_prefix)
    if base not in ("/", "/usr"):
        found.append(base)
    return tuple(sorted({os.path.realpath(path) for path in found} | set(found)))


class ZygoteClient:
    """One zygote process. `on_death(worker, death)` is called in the event loop for every worker that ends."""

    def __init__(self, scratch: Path, on_death: Callable[[str, Death], None]) -> None:
        self._scratch = scratch
        self._on_death = on_death
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._listening: asyncio.Task[None] | None = None
        self._born: dict[str, asyncio.Future[int]] = {}
        self._alive: set[str] = set()
        self._ready: asyncio.Future[Abilities] | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> Abilities:
        """Starts the process and learns what walls the system has. Loading libraries waits for the first worker."""
        async with self._changing:
            return await self._start()

    async def _start(self) -> Abilities:
        if self._control is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            ours.setblocking(False)
            self._scratch.mkdir(mode=0o700, exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own interpreter; starting it takes a millisecond
                [
                    sys.executable,
                    "-I",
                    "-m",
                    "stratus.services.lambda_.zygote",
                    str(theirs.fileno()),
                    str(self._scratch),
                ],
                env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            theirs.close()
            self._ready = asyncio.get_running_loop().create_future()
            self._control = ours
            self._listening = asyncio.ensure_future(self._listen(ours, self._process))
        assert self._ready is not None
        return await self._ready

    async def spawn(self, birth: Birth, output: int) -> int:
        """Forks a worker whose standard output and error go to the descriptor `output`. Returns its process id."""
        abilities = await self.start()
        born: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._born[birth.worker] = born
        scratch = self._scratch
        if not abilities.mounts:
            scratch = self._scratch / birth.worker
            scratch.mkdir(mode=0o700)
        request = {
            "worker": birth.worker,
            "code": str(birth.code),
            "handler": birth.handler,
            "environment": birth.environment,
            "memory": birth.memory,
            "tmp": birth.tmp,
            "ports": birth.ports,
            "scratch": str(scratch),
            "libraries": library_directories(),
        }
        self._send(request, [output])
        return await born

    def kill(self, worker: str) -> None:
        """Ends a worker at once; its death is told like any other."""
        if worker in self._alive and self._control is not None:
            self._send({"kill": worker}, [])

    async def stop(self) -> None:
        """Ends the zygote and with it every worker."""
        async with self._changing:
            if self._control is not None and self._listening is not None:
                self._control.shutdown(socket.SHUT_RDWR)
                await asyncio.wait([self._listening])

    def _send(self, request: dict[str, Any], descriptors: list[int]) -> None:
        assert self._control is not None
        payload = json.dumps(request).encode()
        self._control.setblocking(True)
        try:
            socket.send_fds(self._control, [len(payload).to_bytes(4, "big")], descriptors)
            self._control.sendall(payload)
        finally:
            self._control.setblocking(False)

    async def _listen(self, control: socket.socket, process: "subprocess.Popen[bytes]") -> None:
        """Hears what the zygote tells, until it ends: because it was told to, or by an accident that the next worker repairs."""
        loop = asyncio.get_running_loop()
        rest = b""
        try:
            while piece := await loop.sock_recv(control, 65536):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    self._hear(json.loads(line))
        finally:
            # at once: whoever needs a worker now starts a new zygote, whose workers must not be taken for this one's
            self._control = None
            control.close()
            self._lost()
            await loop.run_in_executor(None, _end, process)

    def _hear(self, message: dict[str, Any]) -> None:
        if "abilities" in message:
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(Abilities(*message["abilities"]))
        elif "born" in message:
            self._alive.add(message["born"])
            born = self._born.pop(message["born"], None)
            if born is not None and not born.done():
                born.set_result(message["pid"])
        elif "died" in message:
            self._dead(message["died"], message["status"])

    def _dead(self, worker: str, status: int) -> None:
        self._alive.discard(worker)
        shutil.rmtree(self._scratch / worker, ignore_errors=True)
        if os.WIFSIGNALED(status):
            self._on_death(worker, Death(None, os.WTERMSIG(status)))
        else:
            self._on_death(worker, Death(os.WEXITSTATUS(status), None))

    def _lost(self) -> None:
        """The zygote is gone, and its workers with it."""
        ended = ConnectionResetError("the zygote ended")
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(ended)
        for born in self._born.values():
            if not born.done():
                born.set_exception(ended)
        self._born.clear()
        for worker in list(self._alive):
            self._dead(worker, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
