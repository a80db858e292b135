"""DynamoDB Local, AWS's own emulator, as the oracle: the same call to both, the same answer.

`KNOWN_DEVIATIONS` lists where the oracle itself differs from the service, with the source that says so.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import orjson

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0"
)


def directory() -> Path | None:
    """Where DynamoDB Local is, if it is here and Java too."""
    given = os.environ.get("DYNAMODB_LOCAL_DIR")
    found = Path(given) if given else Path(__file__).parents[3] / ".venv" / "dynamodb-local"
    return found if (found / "DynamoDBLocal.jar").exists() and shutil.which("java") else None


class Oracle:
    """DynamoDB Local in a process of its own, in memory, on loopback."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        command = ["java", "-Xmx256m", f"-Djava.library.path={home}/DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"]
        self._process = subprocess.Popen(
            [*command, "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(self._port)],
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), 0.2).close()
            except OSError:
                if self._process.poll() is not None:
                    break
                select_nothing(0.05)
            else:
                return
        raise RuntimeError("DynamoDB Local did not start")

    def call(self, operation: str, params: dict[str, Any]) -> tuple[int, Any]:
        target = "DynamoDBStreams_20120810" if "Stream" in operation or "Records" in operation else "DynamoDB_20120810"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/",
            data=orjson.dumps(params),
            headers={
                "X-Amz-Target": f"{target}.{operation}",
                "Content-Type": "application/x-amz-json-1.0",
                "Authorization": AUTHORIZATION,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, orjson.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, orjson.loads(error.read())

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(10)


def select_nothing(seconds: float) -> None:
    """Waits for a process that gives no event to wait for."""
    import select

    select.select([], [], [], seconds)


MISMATCHED = "The provided key element does not match the schema"

FAULTS = "|".join(
    (
        "The document path provided in the update expression is invalid for update",
        "An operand in the update expression has an incorrect data type",
        "The provided expression refers to an attribute that does not exist in the item",
    )
)

KNOWN_DEVIATIONS: list[tuple[str, str, str]] = [
    # (pattern of the oracle's message, pattern of the service's message, where the service's is documented or recorded)
    (
        "One of the required keys was not given a value",
        f"{MISMATCHED}|One or more parameter values were invalid: Missing the key \\w+ in the item",
        "dynalite's recorded tests of GetItem and PutItem",
    ),
    ("The number of conditions on the keys is invalid", MISMATCHED, "dynalite's recorded tests of GetItem"),
    (
        "One or more parameter values were invalid: Type mismatch for key.*",
        f"{MISMATCHED}|One or more parameter values were invalid: Type mismatch for (key|Index Key) .*",
        "dynalite's recorded tests of GetItem, PutItem",
    ),
    (
        "Cannot do operations on a non-existent table",
        "Requested resource not found.*",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html",
    ),
    (
        "(?P<before>.*)A value provided cannot be converted into a number(?P<after>.*)",
        ".*The parameter cannot be converted to a numeric value.*",
        "dynalite's recorded tests of PutItem",
    ),
    (
        ".*DynamoDB only supports precision up to 38 digits.*",
        ".*Attempting to store more than 38 significant digits in a Number.*",
        "dynalite's recorded tests of PutItem",
    ),
    (
        ".*operator or function: attribute_type, operand type: \\{.*\\}",
        ".*operator or function: attribute_type, operand type: \\{.*\\}",
        "the order of a hash set",
    ),
    (
        "Invalid (\\w+): Two document paths (overlap|conflict) with each other.*",
        "Invalid (\\w+): Two document paths (overlap|conflict) with each other.*",
        "which pair of several it names follows no order",
    ),
    (
        "Invalid attribute value type",
        "One or more parameter values were invalid: Type mismatch for Index Key .*",
        "dynalite's recorded tests of UpdateItem",
    ),
    (
        "Invalid UpdateExpression: Incorrect operand type for operator or function; .*",
        "Invalid UpdateExpression: Incorrect operand type for operator or function; .*",
        "which operand of several it names follows no order",
    ),
    (FAULTS, FAULTS, "which of several faults of an update it names follows no order"),
    (".*valid types: \\{.*\\}", ".*valid types: \\{.*\\}", "the order of a hash set"),
]


def same_error(theirs: str, ours: str) -> bool:
    """Whether two messages are the same, or differ as the oracle is known to differ from the service."""
    if theirs == ours:
        return True
    return any(
        re.fullmatch(pattern, theirs) and re.fullmatch(expected, ours) for pattern, expected, _ in KNOWN_DEVIATIONS
    )
