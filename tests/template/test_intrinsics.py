"""Each intrinsic function gives what CloudFormation's reference says, and refuses what is no argument of it."""

import base64
import ipaddress
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.template.errors import TemplateError
from stratus.template.intrinsics import REMOVED, Scope, Unknown, contains_unknown

TEXT = st.text(st.characters(exclude_characters="${}", exclude_categories=["Cs"]), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


class TwoResources(dict[str, Any]):
    """`Table` exists, `Later` is unknown."""

    def reference(self, logical_id: str) -> Any:
        return self[logical_id]

    def attribute(self, logical_id: str, name: str, path: Any) -> Any:
        return Unknown("?") if logical_id == "Later" else f"{self[logical_id]}.{name}"


def scope(*, extensions: bool = False, **parameters: Any) -> Scope:
    return Scope(
        parameters={"AWS::Region": "eu-central-1", "AWS::NoRegion": "", **parameters},
        mappings={"Sizes": {"eu-central-1": {"small": 1, "all": ["a", "b"]}}},
        conditions={"Yes": True, "No": False},
        resources=TwoResources(Table="my-table", Later=Unknown("?")),
        language_extensions=extensions,
    )


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Ref": "Table"}, "my-table"),
        ({"Ref": "AWS::Region"}, "eu-central-1"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "my-table.Arn"),
        ({"Fn::GetAtt": "Table.Outputs.Deep"}, "my-table.Outputs.Deep"),
        ({"Fn::GetAtt": ["Table", {"Ref": "AWS::Region"}]}, "my-table.eu-central-1"),
        (
            {"Fn::Sub": "${Table}:${Table.Arn}:${AWS::Region}:${!Literal}:$x"},
            "my-table:my-table.Arn:eu-central-1:${Literal}:$x",
        ),
        ({"Fn::Sub": ["${a}-${Table}", {"a": {"Ref": "AWS::Region"}}]}, "eu-central-1-my-table"),
        ({"Fn::Join": ["-", ["a", 1, True, {"Ref": "Table"}]]}, "a-1-true-my-table"),
        ({"Fn::Join": ["", {"Fn::Split": ["-", "a-b"]}]}, "ab"),
        ({"Fn::Split": ["|", "a||c"]}, ["a", "", "c"]),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [0, {"Fn::Split": [",", "x,y"]}]}, "x"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", {"Ref": "Table"}]}, "my-table"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, 1),
        ({"Fn::FindInMap": ["Sizes", "eu-central-1", "all"]}, ["a", "b"]),
        ({"Fn::Base64": "a b"}, "YSBi"),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 5]}, ["10.0.0.0/27", "10.0.0.32/27"]),
        ({"Fn::Cidr": ["2001:db8::/56", 1, 64]}, ["2001:db8::/64"]),
        ({"Fn::Equals": ["1", 1]}, True),
        ({"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}, True),
        ({"Fn::And": [{"Condition": "Yes"}, {"Fn::Not": [{"Condition": "No"}]}]}, True),
        ({"Fn::Or": [{"Condition": "No"}, {"Condition": "No"}]}, False),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_function_gives(value, result):
    assert scope().evaluate(value) == result


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Tabel"}, "no parameter or resource 'Tabel'; did you mean 'Table'?"),
        ({"Ref": 7}, "takes the name"),
        ({"Fn::GetAtt": ["Table"]}, "name of a resource and of its attribute"),
        ({"Fn::GetAtt": ["Nope", "Arn"]}, "no parameter or resource 'Nope'"),
        ({"Fn::Sub": ["a", "b"]}, "a list of a string and a mapping"),
        ({"Fn::Sub": "${Nope}"}, "'Nope'"),
        ({"Fn::Sub": "{{resolve:ssm:x}}"}, "dynamic references"),
        ("{{resolve:secretsmanager:x}}", "dynamic references"),
        ({"Fn::Join": ["-", "abc"]}, "separator and a list"),
        ({"Fn::Join": ["-", [["a"]]]}, "a list stands where a string is needed"),
        ({"Fn::Split": ["", "abc"]}, "separator and a string"),
        ({"Fn::Select": [2, ["a", "b"]]}, "element 2 of a list of 2"),
        ({"Fn::Select": ["-1", ["a"]]}, "index and a list"),
        ({"Fn::If": ["Maybe", 1, 2]}, "no condition 'Maybe'"),
        ({"Fn::If": ["Yes", 1]}, "takes the name of a condition"),
        ({"Fn::FindInMap": ["Sizes", "mars", "small"]}, "no Sizes.mars.small"),
        ({"Fn::FindInMap": ["Sizes", "mars", "small", {"DefaultValue": 3}]}, "AWS::LanguageExtensions"),
        ({"Fn::Length": [1]}, "AWS::LanguageExtensions"),
        ({"Fn::ToJsonString": {}}, "AWS::LanguageExtensions"),
        ({"Fn::And": [{"Condition": "Yes"}]}, "2 to 10"),
        ({"Fn::Not": [{"Condition": "Yes"}, {"Condition": "Yes"}]}, "one condition"),
        ({"Fn::Cidr": ["10.0.0.0/24", 300, 5]}, "does not hold"),
        ({"Fn::Cidr": ["no address", 1, 5]}, "Fn::Cidr"),
        ({"Fn::GetAZs": ""}, "availability zones"),
        ({"Fn::ImportValue": "x"}, "does not import"),
        ({"Fn::ForEach": []}, "does not expand loops"),
        ({"Fn::Transform": {"Name": "Mine"}}, "no macros"),
        ({"Fn::Jion": []}, "did you mean 'Fn::Join'?"),
        ({"Ref": "Table", "Other": 1}, "the only key"),
    ],
)
def test_function_refuses(value, message):
    with pytest.raises(TemplateError) as caught:
        scope().evaluate({"at": [value]}, ("Resources",))

    assert message in caught.value.message
    assert caught.value.path[:3] == ("Resources", "at", 0), "the place is named"


def test_language_extensions_work_where_they_are_named():
    assert scope(extensions=True).evaluate({"Fn::Length": [1, 2]}) == 2
    assert scope(extensions=True).evaluate({"Fn::ToJsonString": {"a": [{"Ref": "Table"}]}}) == '{"a":["my-table"]}'
    assert scope(extensions=True).evaluate({"Fn::FindInMap": ["Sizes", "x", "y", {"DefaultValue": 3}]}) == 3


def test_no_value_takes_its_key_or_element_away():
    nothing = {"Ref": "AWS::NoValue"}

    assert scope().evaluate({"a": nothing, "b": [1, nothing, {"Fn::If": ["No", 1, nothing]}]}) == {"b": [1]}
    assert scope().evaluate(nothing) is REMOVED


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Sub": "x-${Later}"},
        {"Fn::Sub": "x-${Later.Arn}"},
        {"Fn::Join": ["-", ["a", {"Ref": "Later"}]]},
        {"Fn::Select": [0, {"Fn::Split": [":", {"Fn::GetAtt": ["Later", "Arn"]}]}]},
        {"Fn::Base64": {"Ref": "Later"}},
        {"Fn::Cidr": [{"Ref": "Later"}, 1, 8]},
        {"Fn::Join": ["-", {"Fn::Split": [":", {"Ref": "Later"}]}]},
    ],
)
def test_what_is_made_of_the_unknown_is_unknown(value):
    assert contains_unknown(scope().evaluate(value))


@given(PLAIN)
def test_values_without_functions_stay_as_they_are(value):
    assert scope().evaluate(value) == value


@given(st.lists(TEXT, min_size=1, max_size=6), st.text("|,;", min_size=1, max_size=2))
def test_split_undoes_join(parts, separator):
    parts = [part.replace("|", "").replace(",", "").replace(";", "") for part in parts]
    joined = scope().evaluate({"Fn::Join": [separator, parts]})

    assert scope().evaluate({"Fn::Split": [separator, joined]}) == parts


@given(TEXT, TEXT)
def test_sub_puts_values_in_as_they_are_and_only_once(before, value):
    """A value that looks like a substitution is not substituted again."""
    tricky = value + "${Table}"

    assert scope(P=tricky).evaluate({"Fn::Sub": before + "${P}"}) == before + tricky


@given(TEXT)
def test_base64_is_utf8(text):
    assert base64.b64decode(scope().evaluate({"Fn::Base64": text})).decode() == text


@given(st.dictionaries(st.text("abc", max_size=3), st.integers() | TEXT))
def test_to_json_string_is_read_back(value):
    assert json.loads(scope(extensions=True).evaluate({"Fn::ToJsonString": value})) == value


@given(st.integers(0, 2**32 - 1), st.integers(8, 24), st.integers(1, 256), st.integers(1, 8))
def test_cidr_blocks_lie_in_the_block_and_do_not_overlap(address, prefix, count, bits):
    block = ipaddress.ip_network((address, prefix), strict=False)
    count = min(count, 2 ** (32 - bits - prefix))
    subnets = [ipaddress.ip_network(each) for each in scope().evaluate({"Fn::Cidr": [str(block), count, bits]})]

    assert len(subnets) == count
    assert all(each.subnet_of(block) and each.prefixlen == 32 - bits for each in subnets)
    assert all(not a.overlaps(b) for a, b in itertools.pairwise(subnets))


@given(st.booleans(), st.booleans())
def test_conditions_obey_de_morgan(a, b):
    here = Scope({}, {}, {"A": a, "B": b})
    first, second = {"Condition": "A"}, {"Condition": "B"}

    neither = here.evaluate({"Fn::Not": [{"Fn::Or": [first, second]}]})

    assert neither == here.evaluate({"Fn::And": [{"Fn::Not": [first]}, {"Fn::Not": [second]}]})


def test_resources_cannot_be_named_where_there_are_none_yet():
    with pytest.raises(TemplateError, match="resources cannot be named here"):
        Scope({}, {}, {}).evaluate({"Ref": "Table"})
