"""Clients whose clocks are wrong. The age of a signature is wall time for the server, so it is the client's clock that lies."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest import mock

import botocore.auth


@contextmanager
def wrong_clock(seconds: float) -> Iterator[None]:
    """Whatever botocore signs meanwhile bears a date that is off by `seconds`."""
    right = botocore.auth.get_current_datetime

    def wrong(*arguments: object, **named: object) -> datetime:
        return right(*arguments, **named) + timedelta(seconds=seconds)

    with mock.patch.object(botocore.auth, "get_current_datetime", wrong):
        yield
