"""The command as a process: up, what others ask of it meanwhile, down; and what stops it, in a sentence."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cloud_under_test import free_ports

TEMPLATE = """
Parameters: {Mode: {Type: String, Default: PAY_PER_REQUEST, AllowedValues: [PAY_PER_REQUEST]}}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      BillingMode: !Ref Mode
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
Outputs:
  TableName: {Value: !Ref Table}
"""
STRATUS = [sys.executable, "-c", "from stratus.cli import main; main()"]


def stratus(*arguments, **options):
    return subprocess.run(
        [*STRATUS, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "template.yaml").write_text(TEMPLATE)
    return folder


class Up:
    """`stratus up` in the background, ready."""

    def __init__(self, app: Path, data: Path, *more: object) -> None:
        self.data, self.ready_file, self.port = data, data.parent / "ready.json", free_ports(20)
        command = [
            *STRATUS,
            "up",
            app,
            "--data",
            data,
            "--port-base",
            self.port,
            "--ready-file",
            self.ready_file,
            *more,
        ]
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        deadline = time.monotonic() + 60
        while not self.ready_file.exists():
            assert self.process.poll() is None, self.process.stdout and self.process.stdout.read()
            assert time.monotonic() < deadline
            os.sched_yield()
        self.ready = json.loads(self.ready_file.read_text())


@pytest.fixture
def up(app, tmp_path):
    started = Up(app, tmp_path / "data")
    yield started
    started.process.kill()
    started.process.wait()


def test_a_whole_life(up, app, tmp_path):
    table = up.ready["stacks"]["notes"]["outputs"]["TableName"]
    assert table.startswith("notes-Table-")
    assert Path(up.ready["ca"]).is_file()
    assert Path(up.ready["mailbox"]).is_dir()

    status = json.loads(stratus("status", "--data", up.data, "--json").stdout)
    assert status["running"]["pid"] == up.process.pid
    assert status["regions"][up.ready["region"]]["stacks"]["notes"]["status"] == "CREATE_COMPLETE"
    environment = stratus("env", "--data", up.data).stdout
    assert f"export AWS_ACCESS_KEY_ID={up.ready['admin']['access_key_id']}\n" in environment
    assert stratus("outputs", "notes", "--data", up.data).stdout == f"TableName\t{table}\n"

    second = stratus("up", app, "--data", up.data, "--port-base", free_ports(20))
    assert (second.returncode, "in use by another Stratus" in second.stderr) == (1, True)
    elsewhere = stratus("up", app, "--data", tmp_path / "other", "--port-base", up.port)
    assert (elsewhere.returncode, "--port-base" in elsewhere.stderr) == (1, True), elsewhere.stderr
    assert "Traceback" not in second.stderr + elsewhere.stderr
    assert up.ready_file.exists(), "one that cannot start touches nothing of one that runs"

    stopped = stratus("down", "--data", up.data)
    assert stopped.returncode == 0
    assert up.process.wait(30) == 0
    assert not up.ready_file.exists()
    assert json.loads(stratus("outputs", "--data", up.data, "--json").stdout) == {"notes": {"TableName": table}}

    deleted = stratus("down", "--delete", "notes", "--data", up.data)
    assert (deleted.returncode, table in deleted.stdout) == (0, True), "what is kept is named"
    unsure = stratus("erase", "notes", "--data", up.data, input="ntoes\n")
    assert (unsure.returncode, "nothing was erased" in unsure.stderr) == (2, True)
    erased = stratus("erase", "notes", "--data", up.data, "--confirm", "notes")
    assert erased.returncode == 0, erased.stderr
    assert (
        json.loads(stratus("status", "--data", up.data, "--json").stdout)["regions"][up.ready["region"]]["retained"]
        == {}
    )


def test_the_first_start_says_everything_and_the_next_only_what_matters(app, tmp_path):
    template = app / "template.yaml"
    template.write_text(
        TEMPLATE.replace(
            "      BillingMode",
            "      SSESpecification: {SSEEnabled: true}\n      TableClass: STANDARD\n      BillingMode",
        )
    )
    said = []
    for _ in range(2):
        started = Up(app, tmp_path / "data")
        started.process.terminate()
        said.append(started.process.communicate(timeout=30)[0])
    first, second = said

    assert "notes: 1 made in eu-central-1" in first
    assert "warning: Table: SSESpecification has no effect here" in first
    assert "1 setting has no effect on one machine (TableClass)" in first
    assert "made in" not in second
    assert "TableClass" not in second
    assert "warning: 1 setting that protects on AWS without effect here" in second
    for text in said:
        assert "\nTableName\tnotes-Table-" in text
        assert "\nAWS endpoint\thttp://localhost:" in text
    notices = stratus("notices", "--data", tmp_path / "data").stdout
    assert notices.index("SSESpecification (Table)") < notices.index("TableClass (Table)"), "protections come first"
    [told] = json.loads(stratus("notices", "notes", "--data", tmp_path / "data", "--json").stdout).values()
    assert {each["name"]: each["protects"] for each in told} == {"SSESpecification": True, "TableClass": False}
    assert stratus("notices", "other", "--data", tmp_path / "data").returncode == 2


def test_a_killed_process_is_forgotten_and_everything_is_there_again(up, app):
    table = up.ready["stacks"]["notes"]["outputs"]["TableName"]
    up.process.kill()
    up.process.wait()
    assert stratus("status", "--data", up.data).stdout.startswith("No Stratus runs on")

    again = Up(app, up.data)
    try:
        assert again.ready["stacks"]["notes"]["outputs"]["TableName"] == table
        assert again.ready["admin"] == up.ready["admin"]
    finally:
        again.process.kill()
        again.process.wait()


@pytest.mark.parametrize(
    ("change", "arguments", "line"),
    [
        (
            ("KeyType: HASH", "KeyType: HSAH"),
            (),
            "template.yaml:10:39: Resources.Table.Properties.KeySchema[0].KeyType: 'HASH' was expected",
        ),
        (
            ("AWS::DynamoDB::Table", "AWS::EC2::Instance"),
            (),
            "template.yaml:5:5: Resources.Table.Type: Stratus does not make AWS::EC2::Instance",
        ),
        (("!Ref Mode", "!Ref Mood"), (), "there is no parameter or resource 'Mood'; did you mean 'Mode'?"),
        (("Outputs:", "  Outputs: ["), (), "template.yaml:1"),
        (
            ("", ""),
            ("--parameter", "Mode=PROVISIONED"),
            "template.yaml:2:14: Parameters.Mode: 'PROVISIONED' is not one of PAY_PER_REQUEST",
        ),
        (("", ""), ("--parameter", "Nope=1"), "no such parameter"),
    ],
)
def test_a_template_with_an_error_is_exit_code_2_and_makes_nothing(app, tmp_path, change, arguments, line):
    (app / "template.yaml").write_text(TEMPLATE.replace(*change))

    refused = stratus("up", app, "--data", tmp_path / "data", "--port-base", free_ports(20), *arguments)

    assert refused.returncode == 2, refused.stderr
    assert line in refused.stderr
    assert "Traceback" not in refused.stderr
    assert stratus("outputs", "--data", tmp_path / "data", "--json").stdout == "{}\n"
