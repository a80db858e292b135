"""The zygote: holds the libraries that functions import, and forks one confined worker for each request to.

Started as `python -I -m stratus.services.lambda_.zygote FD` with an environment that names only the time zone. It never
holds a client, a credential or a function's code. On socket FD it takes frames (four bytes of length, with the worker's output
descriptor attached, then JSON) and answers lines of JSON: its abilities, then each worker's birth and death. It ends, and takes
every worker with it, when the socket closes.
"""

import array
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

from stratus.services.lambda_ import portable_runtime_client, sandbox

LIBRARIES = (
    "simplejson",
    "http.client",
    "boto3",
    "botocore.client",
    "botocore.httpsession",
    "botocore.endpoint",
    "botocore.signers",
    "pydantic",
    "pydynox",
    "dateutil.rrule",
    "zoneinfo",
    "aws_lambda_powertools",
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.parser",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.utilities.typing",
)
"""Imported before the first fork where they are installed; a function that needs none of them pays nothing for them."""


class Zygote:
    def __init__(self, control: socket.socket, scratch: str) -> None:
        self._control = control
        self._abilities = sandbox.probe(scratch)
        self._workers: dict[int, str] = {}
        self._loaded = False

    def run(self) -> None:
        """Serves until the server goes away."""
        sandbox.adopt_orphans()
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._tell({"abilities": [self._abilities.mounts, self._abilities.own_user, self._abilities.landlock]})
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == woken:
                        os.read(woken, 4096)
                        self._reap()
                    elif not self._serve():
                        return

    def _serve(self) -> bool:
        """One request; False when there will be no more."""
        length, descriptors = _receive_header(self._control)
        if len(length) < 4:
            return False
        request = json.loads(_receive_exactly(self._control, int.from_bytes(length, "big")))
        if "kill" in request:
            for pid, worker in self._workers.items():
                if worker == request["kill"]:
                    _kill_group(pid)
        else:
            self._fork(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _fork(self, request: dict[str, Any], descriptors: list[int]) -> None:
        if not self._loaded:
            load_libraries()
            self._loaded = True
        pid = os.fork()
        if pid == 0:
            _become_worker(request, self._abilities, descriptors[0])
        self._workers[pid] = request["worker"]
        self._tell({"born": request["worker"], "pid": pid})

    def _reap(self) -> None:
        """Buries all who have died, and ends what dead workers left behind: a thousand processes, where one forked without end."""
        died = list(_buried())
        for pid, _ in died:
            if pid in self._workers:
                self._end_descendants(pid)
        self._end_orphans()
        for pid, status in died:
            worker = self._workers.pop(pid, None)
            if worker is not None:
                self._tell({"died": worker, "status": status})

    def _end_descendants(self, pid: int) -> None:
        """Ends what a dead worker left running in its group and under its user."""
        _kill_group(pid)
        if not self._abilities.own_user:
            return
        avenger = os.fork()
        if avenger == 0:
            os.setresuid(*[sandbox.user_of(pid)] * 3)
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            os._exit(0)
        os.waitpid(avenger, 0)

    def _end_orphans(self) -> None:
        """Ends what lost its parent to the zygote, wherever it hid."""
        for orphan in _children():
            if orphan not in self._workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)

    def _tell(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


def load_libraries() -> None:
    """Imports what functions import, so that a fork has it already, and puts it out of the garbage collector's sight."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _become_worker(request: dict[str, Any], abilities: sandbox.Abilities, output: int) -> NoReturn:
    """The child's whole life: shed the zygote, put up the walls, then hand over to AWS's runtime interface client."""
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, 65536)
        _forget_zygote(request["libraries"])
        os.environ.clear()
        os.environ.update(request["environment"])
        task = sandbox.enter(
            abilities,
            sandbox.Confinement(
                code=request["code"],
                scratch=request["scratch"],
                libraries=tuple(request["libraries"]),
                ports=tuple(request["ports"]),
                memory=request["memory"],
                tmp=request["tmp"],
            ),
        )
        sandbox.die_with_parent()
        _run_function(task, request["handler"])
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - the last frame of a process: report, and never return into the zygote
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(status)


def _forget_zygote(libraries: list[str]) -> None:
    for name in [name for name in sys.modules if name == "stratus" or name.startswith("stratus.")]:
        del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if any(entry.startswith(known) for known in libraries)]
    sys.argv[:] = ["bootstrap"]
    sys.executable = os.path.realpath(sys.executable)


def _run_function(task: str, handler: str) -> None:
    import time

    time.tzset()
    os.environ["LAMBDA_TASK_ROOT"] = task
    sys.path.insert(0, task)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - for life
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - for life
    if importlib.util.find_spec("runtime_client") is None:
        sys.modules["runtime_client"] = portable_runtime_client
    # imported only now: they read the environment when they are imported
    from awslambdaric import bootstrap
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

    # awslambdaric's own main would, from Python 3.12 on, wait for each event in a new thread, for the sake of signals that nobody
    # sends here: a new connection and 2 ms of CPU for every invocation
    client = LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"], use_thread_for_polling_next=False)
    bootstrap.run(handler, client)


def _children() -> list[int]:
    """The zygote's children: its workers, and the orphans that it has adopted (Linux)."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as children:
            return [int(pid) for pid in children.read().split()]
    except FileNotFoundError:
        return []


def _buried() -> Iterator[tuple[int, int]]:
    """Process id and status of each child that has died."""
    with contextlib.suppress(ChildProcessError):
        while (died := os.waitpid(-1, os.WNOHANG))[0]:
            yield died


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _receive_header(control: socket.socket) -> tuple[bytes, list[int]]:
    descriptors = array.array("i")
    data, ancillary, _, _ = control.recvmsg(4, socket.CMSG_LEN(descriptors.itemsize))
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload)
    return data, list(descriptors)


def _receive_exactly(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = control.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    # whoever presses Ctrl-C means the server, which then closes the socket
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    zygote = Zygote(control, sys.argv[2])
    try:
        with contextlib.suppress(BrokenPipeError):  # the server went away while it was told of a death
            zygote.run()
    finally:
        for pid in zygote._workers:
            _kill_group(pid)


if __name__ == "__main__":
    main()
