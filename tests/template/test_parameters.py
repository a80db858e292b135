"""Parameters hold what was declared of them, or are refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.template.parameters import resolve, secret_names


def value(declaration, given=None):
    values, errors = resolve({"P": declaration}, {} if given is None else {"P": given})
    assert not errors, errors[0].message
    return values["P"]


def refusal(declaration, given=None):
    _, (error,) = resolve({"P": declaration}, {} if given is None else {"P": given})
    return error.message


def test_defaults_and_given_values():
    assert value({"Type": "String", "Default": "a"}) == "a"
    assert value({"Type": "String", "Default": "a"}, "b") == "b"
    assert value({"Type": "String", "Default": True}) == "true"
    assert value({"Type": "Number", "Default": 3}) == "3"
    assert value({"Type": "CommaDelimitedList", "Default": "a, b,c"}) == ["a", "b", "c"]
    assert value({"Type": "CommaDelimitedList", "Default": ""}) == []
    assert value({"Type": "List<Number>"}, "1,2") == ["1", "2"]


@pytest.mark.parametrize(
    ("declaration", "given", "message"),
    [
        ({"Type": "String"}, None, "has no default: give it with --parameter P=VALUE"),
        ({"Type": "Number"}, "three", "'three' is not a number"),
        ({"Type": "Number", "MinValue": 1, "MaxValue": 5}, "6", "'6' is not between 1 and 5"),
        ({"Type": "List<Number>", "MaxValue": 5}, "1,9", "'9' is not between any and 5"),
        ({"Type": "String", "AllowedValues": [True, "b"]}, "c", "'c' is not one of true, b"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "a1", "does not match [a-z]+"),
        ({"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "letters only"}, "1", "letters only"),
        ({"Type": "String", "AllowedPattern": "("}, "a", "is not a regular expression"),
        ({"Type": "String", "MinLength": 2}, "a", "is not 2 to 4096 characters long"),
        ({"Type": "AWS::SSM::Parameter::Value<String>"}, "a", "does not look up parameters"),
        ({"Type": "String", "Defualt": "a"}, "a", "no such attribute"),
        ({}, "a", "needs a Type"),
    ],
)
def test_refusals(declaration, given, message):
    assert message in refusal(declaration, given)


def test_a_secret_is_not_repeated_in_the_error():
    message = refusal({"Type": "String", "NoEcho": True, "MinLength": 20}, "hunter2")

    assert "hunter2" not in message
    assert secret_names({"P": {"Type": "String", "NoEcho": "true"}, "Q": {"Type": "String"}}) == {"P"}


def test_parameters_that_the_template_does_not_have_are_refused():
    _, (error,) = resolve({"A": {"Type": "String", "Default": ""}}, {"B": "1"})

    assert error.message == "the template has no parameter 'B'; it has A"


@given(st.from_regex(r"[a-z]{1,5}", fullmatch=True))
def test_a_pattern_must_match_the_whole_value(text):
    declaration = {"Type": "String", "AllowedPattern": "[a-z]{1,5}"}

    assert value(declaration, text) == text
    assert "does not match" in refusal(declaration, text + "\n")
    assert "does not match" in refusal(declaration, "1" + text)


@pytest.mark.parametrize(
    "attribute", [{"AllowedValues": None}, {"AllowedPattern": 1}, {"MinLength": []}, {"MaxValue": "x"}, {"Type": []}]
)
def test_what_a_value_cannot_be_compared_with_is_an_error_in_the_template(attribute):
    _, errors = resolve({"P": {"Type": "String", "Default": "a"} | attribute}, {})

    assert len(errors) == 1
    assert errors[0].path[-1] == next(iter(attribute))
