"""Each resource comes after what it depends on; a circle is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.template.errors import TemplateError
from stratus.template.graph import creation_order

NAMES = [f"R{number}" for number in range(12)]


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, list[str]]:
    """Each may depend on any before it in a hidden order."""
    hidden = draw(st.permutations(NAMES))
    edges = {
        name: draw(st.lists(st.sampled_from(hidden[:index]), max_size=4)) if index else []
        for index, name in enumerate(hidden)
    }
    return {name: edges[name] for name in draw(st.permutations(NAMES))}


@given(acyclic())
def test_everything_comes_once_and_after_what_it_needs(depends_on):
    order = creation_order(depends_on)

    assert sorted(order) == sorted(depends_on)
    assert all(order.index(needed) < order.index(name) for name, needs in depends_on.items() for needed in needs)


@given(acyclic(), st.data())
def test_a_circle_is_refused_whatever_else_there_is(depends_on, data):
    order = creation_order(depends_on)
    first, last = sorted(data.draw(st.lists(st.sampled_from(range(len(order))), min_size=2, max_size=2, unique=True)))
    circle = {name: [*needs] for name, needs in depends_on.items()}
    circle[order[first]].append(order[last])
    circle[order[last]].append(order[first])

    with pytest.raises(TemplateError, match="circular dependency between resources: R"):
        creation_order(circle)


def test_the_circle_is_named_in_full():
    with pytest.raises(TemplateError) as caught:
        creation_order({"A": ["B"], "B": ["C"], "C": ["A"], "D": ["A"]})

    message = caught.value.message
    assert all(name in message for name in ("A", "B", "C"))
    assert caught.value.path[0] == "Resources"


def test_what_is_not_made_here_is_no_dependency():
    assert creation_order({"A": ["Elsewhere"], "B": ["A"]}) == ["A", "B"]
