"""Whatever a template holds, checking it ends with a plan or with lines of error."""

import copy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.template import sam
from stratus.template.errors import UnusableTemplate
from stratus.template.plan import Stack, prepare
from stratus.template.source import parse

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters: {Mode: {Type: String, Default: PAY_PER_REQUEST, AllowedValues: [PAY_PER_REQUEST]}}
Mappings: {M: {a: {b: c}}}
Conditions: {Yes: {Fn::Equals: [a, a]}, Both: {Fn::And: [{Condition: Yes}, {Condition: Yes}]}}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Condition: Both
    DependsOn: [Bucket]
    DeletionPolicy: Retain
    Properties:
      BillingMode: {Ref: Mode}
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      Tags: [{Key: a, Value: {Fn::FindInMap: [M, a, b]}}]
      CorsConfiguration: {CorsRules: [{AllowedMethods: [GET], AllowedOrigins: {Fn::Split: [",", "a,b"]}, MaxAge: "5"}]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Role: {Fn::Join: [":", [arn, {Fn::GetAtt: [Bucket, Arn]}]]}
      Code: {ZipFile: x}
      Environment: {Variables: {TABLE: {Fn::If: [Yes, {Ref: Table}, {Ref: AWS::NoValue}]}}}
Outputs:
  Name: {Value: {Fn::Sub: "${Table}-${AWS::Region}"}, Condition: Yes}
"""
BASE: dict[str, Any] = yaml.safe_load(TEMPLATE)
STACK = Stack("app", "arn:stack", "eu-central-1", "123456789012")
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=6)
WORDS = st.sampled_from(
    [
        "Ref",
        "Fn::Sub",
        "Fn::GetAtt",
        "Fn::If",
        "Fn::Join",
        "Condition",
        "Type",
        "Properties",
        "Value",
        "Table",
        "Mode",
        "${",
        "AWS::NoValue",
    ]
)
ANYTHING = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(*path, key), *places(item, (*path, key))]]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The template with up to three of its parts replaced by anything."""
    template = copy.deepcopy(BASE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(template)))
        part: Any = template
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = draw(ANYTHING)
    return template


def check(template: dict[str, Any]) -> None:
    source = parse(TEMPLATE, Path("template.yaml"))
    lines: list[str] = []
    try:
        prepare(source, template, {}, STACK)
    except UnusableTemplate as refused:
        lines = refused.lines
        assert lines, "a refusal has a reason"
    assert all(line.startswith("template.yaml:") for line in lines)


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_a_template_of_any_shape_is_planned_or_refused(template):
    check(template)


@settings(max_examples=100, deadline=None)
@given(mutated())
def test_sam_translates_or_refuses_any_shape(template):
    resources = template.get("Resources")
    if isinstance(resources, dict) and isinstance(resources.get("Function"), dict):
        resources["Function"]["Type"] = "AWS::Serverless::Function"

    translated, errors = sam.translate({**template, "Transform": "AWS::Serverless-2016-10-31"}, {}, "eu-central-1")

    assert bool(translated) != bool(errors)


def test_the_template_itself_is_planned():
    check(BASE)
