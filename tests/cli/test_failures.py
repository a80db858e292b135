"""Whatever the machine does to us is a sentence and an exit code, never a trace."""

import errno
import os
import sqlite3

import pytest

from stratus.addresses import NoPortLeft
from stratus.cli.failures import BAD_INPUT, CANNOT_RUN, explained
from stratus.data_directory import DataDirectoryUnusable
from stratus.template.errors import DeploymentFailed, UnusableTemplate
from stratus.wire.errors import AwsError


def os_error(number):
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UnusableTemplate(["a.yaml:1:2: x", "a.yaml:3:4: y"]), BAD_INPUT, "a.yaml:1:2: x\na.yaml:3:4: y"),
        (DeploymentFailed("app", "Table", "full"), CANNOT_RUN, "as it was before"),
        (DeploymentFailed("app", "Table", "full", taken_back=False), CANNOT_RUN, "goes on from here"),
        (DataDirectoryUnusable("x is in use by another Stratus."), CANNOT_RUN, "in use"),
        (NoPortLeft("all ports 1 to 20 are given away"), CANNOT_RUN, "given away"),
        (AwsError("ValidationException", "no"), CANNOT_RUN, "ValidationException: no"),
        (AwsError("ServiceUnavailable", "not stored: database or disk is full", 503), CANNOT_RUN, "make room"),
        (os_error(errno.EADDRINUSE), CANNOT_RUN, "--port-base"),
        (os_error(errno.EADDRNOTAVAIL), CANNOT_RUN, "--host"),
        (os_error(errno.ENOSPC), CANNOT_RUN, "disk is full"),
        (os_error(errno.EACCES), CANNOT_RUN, "Permission denied"),
        (sqlite3.OperationalError("database or disk is full"), CANNOT_RUN, "disk is full"),
        (sqlite3.DatabaseError("file is not a database"), CANNOT_RUN, "file is not a database"),
    ],
)
def test_is_explained(error, code, text):
    failure = explained(error)

    assert failure is not None
    assert failure.code == code
    assert text in str(failure)


def test_what_nobody_foresaw_is_not_hidden():
    assert explained(KeyError("x")) is None
    assert explained(os_error(errno.EPIPE)) is None
