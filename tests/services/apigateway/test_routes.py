"""The route tree against a matcher that is too simple to be wrong."""

import re
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from stratus.services.apigateway.routes import RouteTree

FIXED = st.sampled_from(["a", "b", "todos", "batch"])
PART = st.one_of(FIXED, st.just("{id}"))
TEMPLATE = st.builds(
    lambda parts, greedy: "/" + "/".join([*parts, "{proxy+}"] if greedy else parts),
    st.lists(PART, max_size=3),
    st.booleans(),
)
SEGMENT = st.one_of(FIXED, st.text(min_size=1, max_size=5))


def pattern(template: str) -> re.Pattern[str]:
    text = re.escape(template).replace(re.escape("{id}"), "[^/]+").replace(re.escape("{proxy+}"), ".+")
    return re.compile(text, re.DOTALL)


def specificity(template: str) -> list[int]:
    """Compared from the left: a fixed segment before a parameter before a greedy one."""
    return [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in template[1:].split("/")]


@given(st.lists(TEMPLATE, min_size=1, max_size=8, unique=True), st.lists(SEGMENT, min_size=1, max_size=5))
def test_the_tree_finds_what_the_most_specific_pattern_matches(templates: list[str], segments: list[str]) -> None:
    tree = RouteTree((template, "GET", template) for template in templates)
    raw = "/" + "/".join(quote(segment, safe="") for segment in segments)
    matching = [template for template in templates if pattern(template).fullmatch(raw)]
    found = tree.find(raw, "GET")
    if not matching:
        assert found is None
        return
    assert found is not None
    best = min(matching, key=specificity)
    assert found[0] == best
    expected = dict(zip(best[1:].split("/"), segments, strict=False))
    if "{id}" in expected:
        assert found[1]["id"] in segments
    if "{proxy+}" in expected:
        assert found[1]["proxy"] == "/".join(segments[best.count("/") - 1 :])


@given(st.text(max_size=300), st.sampled_from(["GET", "POST", "BREW"]))
def test_any_path_is_found_or_not_and_never_an_error(path: str, verb: str) -> None:
    tree = RouteTree([("/", "GET", 1), ("/a/{id}/b", "ANY", 2), ("/{proxy+}", "GET", 3)])
    found = tree.find("/" + path, verb)
    assert found is None or found[0] in (1, 2, 3)
