"""Documents that are no policies, refused in AWS's words. Source: IAM User Guide, "Grammar of the IAM JSON policy language"."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.iam.policy.document import MalformedPolicy, Use, read

IDENTITY = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
RESOURCE = IDENTITY | {"Principal": "*"}
SYNTAX = "Syntax errors in policy."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def document(statement: object, version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": statement})


def without(statement: dict, *names: str) -> dict:
    return {key: value for key, value in statement.items() if key not in names}


REFUSED = [
    ("", Use.IDENTITY, "This policy contains invalid Json"),
    ("{", Use.IDENTITY, "This policy contains invalid Json"),
    ('{"Version": NaN}', Use.IDENTITY, "This policy contains invalid Json"),
    ("[" * 100_000, Use.IDENTITY, "This policy contains invalid Json"),
    ("[]", Use.IDENTITY, SYNTAX),
    ('"x"', Use.IDENTITY, SYNTAX),
    ("{}", Use.IDENTITY, SYNTAX),
    ('{"Statement": []}', Use.IDENTITY, SYNTAX),
    ('{"Statement": "x"}', Use.IDENTITY, SYNTAX),
    ('{"Statement": [], "Statement": []}', Use.IDENTITY, SYNTAX),
    (document(IDENTITY, "2013-10-17"), Use.IDENTITY, "Policy document must be version 2012-10-17 or greater."),
    (document([IDENTITY, "x"]), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Efect": "Deny"}), Use.IDENTITY, SYNTAX),
    (document(without(IDENTITY, "Effect")), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Effect": "allow"}), Use.IDENTITY, SYNTAX),
    (document(without(IDENTITY, "Action")), Use.IDENTITY, "Policy statement must contain actions."),
    (document(IDENTITY | {"Action": []}), Use.IDENTITY, "Policy statement must contain actions."),
    (document(IDENTITY | {"NotAction": "s3:*"}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Action": 1}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Action": "GetObject"}), Use.IDENTITY, VENDOR),
    (document(IDENTITY | {"Action": "s3:"}), Use.IDENTITY, VENDOR),
    (document(IDENTITY | {"Action": "s*:GetObject"}), Use.IDENTITY, "Vendor s* is not valid"),
    (document(without(IDENTITY, "Resource")), Use.IDENTITY, "Policy statement must contain resources."),
    (document(IDENTITY | {"Resource": []}), Use.IDENTITY, "Policy statement must contain resources."),
    (document(IDENTITY | {"NotResource": "*"}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Resource": "bucket"}), Use.IDENTITY, 'Resource bucket must be in ARN format or "*".'),
    (document(IDENTITY | {"Resource": "arn:aws:s3"}), Use.IDENTITY, 'Resource arn:aws:s3 must be in ARN format or "*".'),
    (document(IDENTITY | {"Resource": "arn:aws:s3:::b/${aws:username"}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Resource": "arn:aws:s3:::b/${}"}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Resource": "arn:aws:s3:::b/${aws:username, x}"}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Principal": "*"}), Use.IDENTITY, "Policy document should not specify a principal."),
    (document([IDENTITY | {"Sid": "a"}, IDENTITY | {"Sid": "a"}]), Use.IDENTITY, "Statement IDs (SID) in a single policy must be unique."),
    (document(IDENTITY | {"Sid": "a b"}), Use.IDENTITY, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"),
    (document(IDENTITY | {"Condition": []}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Condition": {"StringEqual": {"aws:username": "a"}}}), Use.IDENTITY, "Invalid Condition type : StringEqual"),
    (document(IDENTITY | {"Condition": {"NullIfExists": {"aws:username": "true"}}}), Use.IDENTITY, "Invalid Condition type : NullIfExists"),
    (document(IDENTITY | {"Condition": {"ForSome:Bool": {"aws:username": "true"}}}), Use.IDENTITY, "Invalid Condition type : ForSome:Bool"),
    (document(IDENTITY | {"Condition": {"StringEquals": {"username": "a"}}}), Use.IDENTITY, VENDOR),
    (document(IDENTITY | {"Condition": {"StringEquals": {"aws:username": {"a": "b"}}}}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Condition": {"StringEquals": {"aws:username": None}}}), Use.IDENTITY, SYNTAX),
    (document(IDENTITY | {"Condition": {"StringLike": {"s3:prefix": "${aws:username"}}}), Use.IDENTITY, SYNTAX),
    (document(TRUST | {"Resource": "*"}), Use.TRUST, "Has prohibited field Resource"),
    (document(TRUST | {"Action": "s3:GetObject"}), Use.TRUST, "AssumeRole policy may only specify STS AssumeRole actions."),
    (document(without(TRUST, "Principal")), Use.TRUST, "Missing required field Principal"),
    (document(without(RESOURCE, "Principal")), Use.RESOURCE, "Missing required field Principal"),
    (document(RESOURCE | {"NotPrincipal": "*"}), Use.RESOURCE, SYNTAX),
    (document(RESOURCE | {"Principal": {}}), Use.RESOURCE, SYNTAX),
    (document(RESOURCE | {"Principal": "ann"}), Use.RESOURCE, SYNTAX),
    (document(RESOURCE | {"Principal": {"Aws": "*"}}), Use.RESOURCE, 'Invalid principal in policy: "Aws"'),
    (document(RESOURCE | {"Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}}), Use.RESOURCE, 'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"'),
    (document(RESOURCE | {"Principal": {"AWS": "ann"}}), Use.RESOURCE, 'Invalid principal in policy: "AWS":"ann"'),
    (document(RESOURCE | {"Principal": {"Service": "*"}}), Use.RESOURCE, 'Invalid principal in policy: "Service":"*"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "use", "message"), REFUSED)
def test_given_a_document_that_is_no_policy_when_read_then_refused_in_awss_words(text, use, message):
    with pytest.raises(MalformedPolicy) as refused:
        read(text, use)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "use"),
    [
        (document(IDENTITY), Use.IDENTITY),
        (document([IDENTITY | {"Resource": ["*", "arn:aws:s3:::*", "arn:aws:s3*"]}]), Use.IDENTITY),
        (document(IDENTITY | {"Sid": ""}), Use.IDENTITY),
        (document(IDENTITY | {"Resource": "arn:aws:s3:::b/${aws:username"}, "2008-10-17"), Use.IDENTITY),
        (document(TRUST), Use.TRUST),
        (document(TRUST | {"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "cognito-identity.amazonaws.com"}}), Use.TRUST),
        (document(RESOURCE | {"Sid": "Any text-here", "Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:root"]}}), Use.RESOURCE),
    ],
)  # fmt: skip
def test_given_a_policy_when_read_then_it_is_taken(text, use):
    assert read(text, use).statements


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Statement", "Effect", "Action", "Resource", "Principal", "AWS", "Condition", "Bool"]),
            inner,
        )
    ),
    max_leaves=8,
)


@given(statement=json_values, use=st.sampled_from(Use))
@settings(max_examples=300, deadline=None)
def test_given_any_json_when_read_then_it_is_a_policy_or_refused(statement, use):
    for text in (json.dumps(statement), document(statement), document([IDENTITY | {"Condition": statement}])):
        with suppress(MalformedPolicy):
            read(text, use)
