"""`trust` calls the store's own tools, leaves its mark only when one worked, and can be undone."""

import os
import shutil
import subprocess

import pytest

from stratus.cli import trusting
from stratus.cli.failures import Failure
from stratus.door.tls import CertificateAuthority

TOOL = """#!/bin/sh
echo "$@" >> "$HOME/calls"
exit {code}
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A home directory and a `certutil` that writes down how it is called."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(trusting, "_system_stores", lambda certificate, name: [])
    (tmp_path / "data" / "tls").mkdir(parents=True)
    (tmp_path / "data" / "tls" / "ca.pem").write_text("a certificate")
    return tmp_path


def certutil(machine, code):
    tool = machine / "certutil"
    tool.write_text(TOOL.format(code=code))
    os.chmod(tool, 0o755)


def test_install_and_uninstall(machine):
    certutil(machine, 0)
    data = machine / "data"

    trusting.install(data)
    assert (data / "trusted").exists()
    made, added = (machine / "calls").read_text().splitlines()
    assert made.endswith("-N --empty-password")
    assert "-A -t C,, -n stratus-" in added
    assert added.endswith(f"-i {data / 'tls' / 'ca.pem'}")

    trusting.uninstall(data)
    assert not (data / "trusted").exists()
    assert "-D -n stratus-" in (machine / "calls").read_text().splitlines()[-1]


def test_a_new_authority_is_not_the_one_that_was_trusted(machine):
    certutil(machine, 0)
    data, certificate = machine / "data", machine / "data" / "tls" / "ca.pem"
    assert not trusting.is_outdated(data, certificate)

    trusting.install(data)
    assert not trusting.is_outdated(data, certificate)
    certificate.write_text("another certificate")
    assert trusting.is_outdated(data, certificate)


def test_a_store_that_refuses_leaves_no_mark(machine):
    certutil(machine, 1)

    with pytest.raises(Failure, match=r"Import .*ca\.pem in your browser's settings"):
        trusting.install(machine / "data")
    assert not (machine / "data" / "trusted").exists()


def test_before_the_first_run_there_is_nothing_to_trust(tmp_path):
    with pytest.raises(Failure, match="run `stratus up"):
        trusting.install(tmp_path)


@pytest.mark.skipif(shutil.which("certutil") is None, reason="libnss3-tools is not installed")
def test_with_the_real_tool_a_browser_takes_our_server_and_afterwards_no_more(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(trusting, "_system_stores", lambda certificate, name: [])
    CertificateAuthority(tmp_path / "data" / "tls").server_context()

    def certutil(*arguments):
        command = ["certutil", "-d", f"sql:{tmp_path}/.pki/nssdb", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    trusting.install(tmp_path / "data")
    server = tmp_path / "data" / "tls" / "server.pem"
    assert certutil("-A", "-t", ",,", "-n", "server", "-i", str(server)).returncode == 0
    assert "certificate is valid" in certutil("-V", "-u", "V", "-n", "server").stdout

    trusting.uninstall(tmp_path / "data")
    assert certutil("-V", "-u", "V", "-n", "server").returncode != 0
    assert "stratus-" not in certutil("-L").stdout
