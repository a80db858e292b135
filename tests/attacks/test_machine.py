"""The machine in the way: a port or the data directory in use, a full disk, a template with an error. A clear sentence, and nothing is lost."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.cloud_under_test import CloudUnderTest, free_ports
from tests.durability.stratus_process import STRATUS
from tests.end_to_end.conftest import APP

MINIMAL = """
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
"""


def up(app: Path, data: Path, port_base: int) -> subprocess.CompletedProcess[str]:
    """`stratus up` of something that cannot come up."""
    command = [str(STRATUS), "up", str(app), "--data", str(data), "--port-base", str(port_base)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "COLUMNS": "200"}
    )


def app_of(folder: Path, template: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "template.yaml").write_text(template)
    return folder


def said(done: subprocess.CompletedProcess[str]) -> str:
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    return text


MISTAKES = {
    "a syntax error": (MINIMAL + "  Broken: [\n", "template.yaml:"),
    "a type of nobody": (MINIMAL.replace("AWS::DynamoDB::Table", "AWS::Nothing::Here"), "AWS::Nothing::Here"),
    "a property of nobody": (MINIMAL.replace("BillingMode", "BillingMood"), "BillingMood"),
    "a reference to nothing": (MINIMAL.replace("PAY_PER_REQUEST", "!Ref Nothing"), "Nothing"),
    "a circle": (MINIMAL.replace("    Properties:", "    DependsOn: Table\n    Properties:"), "Table"),
    "a missing property": (MINIMAL.replace("      KeySchema: [{ AttributeName: pk, KeyType: HASH }]\n", ""), "KeySchema"),
    "no resources": ("AWSTemplateFormatVersion: '2010-09-09'\n", "Resources"),
    "no template": ("just text", "template.yaml"),
    "tabs": ("Resources:\n\tTable: {}\n", "template.yaml:2"),
    "a bomb of aliases": ("a: &a [x]\n" + "".join(f"{n}: &{n} [{', '.join(['*' + p] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)), "template.yaml"),
    "a Python object": ("Resources: !!python/object/apply:os.system ['true']\n", "template.yaml"),
    "nesting without end": ("Resources: " + "[" * 5000 + "]" * 5000 + "\n", "template.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_template_with_an_error_is_told_in_lines_and_makes_nothing(tmp_path: Path, mistake: str) -> None:
    template, place = MISTAKES[mistake]
    data = tmp_path / "data"
    done = up(app_of(tmp_path / "app", template), data, free_ports(20))
    text = said(done)
    assert done.returncode == 2, text
    assert place in text
    assert "template.yaml" in text
    assert not list(data.rglob("*.sqlite-wal")) or not [file for file in data.rglob("tables*") if file.is_file()]
    assert "BROKEN" not in text


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    base = free_ports(20)
    with socket.create_server(("127.0.0.1", base)):
        done = up(app_of(tmp_path / "app", MINIMAL), tmp_path / "data", base)
    assert done.returncode == 1
    assert "--port-base" in said(done)


def test_a_data_directory_in_use_is_said_and_its_owner_goes_on(tmp_path: Path) -> None:
    running = CloudUnderTest(tmp_path / "data").start()
    try:
        running.client("dynamodb").create_table(**TABLE)
        done = up(app_of(tmp_path / "app", MINIMAL), tmp_path / "data", free_ports(20))
        assert done.returncode == 1
        assert "in use by another Stratus" in said(done)
        assert running.client("dynamodb").list_tables()["TableNames"] == ["notes"]
    finally:
        running.stop()


def test_a_data_directory_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    done = up(app_of(tmp_path / "app", MINIMAL), tmp_path / "data", free_ports(20))
    assert done.returncode in (1, 2)
    assert said(done)
    assert (tmp_path / "data").read_text() == "mine"


def test_an_application_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = up(tmp_path / "nowhere", tmp_path / "data", free_ports(20))
    assert done.returncode == 2
    assert "nowhere" in said(done)
    assert not (tmp_path / "data").exists()


# --- a full disk ---

TABLE = {
    "TableName": "notes",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
DISK = 96 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    if os.geteuid() or not sys.platform.startswith("linux"):
        pytest.skip("only root can mount a disk")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no mounts here: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leaves no byte."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.truncate()
        size = 1 << 20
        while size:
            try:
                os.write(file.fileno(), bytes(size))
            except OSError:
                size //= 2
    return ballast


def test_a_full_disk_refuses_writes_keeps_reads_and_goes_on_when_there_is_space(disk: Path) -> None:
    """GIVEN a full disk WHEN things are written THEN each write is refused, nothing acknowledged is lost, also over a restart; WHEN there is space
    THEN writing goes on."""
    data = disk / "data"
    running = CloudUnderTest(data).start()
    dynamodb, s3 = running.client("dynamodb"), running.client("s3")
    dynamodb.create_table(**TABLE)
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": running.settings.regions[0]})
    kept: list[str] = []

    def put(name: str) -> None:
        dynamodb.put_item(TableName="notes", Item={"pk": {"S": name}, "text": {"S": "t" * 50_000}})
        s3.put_object(Bucket="files", Key=name, Body=b"f" * 50_000)
        kept.append(name)

    put("before")
    ballast = fill(disk)
    refused: list[int] = []
    for number in range(40):
        try:
            put(f"while-full-{number}")
        except ClientError as error:
            refused.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
    assert len(refused) > 20
    assert set(refused) <= {500, 503}
    assert dynamodb.get_item(TableName="notes", Key={"pk": {"S": "before"}})["Item"]["text"]["S"] == "t" * 50_000
    assert s3.get_object(Bucket="files", Key="before")["Body"].read() == b"f" * 50_000

    ballast.unlink()
    put("after")
    running.stop()

    again = CloudUnderTest(data).start()
    try:
        for name in kept:
            assert "Item" in again.client("dynamodb").get_item(TableName="notes", Key={"pk": {"S": name}}), name
            assert again.client("s3").get_object(Bucket="files", Key=name)["Body"].read() == b"f" * 50_000, name
    finally:
        again.stop()


def test_a_full_disk_at_the_start_is_said_and_a_later_start_finds_everything(disk: Path) -> None:
    data = disk / "data"
    running = CloudUnderTest(data).start()
    running.client("dynamodb").create_table(**TABLE)
    running.stop()
    ballast = fill(disk)
    done = up(APP, data, free_ports(20))
    assert done.returncode == 1, done.stderr
    assert re.search("disk (is )?full", said(done))
    ballast.unlink()

    again = CloudUnderTest(data).start()
    assert "notes" in again.client("dynamodb").list_tables()["TableNames"]
    again.stop()
