"""The promise of the seed: a signed-in user reaches their own folder in S3 and nothing else, whatever the key looks like."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.iam.policy.compiled import Policy
from stratus.iam.policy.context import Context
from stratus.iam.policy.document import Use, read
from stratus.iam.policy.evaluation import Policies, decide
from stratus.iam.policy.principals import Requester

ANN, BOB = "eu-central-1:0a1b", "eu-central-1:0a1b2"
SUB = "cognito-identity.amazonaws.com:sub"
STATEMENTS = [
    {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": "arn:aws:s3:::files/private/${cognito-identity.amazonaws.com:sub}/*",
    },
    {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::files",
        "Condition": {"StringLike": {"s3:prefix": "private/${cognito-identity.amazonaws.com:sub}/*"}},
    },
]
REQUESTER = Requester(
    account="1", direct="arn:aws:sts::1:assumed-role/SignedIn/s", identity="arn:aws:iam::1:role/SignedIn"
)

pieces = st.sampled_from(
    [
        "private",
        "/",
        ANN,
        BOB,
        ANN.upper(),
        "..",
        ".",
        "%2e",
        "%2F",
        "*",
        "?",
        "${" + SUB + "}",
        "\n",
        "\0",
        "a",
        "á",
        "／",
    ]
)
keys = st.one_of(
    st.lists(pieces, max_size=8).map("".join),
    st.lists(pieces, max_size=5).map(lambda rest: f"private/{ANN}/" + "".join(rest)),
    st.lists(pieces, max_size=5).map(lambda rest: f"private/{BOB}/" + "".join(rest)),
)
subjects = st.sampled_from([ANN, BOB, "*", "?" * len(BOB), "eu-central-1:*", ""])


def allowed(statements: list, subject: str, action: str, resource: str, **keys: tuple[str, ...]) -> bool:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    policies = Policies(identity=[Policy(read(text, Use.IDENTITY))])
    context = Context({SUB: (subject,)}, {name.replace("_", ":"): value for name, value in keys.items()})
    return decide(REQUESTER, action, resource, policies, context) is None


@given(subject=subjects, key=keys, action=st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]))
@settings(max_examples=600, deadline=None)
def test_given_any_key_then_an_object_is_reached_only_in_the_own_folder(subject, key, action):
    assert allowed(STATEMENTS, subject, action, f"arn:aws:s3:::files/{key}") is key.startswith(f"private/{subject}/")
    assert not allowed(STATEMENTS, subject, action, f"arn:aws:s3:::other/{key}")
    assert not allowed(STATEMENTS, subject, "s3:PutObjectAcl", f"arn:aws:s3:::files/{key}")


@given(subject=subjects, prefix=keys)
@settings(max_examples=400, deadline=None)
def test_given_any_prefix_then_only_the_own_folder_is_listed(subject, prefix):
    listed = allowed(STATEMENTS, subject, "s3:ListBucket", "arn:aws:s3:::files", s3_prefix=(prefix,))
    assert listed is prefix.startswith(f"private/{subject}/")
    assert not allowed(STATEMENTS, subject, "s3:ListBucket", "arn:aws:s3:::files")


@dataclasses.dataclass(frozen=True)
class Hole:
    """A policy with one thing wrong, and what then gets through: the tests above must be able to see it."""

    old: str
    new: str
    action: str
    resource: str
    prefix: str | None = None


@pytest.mark.parametrize(
    "hole",
    [
        Hole(":sub}/*", ":sub}*", "s3:GetObject", f"arn:aws:s3:::files/private/{BOB}/k"),
        Hole("private/${cognito-identity.amazonaws.com:sub}/*", "private/*", "s3:GetObject", f"arn:aws:s3:::files/private/{BOB}/k"),
        Hole('"StringLike"', '"StringLikeIfExists"', "s3:ListBucket", "arn:aws:s3:::files"),
        Hole('"s3:prefix": "private/${cognito-identity.amazonaws.com:sub}/*"', '"s3:prefix": "*"', "s3:ListBucket", "arn:aws:s3:::files", "x"),
    ],
)  # fmt: skip
def test_given_a_policy_with_a_hole_then_what_it_lets_through_is_seen(hole):
    text = json.dumps(STATEMENTS)
    assert hole.old in text
    keys = {} if hole.prefix is None else {"s3_prefix": (hole.prefix,)}
    assert not allowed(STATEMENTS, ANN, hole.action, hole.resource, **keys)
    assert allowed(json.loads(text.replace(hole.old, hole.new)), ANN, hole.action, hole.resource, **keys)
