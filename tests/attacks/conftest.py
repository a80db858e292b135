"""The world that all attacks are carried out in."""

import pytest

from tests.attacks.world import World
from tests.end_to_end.conftest import TodoList, todolist

__all__ = ["todolist"]


@pytest.fixture(scope="session")
def world(todolist: TodoList) -> World:
    return World(todolist)
