"""The folder can be lifted out: copied elsewhere alone it passes its own linters, types, tests and build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    place = tmp_path_factory.mktemp("elsewhere") / "todolist"
    ignored = shutil.ignore_patterns(
        "__pycache__", ".*_cache", ".hypothesis", ".aws-sam", "node_modules", "test_alone.py"
    )
    shutil.copytree(APP, place, ignore=ignored)
    return place


def run(copy: Path, *command: str, **variables: str) -> None:
    """Runs it there, where neither this repository nor its path is known."""
    keep = ("PATH", "HOME", "JAVA_HOME", "DYNAMODB_LOCAL_DIR")
    environment = {name: os.environ[name] for name in keep if name in os.environ} | variables
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def python(copy: Path, *arguments: str) -> None:
    run(copy, sys.executable, "-m", *arguments)


def test_linters(copy):
    python(copy, "ruff", "check", "--no-cache", ".")
    python(copy, "ruff", "format", "--no-cache", "--check", ".")
    run(copy, str(Path(sys.executable).parent / "cfn-lint"), "-t", "template.yaml")


def test_types(copy):
    python(copy, "mypy", "--cache-dir", os.devnull)


def test_contract(copy):
    python(copy, "contract", "--check")


def test_tests(copy):
    """Few examples of each rule are enough: here is asked whether anything of the repository is missed."""
    python(copy, "pytest", "-q", "-m", "not oracle", "-p", "no:cacheprovider", "--hypothesis-profile=few")


def test_build(copy, tmp_path):
    """GIVEN make and any Python WHEN a function is built as `sam build` does THEN its handler is there."""
    run(copy, "make", "build-PreSignUpFunction", ARTIFACTS_DIR=str(tmp_path))
    code = "from todolist.presignup import is_allowed; assert is_allowed('a@b.c', ['b.c'])"
    run(tmp_path, sys.executable, "-c", code)


def test_the_build_fetches_only_what_is_pinned_with_hashes(copy, tmp_path):
    """The other functions' wheels come from the network, so here is only said how they are asked for."""
    command = ["make", "--dry-run", "build-ReadFunction", f"ARTIFACTS_DIR={tmp_path}"]
    shown = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=True).stdout
    for option in ("--require-hashes", "--only-binary=:all:", "--python-version 3.13", "manylinux_2_28_aarch64"):
        assert option in shown
    pinned = [line for line in (copy / "requirements.txt").read_text().splitlines() if "==" in line]
    assert len(pinned) == (copy / "requirements.txt").read_text().count("# via")
