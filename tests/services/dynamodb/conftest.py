"""A DynamoDB of one's own, called in process as the door would call it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Harness


@pytest.fixture
async def dynamodb(tmp_path: Path) -> AsyncIterator[Harness]:
    harness = Harness(tmp_path)
    await harness.service.start()
    yield harness
    await harness.service.stop()
