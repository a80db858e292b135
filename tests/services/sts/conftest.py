from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.iam.account_under_test import AccountUnderTest


@pytest.fixture
def account(tmp_path: Path) -> Iterator[AccountUnderTest]:
    made = AccountUnderTest(tmp_path / "iam")
    yield made
    made.stop()
