"""A function that somebody uploaded

What a worker cannot do at all is in `tests/services/lambda_/test_isolation.py`. Here a function deployed through the API stands before the whole
server: its data, its keys, its ports, and the door with the credentials that it was given.
"""

import os
from typing import Any

from tests.attacks.function_code import zipped, zipped_link
from tests.attacks.table import attack
from tests.attacks.world import LAMBDA_TRUST, World, allow

SOURCE = """
import ctypes, json, os, pathlib, resource, signal, socket, subprocess, sys, threading, urllib.error, urllib.request
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def door(service, **keys):
    import boto3
    from botocore.config import Config
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}), **keys)

def read(path):
    return open(path, "rb").read()

def fill(path, size):
    with open(path, "wb") as file:
        try:
            for _ in range(size // (1 << 20)):
                file.write(bytes(1 << 20))
                file.flush()
        finally:
            os.unlink(path)
    return "filled"

def handler(event, context):
    try:
        return "did it: %r" % (eval(event["attempt"], {**globals(), "at": event["at"]}),)
    except BaseException as error:
        if isinstance(error, urllib.error.HTTPError):
            return error.headers.get("x-amzn-errortype") or error.read().decode().partition("<Code>")[2].partition("<")[0]
        response = getattr(error, "response", None)
        return response["Error"]["Code"] if response else type(error).__name__
"""

NO_FILE, NO_RIGHT = "FileNotFoundError", "PermissionError"


def _attempt(world: World, expression: str) -> str:
    """What the function got: the kind of the exception, or AWS's error code."""
    if "hostile" not in world.made:
        role = world.role(LAMBDA_TRUST, allow("logs:*"))
        world.made["hostile"] = world.function(SOURCE, role, Timeout=30, MemorySize=512)
    at = {
        "data": str(world.data),
        "server": os.getpid(),
        "account": world.account,
        "bucket": world.bucket,
        "table": world.todolist.outputs["TableName"],
        "key": world.treasure.key,
        "port": world.cloud.settings.port_base,
        "role": world.admin("lambda").get_function_configuration(FunctionName="todolist-write")["Role"],
    }
    return str(world.invoke(world.made["hostile"], {"attempt": expression, "at": at}))


FILES = ("iam/key", "iam/iam.sqlite", "tls/ca.key", "ports.json", "lock", "mail/new")


@attack(dict.fromkeys(FILES, NO_FILE))
def reads_of_the_data(world: World, path: str) -> Any:
    """Reads {} of the data directory."""
    return _attempt(world, f"read(at['data'] + '/{path}')")


@attack(dict.fromkeys(("dynamodb", "s3", "cognito-idp", "lambda"), NO_FILE))
def lists_data_of(world: World, service: str) -> Any:
    """Lists the data directory of {}."""
    return _attempt(world, f"os.listdir(at['data'] + '/regions/{world.region}/{service}')")


@attack({"environ": NO_FILE, "mem": NO_FILE, "fd": NO_FILE, "root": NO_FILE, "cwd": NO_FILE, "maps": NO_FILE})
def server_in_proc(world: World, name: str) -> Any:
    """Looks at the server's {} in /proc."""
    return _attempt(world, f"os.stat('/proc/%d/{name}' % at['server'])")


@attack({"/proc/1/environ": NO_FILE, "/etc/shadow": NO_FILE, "/root/.aws/credentials": NO_FILE, "/home": NO_FILE})
def reads_of_the_host(world: World, path: str) -> Any:
    """Reads {} of the host."""
    return _attempt(world, f"read('{path}')")


@attack(dict.fromkeys(["SIGKILL", "SIGSTOP", "SIGTERM"], NO_RIGHT))
def signals_the_server(world: World, name: str) -> Any:
    """Sends {} to the server."""
    return _attempt(world, f"os.kill(at['server'], signal.{name})")


@attack(NO_RIGHT)
def signals_everybody(world: World) -> Any:
    """Sends SIGTERM to every process but itself."""
    return _attempt(world, "os.kill(-1, 0) and 0 or os.kill(1, 15)")


@attack({"2": NO_RIGHT, "22": NO_RIGHT, "25": NO_RIGHT, "80": NO_RIGHT})
def connects_to_port(world: World, offset: str) -> Any:
    """Connects to port {} of this machine (2 stands for the application's own API), past the endpoint."""
    port = "at['port'] + 2" if offset == "2" else offset
    return _attempt(world, f"socket.create_connection(('127.0.0.1', {port}), 5)")


@attack(NO_RIGHT)
def connects_to_the_metadata_service(world: World) -> Any:
    """Asks the cloud's metadata service for the machine's own role."""
    return _attempt(world, "socket.create_connection(('169.254.169.254', 80), 5)")


@attack(NO_RIGHT)
def listens(world: World) -> Any:
    """Opens a port for others."""
    return _attempt(world, "socket.create_server(('0.0.0.0', 8080))")


@attack("AccessDenied")
def assumes_another_role(world: World) -> Any:
    """Assumes the role of the application's writing function."""
    return _attempt(world, "door('sts').assume_role(RoleArn=at['role'], RoleSessionName='mallory')")


@attack("AccessDeniedException")
def reads_the_table(world: World) -> Any:
    """Reads the application's table with its own credentials."""
    return _attempt(world, "door('dynamodb').scan(TableName=at['table'])")


@attack("AccessDenied")
def reads_a_file(world: World) -> Any:
    """Reads the owner's file with its own credentials."""
    return _attempt(world, "door('s3').get_object(Bucket=at['bucket'], Key=at['key'])")


@attack("AccessDeniedException")
def invokes_another(world: World) -> Any:
    """Invokes the application's writing function."""
    return _attempt(world, "door('lambda').invoke(FunctionName='todolist-write')")


@attack("AccessDeniedException")
def changes_itself(world: World) -> Any:
    """Gives itself the role of another function."""
    own = "os.environ['AWS_LAMBDA_FUNCTION_NAME']"
    return _attempt(world, f"door('lambda').update_function_configuration(FunctionName={own}, Role=at['role'])")


@attack("InvalidClientTokenId")
def door_with_well_known_keys(world: World) -> Any:
    """Opens the door with the keys `test` and `test`."""
    return _attempt(world, "door('sts', aws_access_key_id='test', aws_secret_access_key='test').get_caller_identity()")


@attack("InvalidClientTokenId")
def door_with_the_account(world: World) -> Any:
    """Opens the door with the account's id as key."""
    return _attempt(
        world, "door('sts', aws_access_key_id=at['account'], aws_secret_access_key='x').get_caller_identity()"
    )


@attack("MissingAuthenticationToken")
def door_without_a_key(world: World) -> Any:
    """Opens the door without a key, from inside."""
    query = "/?Action=GetCallerIdentity&Version=2011-06-15"
    return _attempt(world, f"urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '{query}')")


@attack(
    dict.fromkeys(["/var/task/evil.py", "/usr/evil", "/etc/evil", "/evil", "/var/evil", "/dev/shm/evil"], "refused")
)
def writes(world: World, path: str) -> Any:
    """Writes {}."""
    got = _attempt(world, f"open('{path}', 'w').write('x')")
    return "refused" if got in ("OSError", NO_RIGHT, NO_FILE) else got


@attack("OSError")
def fills_the_disk(world: World) -> Any:
    """Writes more into /tmp than it was given."""
    return _attempt(world, "fill('/tmp/full', 2 << 30)")


@attack(dict.fromkeys(["RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_AS"], "ValueError"))
def raises_its_limit(world: World, limit: str) -> Any:
    """Raises its own {}, to fork, open, write or take without end."""
    unlimited = "resource.RLIM_INFINITY"
    return _attempt(world, f"resource.setrlimit(resource.{limit}, ({unlimited}, {unlimited}))")


@attack("MemoryError")
def eats_memory(world: World) -> Any:
    """Takes more memory than it was given."""
    return _attempt(world, "len(bytearray(4 << 30))")


@attack("OSError")
def opens_files_without_end(world: World) -> Any:
    """Opens files until the system has none left."""
    return _attempt(world, "[open('/dev/null') for _ in range(1_000_000)]")


@attack("no host variable")
def environment_of_the_host(world: World) -> Any:
    """Looks for the host's environment in its own."""
    os.environ["STRATUS_TEST_SECRET"] = "of the host"
    try:
        got = _attempt(world, "[name for name in os.environ if 'SECRET' in name and name != 'AWS_SECRET_ACCESS_KEY']")
    finally:
        del os.environ["STRATUS_TEST_SECRET"]
    return "no host variable" if got == "did it: []" else got


@attack("one process, its own")
def processes_of_others(world: World) -> Any:
    """Looks for other processes in /proc."""
    got = _attempt(world, "[pid for pid in os.listdir('/proc') if pid.isdigit() and int(pid) != os.getpid()]")
    return "one process, its own" if got in ("did it: []", NO_FILE) else got


@attack("its own role")
def who_it_is(world: World) -> Any:
    """Asks the door who it is, for comparison."""
    got = _attempt(world, "door('sts').get_caller_identity()['Arn']")
    return "its own role" if ":assumed-role/role-" in got else got


@attack(
    dict.fromkeys(
        ["../evil.py", "/tmp/evil.py", "a/../../evil.py", "..\\evil.py", "a link to /etc", "a link to .."],
        "400 InvalidParameterValueException",
    )
)
def packed_with(world: World, name: str) -> Any:
    """Uploads a package with {} in it."""
    link = name.startswith("a link to ")
    code = zipped_link("out", name.removeprefix("a link to ")) if link else zipped("print('evil')", name)
    return world.admin("lambda").create_function(
        FunctionName=world.name("packed"),
        Runtime="python3.13",
        Handler="app.handler",
        Role=world.role(LAMBDA_TRUST),
        Code={"ZipFile": code},
    )


@attack(dict.fromkeys(["/etc/passwd", "..", "apps/todolist"], "400 InvalidParameterValueException"))
def code_of_the_host(world: World, path: str) -> Any:
    """Makes a function of {}, a path of the host, named as if it were a bucket's."""
    return world.admin("lambda").create_function(
        FunctionName=world.name("local"),
        Runtime="python3.13",
        Handler="app.handler",
        Role=world.role(LAMBDA_TRUST),
        Code={"S3Bucket": "local-directory", "S3Key": path},
    )
