from collections.abc import Iterator

import pytest

from stratus.wire.protocol import protocol_for


@pytest.fixture(autouse=True)
def _fresh_protocols() -> Iterator[None]:
    """A test may change how protocols are compiled; none sees another's."""
    protocol_for.cache_clear()
    yield
    protocol_for.cache_clear()
