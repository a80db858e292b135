"""What all tests share."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import uvloop

if TYPE_CHECKING:
    from tests.cloud_under_test import CloudUnderTest


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asynchronous tests run on the loop that production runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator["CloudUnderTest"]:
    """One cloud for all tests of the session that do not stop it; make your own names in it."""
    from tests.cloud_under_test import CloudUnderTest

    running = CloudUnderTest(tmp_path_factory.mktemp("cloud")).start()
    yield running
    running.stop()
