"""Bucket policies and public access."""

import json

import pytest

from stratus.iam.principal import ANONYMOUS, Kind, Principal, service_principal
from stratus.services.s3.public_policy import is_public

from .conftest import code_of, error_of

ROLE = "arn:aws:iam::123456789012:role/r"


def statement(**changes):
    usual = {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::shelf/*",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def policy(**changes):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement(**changes)]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        ("[]", "Policies must be valid JSON and the first byte must be '{'"),
        ("{", "Policies must be valid JSON and the first byte must be '{'"),
        ("{" * 5000, "Policies must be valid JSON and the first byte must be '{'"),
        ('{"a":' * 3000, "Policies must be valid JSON and the first byte must be '{'"),
        (policy(Principal=None), "Missing required field Principal"),
        (policy(Resource="arn:aws:s3:::other/*"), "Policy has invalid resource"),
        (policy(Resource="*"), "Policy has invalid resource"),
        (policy(Resource="arn:aws:s3:::shelf-2/*"), "Policy has invalid resource"),
        (policy(Resource="arn:aws:s3:::shelf"), "Action does not apply to any resource(s) in statement"),
        (policy(Action="s3:ListBucket"), "Action does not apply to any resource(s) in statement"),
        (policy(Action="dynamodb:GetItem"), "Policy has invalid action"),
        (policy(Sid="x" * 21_000), "Policies must be no larger than 20 KB."),
    ],
)
async def test_policies_that_are_malformed(s3, bucket, text, message):
    refused = await error_of(s3("PutBucketPolicy", Bucket=bucket, Policy=text))
    assert (refused.code, refused.message) == ("MalformedPolicy", message)
    assert s3.service.resource_policy("arn:aws:s3:::shelf/k") is None


async def test_a_policy_guards_the_bucket_and_its_objects(s3, bucket):
    text = policy(Action=["s3:GetObject", "s3:ListBucket"], Resource=["arn:aws:s3:::shelf", "arn:aws:s3:::shelf/*"])
    await s3("PutBucketPolicy", Bucket=bucket, Policy=text)
    await s3.restart()
    assert s3.service.resource_policy("arn:aws:s3:::shelf") == text
    assert s3.service.resource_policy("arn:aws:s3:::shelf/a:b/c") == text
    assert s3.service.resource_policy("arn:aws:s3:::shelf-2/k") is None
    assert (await s3("GetBucketPolicy", Bucket=bucket))["Policy"] == text
    await s3("DeleteBucketPolicy", Bucket=bucket)
    assert s3.service.resource_policy("arn:aws:s3:::shelf") is None


EVERYBODY = "*"


@pytest.mark.parametrize(
    ("changes", "public"),
    [
        ({}, False),
        ({"Principal": {"AWS": "999999999999"}}, False),
        ({"Principal": {"Service": "cloudfront.amazonaws.com"}}, False),
        ({"Principal": EVERYBODY}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": [ROLE, "*"]}}, True),
        ({"Principal": EVERYBODY, "Effect": "Deny"}, False),
        ({"Principal": None, "NotPrincipal": {"AWS": ROLE}}, True),
        ({"Principal": EVERYBODY, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
        ({"Principal": EVERYBODY, "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}, True),
        ({"Principal": EVERYBODY, "Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::/0"]}}}, True),
        ({"Principal": EVERYBODY, "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, True),
        ({"Principal": EVERYBODY, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}, False),
        ({"Principal": EVERYBODY, "Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}}, True),
        ({"Principal": EVERYBODY, "Condition": {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}}, True),
        ({"Principal": EVERYBODY, "Condition": {"ForAllValues:StringEquals": {"aws:SourceVpc": "vpc-1"}}}, True),
        ({"Principal": EVERYBODY, "Condition": {"StringEquals": {"aws:SourceVpc": "${aws:username}"}}}, True),
        ({"Principal": EVERYBODY, "Condition": {"StringEquals": {"aws:Referer": "x"}}}, True),
        (
            {
                "Principal": EVERYBODY,
                "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}},
            },
            False,
        ),
        ({"Principal": EVERYBODY, "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}}}, True),
    ],
)
def test_which_policies_are_public(changes, public):
    assert is_public(policy(**changes)) is public


async def test_a_new_bucket_takes_no_public_policy(s3, bucket):
    refused = await error_of(s3("PutBucketPolicy", Bucket=bucket, Policy=policy(Principal="*")))
    assert (refused.code, refused.status) == ("AccessDenied", 403)
    assert "BlockPublicPolicy" in refused.message


async def test_an_open_bucket_is_closed_to_strangers_by_restrict_public_buckets(s3, bucket):
    stranger = Principal(Kind.USER, "arn:aws:iam::999999999999:user/u", "999999999999")
    await s3("DeletePublicAccessBlock", Bucket=bucket)
    assert await code_of(s3("GetPublicAccessBlock", Bucket=bucket)) == "NoSuchPublicAccessBlockConfiguration"
    await s3("PutBucketPolicy", Bucket=bucket, Policy=policy(Principal="*"))
    assert (await s3("GetBucketPolicyStatus", Bucket=bucket))["PolicyStatus"] == {"IsPublic": True}
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    owner = s3.principal
    for caller in (ANONYMOUS, stranger):
        s3.principal = caller
        await s3("GetObject", Bucket=bucket, Key="k")
    s3.principal = owner
    await s3("PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    for caller, code in (
        (ANONYMOUS, "AccessDenied"),
        (stranger, "AccessDenied"),
        (owner, None),
        (service_principal("x.amazonaws.com"), None),
    ):
        s3.principal = caller
        assert await code_of(s3("GetObject", Bucket=bucket, Key="k")) == code


async def test_answers_are_changed_only_by_signed_requests(s3, bucket):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    overridden = {"Bucket": bucket, "Key": "k", "ResponseContentDisposition": 'attachment; filename="é.txt"'}
    assert (await s3("GetObject", **overridden))["ContentDisposition"] == 'attachment; filename="é.txt"'
    assert await code_of(s3("GetObject", Bucket=bucket, Key="k", ResponseContentType="a\nb: c")) == "InvalidArgument"
    s3.principal = ANONYMOUS
    assert await code_of(s3("GetObject", **overridden)) == "InvalidRequest"


@pytest.mark.parametrize(
    ("operation", "params", "asked"),
    [
        ("GetObject", {"Key": "k"}, [("s3:GetObject", "/k")]),
        ("GetObject", {"Key": "k", "VersionId": "null"}, [("s3:GetObjectVersion", "/k")]),
        ("HeadObject", {"Key": "k"}, [("s3:GetObject", "/k")]),
        (
            "GetObjectAttributes",
            {"Key": "k", "ObjectAttributes": ["ETag"]},
            [("s3:GetObject", "/k"), ("s3:GetObjectAttributes", "/k")],
        ),
        ("PutObject", {"Key": "a/b"}, [("s3:PutObject", "/a/b")]),
        ("PutObject", {"Key": "a", "Tagging": "t=1"}, [("s3:PutObject", "/a"), ("s3:PutObjectTagging", "/a")]),
        ("DeleteObject", {"Key": "x"}, [("s3:DeleteObject", "/x")]),
        ("DeleteObject", {"Key": "x", "VersionId": "null"}, [("s3:DeleteObjectVersion", "/x")]),
        ("ListObjectsV2", {"Prefix": "p"}, [("s3:ListBucket", "")]),
        ("ListObjects", {}, [("s3:ListBucket", "")]),
        ("ListObjectVersions", {}, [("s3:ListBucketVersions", "")]),
        ("ListMultipartUploads", {}, [("s3:ListBucketMultipartUploads", "")]),
        ("HeadBucket", {}, [("s3:ListBucket", "")]),
        ("GetBucketCors", {}, [("s3:GetBucketCORS", "")]),
    ],
)
async def test_what_must_be_allowed(s3, bucket, operation, params, asked):
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    await error_of(s3(operation, Bucket=bucket, **params))
    assert [(access.action, access.resource) for access in s3.asked] == [
        (action, f"arn:aws:s3:::shelf{rest}") for action, rest in asked
    ]


async def test_condition_keys(s3, bucket):
    await s3("ListObjectsV2", Bucket=bucket, Prefix="a/", Delimiter="/", MaxKeys=5)
    context = s3.asked[0].context
    assert (context["s3:prefix"], context["s3:delimiter"], context["s3:max-keys"]) == (("a/",), ("/",), ("5",))
    await s3("ListObjectsV2", Bucket=bucket)
    assert "s3:prefix" not in s3.asked[0].context
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"", Tagging="a=1&b=2", ServerSideEncryption="AES256")
    context = s3.asked[0].context
    assert context["s3:RequestObjectTag/a"] == ("1",)
    assert context["s3:RequestObjectTagKeys"] == ("a", "b")
    assert context["s3:x-amz-server-side-encryption"] == ("AES256",)
    await s3("GetObject", Bucket=bucket, Key="k", VersionId="null")
    assert s3.asked[0].context["s3:ExistingObjectTag/b"] == ("2",)
    assert s3.asked[0].context["s3:VersionId"] == ("null",)
    await s3("PutObjectTagging", Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.asked[0].context["s3:RequestObjectTag/c"] == ("3",)
    assert s3.asked[0].context["s3:ExistingObjectTag/a"] == ("1",)


async def test_multi_delete_is_decided_key_by_key(s3, bucket):
    for key in ("mine/a", "mine/b", "yours/a"):
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"")
    s3.denied = lambda access: access.action == "s3:DeleteObject" and "/yours/" in access.resource
    wanted = {"Objects": [{"Key": "mine/a"}, {"Key": "yours/a"}, {"Key": "missing"}, {"Key": "mine/b", "ETag": '"0"'}]}
    result = await s3("DeleteObjects", Bucket=bucket, Delete=wanted)
    assert result["Deleted"] == [{"Key": "mine/a"}, {"Key": "missing"}]
    assert [(one["Key"], one["Code"]) for one in result["Errors"]] == [
        ("yours/a", "AccessDenied"),
        ("mine/b", "PreconditionFailed"),
    ]
    assert [one["Key"] for one in (await s3("ListObjectsV2", Bucket=bucket))["Contents"]] == ["mine/b", "yours/a"]
    assert (await s3("DeleteObjects", Bucket=bucket, Delete={**wanted, "Quiet": True}))["Deleted"] == []


async def test_a_delete_marker_is_told_by_its_version(s3, bucket):
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    (made,) = (await s3("DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "k"}]}))["Deleted"]
    missing = await error_of(s3("GetObject", Bucket=bucket, Key="k"))
    assert missing.headers == [("x-amz-delete-marker", "true"), ("x-amz-version-id", made["DeleteMarkerVersionId"])]
    named = await error_of(s3("HeadObject", Bucket=bucket, Key="k", VersionId=made["DeleteMarkerVersionId"]))
    assert (named.code, named.status, dict(named.headers)["allow"]) == ("MethodNotAllowed", 405, "DELETE")
