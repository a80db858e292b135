"""Every row of the attack table, carried out by real clients against the running application; afterwards all is as it was."""

from collections.abc import Iterator

import pytest

from tests.attacks.table import Attack, table
from tests.attacks.world import World

ROWS = [row for rows in table().values() for row in rows]


@pytest.fixture(scope="module", autouse=True)
def unharmed(world: World) -> Iterator[None]:
    """Whatever the attackers did: the server lives, and the owner has what they had."""
    assert world.is_untouched()
    yield
    assert world.is_untouched()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.target}-{row.id}" for row in ROWS])
def test_the_attacker_gets(row: Attack, world: World) -> None:
    assert row.carry_out(world) == row.expected


def test_each_row_has_an_id_of_its_own() -> None:
    names = [(row.target, row.id) for row in ROWS]
    assert len(names) == len(set(names))
