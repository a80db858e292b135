"""The ready file is whole, private, and believed only while a process holds the data directory."""

import fcntl
import json
import os

from stratus.cli.running import FILE, Running, find, is_locked

RUNNING = Running(
    endpoint="https://localhost:4567",
    ca="/data/tls/ca.pem",
    region="eu-central-1",
    admin={"access_key_id": "AKIA", "secret_access_key": "s"},
    mailbox="/data/mail",
    stacks={"app": {"outputs": {"Url": "u"}}},
    regions={"eu-central-1": {"stacks": {"app": {"outputs": {"Url": "u"}}}}},
)


def test_the_ready_file_is_readable_by_its_owner_alone_and_has_what_the_contract_says(tmp_path):
    file = tmp_path / "deep" / "ready.json"
    RUNNING.write(file)

    assert file.stat().st_mode & 0o777 == 0o600
    content = json.loads(file.read_text())
    assert content["endpoint"] == "https://localhost:4567"
    assert content["admin"] == {"access_key_id": "AKIA", "secret_access_key": "s"}
    assert content["regions"]["eu-central-1"]["stacks"] == content["stacks"] == {"app": {"outputs": {"Url": "u"}}}
    assert {"ca", "region", "mailbox"} <= content.keys()
    assert list(file.parent.iterdir()) == [file], "nothing half written is left"


def test_a_file_that_a_killed_process_left_is_not_believed(tmp_path):
    RUNNING.write(tmp_path / FILE)
    (tmp_path / "lock").touch()
    assert find(tmp_path) is None

    lock = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert find(tmp_path) == RUNNING
    os.close(lock)

    assert not is_locked(tmp_path)
    assert find(tmp_path / "nowhere") is None
