"""What a function cannot reach: each row of the attack table is tried by a real function in a real worker."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from stratus.services.lambda_ import landlock, sandbox, zygote_client

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the walls are Linux's")

NEEDS_LANDLOCK = {
    "connect to another port": 4,
    "connect to another worker's Runtime API": 4,
    "listen": 4,
    "connect to an abstract socket": 6,
}


# what a hostile function tries: an expression, and the exception that it must raise
ATTACKS: dict[str, tuple[str, str]] = {
    "read the data directory": ("open(at['data'] + '/functions.sqlite', 'rb').read()", "OSError"),
    "list the data directory": ("os.listdir(at['data'])", "OSError"),
    "write into the data directory": ("open(at['data'] + '/functions.sqlite', 'ab').write(b'x')", "OSError"),
    "climb out of the code": ("os.listdir('/var/task/../../' + at['data'])", "OSError"),
    "read another function's code": ("os.listdir(at['data'] + '/code')", "OSError"),
    "read the host's accounts": ("open('/etc/shadow').read()", "OSError"),
    "read the server's environment": ("open('/proc/%d/environ' % at['server'], 'rb').read()", "OSError"),
    "read the zygote's memory": ("open('/proc/%d/mem' % os.getppid(), 'rb').read(1)", "OSError"),
    "open a disk": ("open('/dev/vda', 'rb')", "OSError"),
    "make a device": ("os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0))", "OSError"),
    "change its own code": ("open(os.environ['LAMBDA_TASK_ROOT'] + '/app.py', 'a').write('#')", "OSError"),
    "put a library in everybody's way": ("open(os.path.dirname(json.__file__) + '/evil.py', 'w')", "OSError"),
    "write into the system": ("open('/usr/evil', 'w')", "OSError"),
    "kill the server": ("os.kill(at['server'], 9)", "OSError"),
    "stop the server": ("os.kill(at['server'], 19)", "OSError"),
    "kill the zygote": ("os.kill(os.getppid(), 9)", "OSError"),
    "trace the server": ("libc('ptrace', 16, at['server'], 0, 0)", "OSError"),
    "become root": ("os.setuid(0)", "OSError"),
    "mount something": ("libc('mount', b'none', b'/tmp', b'tmpfs', 0, None)", "OSError"),
    "change the root": ("os.chroot('/tmp')", "OSError"),
    "connect to another port": ("socket.create_connection(('127.0.0.1', at['port']), 5)", "PermissionError"),
    "connect to another worker's Runtime API": (
        "socket.create_connection(('127.0.0.1', at['other']), 5)",
        "PermissionError",
    ),
    "listen": ("socket.socket().bind(('127.0.0.1', 0))", "PermissionError"),
    "connect to an abstract socket": (
        "socket.socket(socket.AF_UNIX).connect('\\0' + at['abstract'])",
        "PermissionError",
    ),
    "import the server": ("__import__('stratus')", "ImportError"),
    "find the server's descriptors": ("[os.fstat(fd) for fd in range(3, 256) if fd not in at_start][0]", "OSError"),
    "grow a file for ever": ("os.truncate(os.open('/tmp/f', os.O_CREAT | os.O_RDWR), 1 << 40)", "OSError"),
    "mount something as root of a namespace": (
        "(libc('unshare', 0x10020000), libc('mount', b'none', b'/tmp', b'tmpfs', 0, None))",
        "OSError",
    ),
}

SOURCE = """
import ctypes, json, os, signal, socket
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
at_start = []

def libc(name, *arguments):
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def attempt(at, expression):
    try:
        return ['succeeded', repr(eval(expression, {**globals(), 'at': at}))[:200]]
    except BaseException as error:
        return [kind.__name__ for kind in type(error).__mro__] + [repr(error)]

def handler(event, context):
    return {name: attempt(event['at'], expression) for name, expression in event['attacks'].items()}
"""


@pytest.fixture
async def results(make_cloud: Any, tmp_path: Path) -> AsyncIterator[dict[str, list[str]]]:
    cloud = await make_cloud(max_workers=2)
    await cloud.create("victim", "def handler(e, c): return 'private'")
    await cloud.ask("victim")
    (victim,) = cloud.service.invoker.pool._workers.values()
    await cloud.create("attacker", SOURCE)
    with socket.create_server(("127.0.0.1", 0)) as door, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0stratus-test")
        abstract.listen()
        at = {
            "data": str(tmp_path / "lambda"),
            "server": os.getpid(),
            "port": door.getsockname()[1],
            "other": victim.listener.port,
            "abstract": "stratus-test",
        }
        yield await cloud.ask("attacker", {"at": at, "attacks": {name: text for name, (text, _) in ATTACKS.items()}})
    # AND everybody else lives on
    assert await cloud.ask("victim") == "private"


async def test_every_attack_fails(results: dict[str, list[str]]) -> None:
    version = landlock.abi()
    succeeded = {
        name: result
        for name, result in results.items()
        if ATTACKS[name][1] not in result and version >= NEEDS_LANDLOCK.get(name, 0)
    }
    assert succeeded == {}


async def test_every_attack_fails_where_only_landlock_is_left(results: dict[str, list[str]], tmp_path: Path) -> None:
    """As root without mount namespaces, in a container, say: the walls are put up in a process of the test's own."""
    if landlock.abi() < 6:
        pytest.skip("no Landlock, and then there are warnings instead")
    del results  # the table's targets are made by it
    code = tmp_path / "lambda" / "code" / "mine"
    code.mkdir()
    (code / "app.py").write_text(SOURCE)
    script = (
        "import json, sys\n"
        "from stratus.services.lambda_ import sandbox\n"
        "from stratus.services.lambda_.zygote_client import library_directories\n"
        "request = json.loads(sys.argv[1])\n"
        "walls = sandbox.Confinement(request['code'], request['scratch'], library_directories(), (), 1 << 28, 1 << 29)\n"
        "task = sandbox.enter(sandbox.Abilities(False, False, request['landlock']), walls)\n"
        "sandbox.os.environ['LAMBDA_TASK_ROOT'] = task\n"
        "sys.path.insert(0, task)\n"
        "import app\n"
        "print(json.dumps(app.handler(request, None)))"
    )
    not_here = {"become root", "import the server", "climb out of the code"}  # it is root, without a capability
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as door, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0stratus-fallback")
        abstract.listen()
        port = door.getsockname()[1]
        request = {
            "code": str(code),
            "scratch": str(scratch),
            "landlock": landlock.abi(),
            "attacks": {name: text for name, (text, _) in ATTACKS.items() if name not in not_here},
            "at": {
                "data": str(tmp_path / "lambda"),
                "server": os.getpid(),
                "port": port,
                "other": port,
                "abstract": "stratus-fallback",
            },
        }
        ran = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, orjson.dumps(request).decode(), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await ran.communicate()
    assert {name: result for name, result in orjson.loads(output).items() if ATTACKS[name][1] not in result} == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="it already ran without root")
async def test_every_attack_fails_against_a_server_that_is_not_root(tmp_path: Path) -> None:
    """The same table, by a server whose user is nobody special: user namespaces take the place of user ids."""
    unshare = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if (await (await asyncio.create_subprocess_exec(*unshare, "true")).wait()) != 0:
        pytest.skip("no user namespaces here")
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}"]
    ran = await asyncio.create_subprocess_exec(
        *unshare, *pytest_, f"{__file__}::test_every_attack_fails", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await ran.communicate()
    assert ran.returncode == 0, output.decode()


@pytest.mark.parametrize(
    ("abilities", "said"),
    [
        (sandbox.Abilities(mounts=True, own_user=True, landlock=7), []),
        (sandbox.Abilities(mounts=True, own_user=False, landlock=7), []),
        (sandbox.Abilities(mounts=False, own_user=False, landlock=7), ["mount namespaces"]),
        (sandbox.Abilities(mounts=True, own_user=True, landlock=0), ["connect to any port"]),
        (
            sandbox.Abilities(mounts=False, own_user=False, landlock=0),
            ["mount namespaces", "read every file", "connect to any port", "signal"],
        ),
    ],
)
def test_what_is_missing_is_said(abilities: sandbox.Abilities, said: list[str]) -> None:
    warnings = abilities.warnings()
    assert len(warnings) == len(said)
    assert all(words in warning for words, warning in zip(said, warnings, strict=True))


async def test_the_environment_is_exact(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_SECRET", "hunter2")
    await cloud.create(
        "f",
        "import os\nAT_IMPORT = dict(os.environ)\ndef handler(e, c): return AT_IMPORT",
        Runtime="python3.13",
        MemorySize=256,
        Environment={"Variables": {"TABLE": "todos", "LANG": "C.UTF-8"}},
    )
    seen = await cloud.ask("f")
    stream = seen.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    runtime_api = seen.pop("AWS_LAMBDA_RUNTIME_API")
    assert "[$LATEST]" in stream
    assert runtime_api.startswith("127.0.0.1:")
    assert seen == {
        "TABLE": "todos",
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "AWS_ENDPOINT_URL": "http://localhost:4566",
        "_HANDLER": "app.handler",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_ACCESS_KEY_ID": seen["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
    }


async def test_nothing_is_inherited(cloud: Any) -> None:
    await cloud.create(
        "f",
        "import os, signal, sys\n"
        "def opened(fd):\n"
        "    try: return bool(os.fstat(fd))\n"
        "    except OSError: return False\n"
        "AT_IMPORT = [fd for fd in range(3, 1024) if opened(fd)]\n"
        "def handler(e, c):\n"
        "    return [AT_IMPORT, sys.argv, [p for p in sys.path if 'site-packages' not in p and 'python3' not in p],"
        " [m for m in sys.modules if m.startswith('stratus')], signal.getsignal(signal.SIGTERM) == signal.SIG_DFL]",
    )
    assert await cloud.ask("f") == [[], ["bootstrap"], ["/var/task"], [], True]


async def test_tmp_is_private_and_bounded(make_cloud: Any) -> None:
    cloud = await make_cloud(max_workers=2)
    source = (
        "import os, pathlib\n"
        "def handler(e, c):\n"
        "    room = os.statvfs('/tmp')\n"
        "    before = sorted(os.listdir('/tmp'))\n"
        "    pathlib.Path('/tmp/' + c.function_name).write_text('x')\n"
        "    return [before, room.f_blocks * room.f_frsize >> 20]"
    )
    await cloud.create("a", source)
    await cloud.create("b", source, EphemeralStorage={"Size": 600})
    libraries = sorted(libraries_below_tmp())
    assert await cloud.ask("a") == [libraries, 512]
    assert await cloud.ask("b") == [libraries, 600]
    before, size = await cloud.ask("a")
    assert (sorted(before), size) == (sorted([*libraries, "a"]), 512)


def libraries_below_tmp() -> set[str]:
    """What a function finds in its /tmp from the start: the way to its libraries, where this checkout itself lies below /tmp."""
    places = map(Path, zygote_client.library_directories())
    return {place.parts[2] for place in places if place.is_relative_to("/tmp")}


async def test_privileges_are_gone(cloud: Any) -> None:
    await cloud.create(
        "f",
        "import ctypes, os, resource\n"
        "def handler(e, c):\n"
        "    libc = ctypes.CDLL(None)\n"
        "    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
        "    libc.capget(header, data)\n"
        "    return [libc.prctl(39, 0, 0, 0, 0), list(data)[:2], os.getuid(), os.getgroups(),"
        " resource.getrlimit(resource.RLIMIT_CORE)[0], resource.getrlimit(resource.RLIMIT_NOFILE)[0]]",
    )
    no_new_privileges, capabilities, user, groups, core, files = await cloud.ask("f")
    assert (no_new_privileges, capabilities, core, files) == (1, [0, 0], 0, 1024)
    if os.geteuid() == 0:
        assert user > 1_800_000_000
        assert groups == []


async def test_two_workers_are_strangers_to_each_other(make_cloud: Any) -> None:
    cloud = await make_cloud(max_workers=2)
    source = (
        "import os, time\n"
        "def handler(e, c):\n"
        "    if not e: return os.getpid()\n"
        "    try: os.kill(e, 9)\n"
        "    except OSError as error: return type(error).__name__\n"
        "    return 'killed'"
    )
    await cloud.create("a", source)
    await cloud.create("b", source)
    pid = await cloud.ask("a", 0)
    assert await cloud.ask("b", pid) in ("PermissionError", "ProcessLookupError")
    assert await cloud.ask("a", 0) == pid


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\xff\r\n\r\n",
        b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
        b"POST /2018-06-01/runtime/invocation/x/error HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"DELETE /etc/passwd HTTP/1.1\r\n\r\n",
        b"GET /%s" % (b"a" * 1000),  # repeated below, past every limit
    ],
)
async def test_a_runtime_that_talks_nonsense_is_refused(cloud: Any, request_bytes: bytes) -> None:
    await cloud.create(
        "f",
        "import os, socket\n"
        "def handler(e, c):\n"
        "    host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n"
        "    with socket.create_connection((host, int(port)), 5) as connection:\n"
        "        try:\n"
        "            connection.sendall(bytes(e) * (1200 if len(e) > 1000 else 1))\n"
        "            return connection.recv(100).decode().split(' ')[1]\n"
        "        except ConnectionError: return '431'",
    )
    status = await cloud.ask("f", list(request_bytes))
    assert status in ("400", "404", "413", "431")
    assert cloud.service.invoker.pool.size == 1


async def test_a_stranger_cannot_speak_for_a_worker(cloud: Any) -> None:
    # GIVEN a warm worker, and this process, which no wall keeps from its port
    await cloud.create("f", "def handler(e, c): return e")
    await cloud.ask("f")
    (worker,) = cloud.service.invoker.pool._workers.values()
    # WHEN it asks for the worker's next event
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.listener.port)
    writer.write(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")
    # THEN it hears nothing, and the worker goes on
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    assert await cloud.ask("f", "mine") == "mine"
    assert list(cloud.service.invoker.pool._workers.values()) == [worker]


async def test_a_second_request_for_work_while_working_ends_the_worker(cloud: Any) -> None:
    await cloud.create(
        "f",
        "import http.client, os\n"
        "def handler(e, c):\n"
        "    connection = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
        "    connection.request('GET', '/2018-06-01/runtime/invocation/next')\n"
        "    return connection.getresponse().read().decode()",
    )
    answer = await cloud.invoke("f")
    assert orjson.loads(answer["Payload"])["errorType"] == "Runtime.ExitError"


async def test_libraries_may_lie_below_tmp_where_functions_have_their_own(
    make_cloud: Any, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN Stratus in a directory below /tmp WHEN a function runs THEN it sees that directory, and nothing else of the host's /tmp."""
    known = zygote_client.library_directories()
    place = tmp_path_factory.mktemp("checkout")
    place.chmod(0o755)
    (place / "there").write_text("")
    monkeypatch.setattr(zygote_client, "library_directories", lambda: (*known, str(place)))
    cloud = await make_cloud()
    await cloud.create("f", "import os\ndef handler(e, c): return [os.listdir(e), sorted(os.listdir('/tmp'))]")
    below, tmp = await cloud.ask("f", str(place))
    assert (below, tmp) == (["there"], sorted({place.parts[2], *libraries_below_tmp()}))
