"""Condition operators, row by row. Sources: IAM User Guide, "Condition operators", "Set operators", "Variables and tags"."""

import json

import pytest

from stratus.iam.policy.compiled import Policy
from stratus.iam.policy.context import Context
from stratus.iam.policy.document import Use, read
from stratus.iam.policy.evaluation import Policies, decide
from stratus.iam.policy.principals import Requester

ANN = Requester(
    account="111122223333", direct="arn:aws:iam::111122223333:user/ann", identity="arn:aws:iam::111122223333:user/ann"
)
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def applies(effect: str, context: dict, *, resource: str = "arn:aws:s3:::b/k", **statement) -> bool:
    """Whether one statement with this effect bears on the request."""
    whole = {"Effect": effect, "Action": "*", "Resource": "*"} | statement
    if "NotResource" in statement:
        del whole["Resource"]
    text = {"Version": "2012-10-17", "Statement": [whole] if effect == "Allow" else [whole, EVERYTHING]}
    policies = Policies(identity=[Policy(read(json.dumps(text), Use.IDENTITY))])
    allowed = decide(ANN, "s3:GetObject", resource, policies, Context(context)) is None
    return allowed if effect == "Allow" else not allowed


HOLDS = [
    # operator, key, policy values, request context
    ("StringEquals", "aws:username", "ann", {"aws:username": ("ann",)}),
    ("StringEquals", "AWS:USERNAME", "ann", {"aws:UserName": ("ann",)}),
    ("StringEquals", "aws:username", ["bob", "ann"], {"aws:username": ("ann",)}),
    ("StringNotEquals", "aws:username", ["bob", "eve"], {"aws:username": ("ann",)}),
    ("StringNotEquals", "aws:username", "ann", {}),
    ("StringNotLike", "aws:username", "a*", {}),
    ("StringEqualsIfExists", "aws:username", "ann", {}),
    ("StringEqualsIgnoreCase", "aws:username", "ANN", {"aws:username": ("ann",)}),
    ("StringNotEqualsIgnoreCase", "aws:username", "BOB", {"aws:username": ("ann",)}),
    ("StringLike", "s3:prefix", "private/*", {"s3:prefix": ("private/\nx",)}),
    ("StringLike", "s3:prefix", ["", "a?c"], {"s3:prefix": ("abc",)}),
    ("StringLike", "s3:prefix", "", {"s3:prefix": ("",)}),
    ("StringEquals", "s3:prefix", "${aws:username}", {"s3:prefix": ("ann",), "aws:username": ("ann",)}),
    ("StringLike", "s3:prefix", "${aws:username, 'team-a'}/*", {"s3:prefix": ("team-a/x",)}),
    ("StringLike", "s3:prefix", "${*}x", {"s3:prefix": ("*x",)}),
    ("StringEquals", "s3:prefix", "a${$}{b}", {"s3:prefix": ("a${b}",)}),
    ("StringEquals", "x:flag", True, {"x:flag": ("true",)}),
    ("NumericEquals", "s3:max-keys", "10", {"s3:max-keys": ("10.0",)}),
    ("NumericEquals", "s3:max-keys", 10, {"s3:max-keys": ("10",)}),
    ("NumericNotEquals", "s3:max-keys", "10", {"s3:max-keys": ("11",)}),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": ("9",)}),
    ("NumericLessThanEquals", "s3:max-keys", "10", {"s3:max-keys": ("10",)}),
    ("NumericLessThanEqualsIfExists", "s3:max-keys", "10", {}),
    ("NumericGreaterThan", "s3:max-keys", "9.5", {"s3:max-keys": ("10",)}),
    ("NumericGreaterThanEquals", "s3:max-keys", "10", {"s3:max-keys": ("10",)}),
    ("DateGreaterThan", "aws:TokenIssueTime", "2020-01-01T00:00:01Z", {"aws:TokenIssueTime": ("2020-01-01T00:00:02Z",)}),
    ("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:01+01:00", {"aws:CurrentTime": ("2019-12-31T23:00:00Z",)}),
    ("DateLessThanEquals", "aws:CurrentTime", "1577836800", {"aws:CurrentTime": ("2020-01-01T00:00:00Z",)}),
    ("DateGreaterThanEquals", "aws:EpochTime", "2020-01-01", {"aws:EpochTime": ("1577836800",)}),
    ("DateEquals", "aws:EpochTime", "2020-01-01T00:00:00Z", {"aws:EpochTime": ("1577836800",)}),
    ("DateNotEquals", "aws:EpochTime", "2020-01-01T00:00:00Z", {"aws:EpochTime": ("1577836801",)}),
    ("Bool", "aws:SecureTransport", "true", {"aws:SecureTransport": ("true",)}),
    ("Bool", "aws:SecureTransport", False, {"aws:SecureTransport": ("false",)}),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", {}),
    ("BinaryEquals", "x:key", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", {"x:key": ("QmluYXJ5VmFsdWVJbkJhc2U2NA==",)}),
    ("IpAddress", "aws:SourceIp", "203.0.113.0/24", {"aws:SourceIp": ("203.0.113.7",)}),
    ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "2001:db8::/32"], {"aws:SourceIp": ("2001:db8::1",)}),
    ("IpAddress", "aws:SourceIp", "127.0.0.1", {"aws:SourceIp": ("127.0.0.1",)}),
    ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", {"aws:SourceIp": ("198.51.100.1",)}),
    ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", {}),
    ("ArnLike", "aws:SourceArn", "arn:aws:execute-api:*:111122223333:api/*/GET/*", {"aws:SourceArn": ("arn:aws:execute-api:eu-central-1:111122223333:api/v1/GET/todos",)}),
    ("ArnEquals", "aws:SourceArn", "arn:aws:s3:::b?cket", {"aws:SourceArn": ("arn:aws:s3:::bucket",)}),
    ("ArnNotLike", "aws:SourceArn", "arn:aws:s3:::a*", {"aws:SourceArn": ("arn:aws:s3:::bucket",)}),
    ("ArnNotEquals", "aws:SourceArn", "arn:aws:s3:::a*", {}),
    ("ArnLike", "aws:SourceArn", "arn:aws:s3:::${aws:username}-*", {"aws:SourceArn": ("arn:aws:s3:::ann-1",), "aws:username": ("ann",)}),
    ("Null", "aws:TokenIssueTime", "true", {}),
    ("Null", "aws:TokenIssueTime", "false", {"aws:TokenIssueTime": ("x",)}),
    ("Null", "aws:TokenIssueTime", True, {"aws:TokenIssueTime": ()}),
    ("ForAllValues:StringEquals", "dynamodb:LeadingKeys", ["ann", "bob"], {"dynamodb:LeadingKeys": ("ann", "bob")}),
    ("ForAllValues:StringEquals", "dynamodb:LeadingKeys", "ann", {}),
    ("ForAllValues:StringEquals", "dynamodb:LeadingKeys", "ann", {"dynamodb:LeadingKeys": ()}),
    ("ForAllValues:StringNotEquals", "dynamodb:Attributes", "secret", {"dynamodb:Attributes": ("a", "b")}),
    ("ForAllValues:StringLike", "aws:TagKeys", ["e*", "c*"], {"aws:TagKeys": ("env", "cost")}),
    ("ForAnyValue:StringLike", "cognito-identity.amazonaws.com:amr", "authenticated", {"cognito-identity.amazonaws.com:amr": ("authenticated", "x")}),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", "env", {"aws:TagKeys": ("env", "cost")}),
]  # fmt: skip

FAILS = [
    ("StringEquals", "aws:username", "ANN", {"aws:username": ("ann",)}),
    ("StringEquals", "aws:username", "ann", {}),
    ("StringEquals", "aws:username", "a*", {"aws:username": ("ann",)}),
    ("StringNotEquals", "aws:username", ["bob", "ann"], {"aws:username": ("ann",)}),
    ("StringNotEqualsIfExists", "aws:username", "ann", {"aws:username": ("ann",)}),
    ("StringLike", "aws:username", "A*", {"aws:username": ("ann",)}),
    ("StringLike", "s3:prefix", "${aws:username}/*", {"s3:prefix": ("bob/x",), "aws:username": ("*",)}),
    ("StringLike", "s3:prefix", "${aws:username}/*", {"s3:prefix": ("bob/x",), "aws:username": ("???",)}),
    ("StringLike", "s3:prefix", "${aws:username}/*", {"s3:prefix": ("bob/x",)}),
    ("StringEquals", "s3:prefix", "${aws:TagKeys}", {"s3:prefix": ("a",), "aws:TagKeys": ("a", "b")}),
    ("NumericEquals", "s3:max-keys", "10", {"s3:max-keys": ("ten",)}),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": ("NaN",)}),
    ("NumericLessThan", "s3:max-keys", "ten", {"s3:max-keys": ("1",)}),
    ("NumericLessThanEquals", "s3:max-keys", "10", {}),
    ("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", {"aws:CurrentTime": ("2020-01-01T00:00:00Z",)}),
    ("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", {"aws:CurrentTime": ("yesterday",)}),
    ("Bool", "aws:SecureTransport", "true", {"aws:SecureTransport": ("false",)}),
    ("Bool", "aws:MultiFactorAuthPresent", "false", {}),
    ("BinaryEquals", "x:key", "QQ==", {"x:key": ("QUE=",)}),
    ("IpAddress", "aws:SourceIp", "203.0.113.0/24", {"aws:SourceIp": ("203.0.114.7",)}),
    ("IpAddress", "aws:SourceIp", "0.0.0.0/0", {"aws:SourceIp": ("::1",)}),
    ("IpAddress", "aws:SourceIp", "0.0.0.0/0", {}),
    ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", {"aws:SourceIp": ("203.0.113.1",)}),
    ("ArnLike", "aws:SourceArn", "arn:aws:s3:*", {"aws:SourceArn": ("arn:aws:s3:::bucket",)}),
    ("ArnLike", "aws:SourceArn", "arn:aws:*:bucket", {"aws:SourceArn": ("arn:aws:s3:::bucket",)}),
    ("ArnLike", "aws:SourceArn", "arn:aws:s3:::a*", {}),
    ("Null", "aws:TokenIssueTime", "true", {"aws:TokenIssueTime": ("x",)}),
    ("Null", "aws:TokenIssueTime", "false", {}),
    ("ForAllValues:StringEquals", "dynamodb:LeadingKeys", "ann", {"dynamodb:LeadingKeys": ("ann", "bob")}),
    ("ForAllValues:StringNotEquals", "dynamodb:Attributes", "secret", {"dynamodb:Attributes": ("a", "secret")}),
    ("ForAnyValue:StringLike", "cognito-identity.amazonaws.com:amr", "authenticated", {"cognito-identity.amazonaws.com:amr": ("unauthenticated",)}),
    ("ForAnyValue:StringEquals", "aws:TagKeys", "env", {}),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", "env", {}),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", "env", {"aws:TagKeys": ("env", "env")}),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "key", "values", "context"), HOLDS)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_given_a_condition_that_holds_then_the_statement_applies(effect, operator, key, values, context):
    assert applies(effect, context, Condition={operator: {key: values}})


@pytest.mark.parametrize(("operator", "key", "values", "context"), FAILS)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_given_a_condition_that_fails_then_the_statement_does_not_apply(effect, operator, key, values, context):
    assert not applies(effect, context, Condition={operator: {key: values}})


def test_given_several_keys_and_operators_then_all_must_hold():
    block = {"StringEquals": {"aws:username": "ann", "s3:prefix": "p"}, "Bool": {"aws:SecureTransport": "true"}}
    context = {"aws:username": ("ann",), "s3:prefix": ("p",), "aws:SecureTransport": ("true",)}
    assert applies("Allow", context, Condition=block)
    for key in context:
        assert not applies("Allow", context | {key: ("other",)}, Condition=block)


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike"])
def test_given_several_values_and_no_set_operator_then_they_only_narrow(operator):
    context = {"dynamodb:LeadingKeys": ("ann", "bob")}
    condition = {operator: {"dynamodb:LeadingKeys": "ann"}}
    assert not applies("Allow", context, Condition=condition)
    assert applies("Deny", context, Condition=condition)


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike"])
def test_given_a_variable_without_a_value_then_a_negated_condition_gives_nothing_and_still_denies(operator):
    condition = {operator: {"s3:prefix": "${aws:username}"}}
    context = {"s3:prefix": ("x",)}
    assert not applies("Allow", context, Condition=condition)
    assert applies("Deny", context, Condition=condition)


def test_given_a_variable_without_a_value_then_not_resource_gives_nothing_and_still_denies():
    own = ["arn:aws:s3:::b/${aws:username}/*"]
    assert applies("Allow", {"aws:username": ("ann",)}, NotResource=own)
    assert not applies("Allow", {}, NotResource=own)
    assert applies("Deny", {}, NotResource=own)


RESOURCES = [
    # pattern, resource, context, matches
    ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a\nb", {}, True),
    ("arn:aws:s3:::b/?", "arn:aws:s3:::b/\n", {}, True),
    ("arn:aws:s3:::b/?", "arn:aws:s3:::b/ab", {}, False),
    ("arn:aws:s3:::b/*", "arn:aws:s3:::b/", {}, True),
    ("arn:aws:s3:::b/*", "arn:aws:s3:::b", {}, False),
    ("arn:aws:s3:::B/*", "arn:aws:s3:::b/k", {}, False),
    ("arn:aws:s3:::b/a*b*a", "arn:aws:s3:::b/aba", {}, True),
    ("arn:aws:s3:::b/a*ba", "arn:aws:s3:::b/aa", {}, False),
    ("arn:aws:s3:::b/[a-z]", "arn:aws:s3:::b/a", {}, False),
    ("arn:aws:s3:::b/.*", "arn:aws:s3:::b/k", {}, False),
    ("arn:aws:s3:::b/private/${cognito-identity.amazonaws.com:sub}/*", "arn:aws:s3:::b/private/eu:1/k", {"cognito-identity.amazonaws.com:sub": ("eu:1",)}, True),
    ("arn:aws:s3:::b/private/${cognito-identity.amazonaws.com:sub}/*", "arn:aws:s3:::b/private/eu:12/k", {"cognito-identity.amazonaws.com:sub": ("eu:1",)}, False),
    ("arn:aws:s3:::b/private/${cognito-identity.amazonaws.com:sub}/*", "arn:aws:s3:::b/private//k", {}, False),
    ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/anyone", {"aws:username": ("*",)}, False),
    ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/*", {"aws:username": ("*",)}, True),
    ("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:userid}", {"aws:username": ("${aws:userid}",), "aws:userid": ("1",)}, True),
    ("arn:aws:s3:::b/${aws:username, 'guest'}/*", "arn:aws:s3:::b/guest/k", {}, True),
    ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/k", {}, False),
    ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", {}, True),
    ("arn:aws:s3:::b/${?}", "arn:aws:s3:::b/?", {}, True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "resource", "context", "matches"), RESOURCES)
def test_given_a_resource_pattern_then_it_matches_as_documented(pattern, resource, context, matches):
    assert applies("Allow", context, resource=resource, Resource=pattern) is matches


def test_given_a_document_older_than_variables_then_they_are_plain_text():
    text = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}"}}
    policies = Policies(identity=[Policy(read(json.dumps(text), Use.IDENTITY))])
    context = Context({"aws:username": ("ann",)})
    assert decide(ANN, "s3:GetObject", "arn:aws:s3:::b/${aws:username}", policies, context) is None
    assert decide(ANN, "s3:GetObject", "arn:aws:s3:::b/ann", policies, context) is not None


def test_given_a_pattern_full_of_stars_when_it_does_not_match_then_it_is_quick():
    pattern = "arn:aws:s3:::" + "*a" * 200 + "b"
    assert not applies("Allow", {}, resource="arn:aws:s3:::" + "a" * 20_000, Resource=pattern)
