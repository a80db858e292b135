"""Buckets: names, regions, settings."""

import pytest

from stratus.iam.principal import ANONYMOUS
from stratus.service import Service
from stratus.services.s3 import S3, BucketDirectory
from stratus.wire.message import Headers, Request

from .conftest import Harness, code_of, error_of

REQUEST = Request("GET", "/shelf", "", Headers([("authorization", "AWS4-HMAC-SHA256 ...")]))


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "UPPER",
        "under_score",
        "-dash",
        "dash-",
        "two..dots",
        "192.168.5.4",
        "xn--a",
        "a-s3alias",
        "../x",
        "a/b",
        "",
        "é11",
    ],
)
async def test_names_that_are_none(s3, name):
    assert await code_of(s3("CreateBucket", Bucket=name)) == "InvalidBucketName"


@pytest.mark.parametrize("name", ["abc", "a" * 63, "a.b-c", "1.2.3", "192.168.5.4a"])
async def test_names_that_are(s3, name):
    assert (await s3("CreateBucket", Bucket=name))["Location"] == f"/{name}"
    await s3("HeadBucket", Bucket=name)


@pytest.fixture
async def regions(tmp_path):
    buckets = BucketDirectory()
    made = [Harness(tmp_path / region, region, buckets) for region in ("us-east-1", "eu-central-1")]
    for one in made:
        await one.service.start()
    yield made
    for one in made:
        await one.service.stop()


async def test_a_name_is_taken_in_all_regions(regions):
    west, east = regions
    await east("CreateBucket", Bucket="shelf", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert await code_of(west("CreateBucket", Bucket="shelf")) == "BucketAlreadyOwnedByYou"
    again = east("CreateBucket", Bucket="shelf", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert await code_of(again) == "BucketAlreadyOwnedByYou"
    listed = (await west("ListBuckets"))["Buckets"]
    assert [(one["Name"], one["BucketRegion"]) for one in listed] == [("shelf", "eu-central-1")]
    assert (await west("ListBuckets", BucketRegion="us-east-1"))["Buckets"] == []
    assert await east("GetBucketLocation", Bucket="shelf") == {"LocationConstraint": "eu-central-1"}
    await east("DeleteBucket", Bucket="shelf")
    await west("CreateBucket", Bucket="shelf")
    assert await west("GetBucketLocation", Bucket="shelf") == {"LocationConstraint": None}


async def test_in_us_east_1_an_own_bucket_may_be_made_again(s3, bucket):
    assert (await s3("CreateBucket", Bucket=bucket))["Location"] == "/shelf"


async def test_a_bucket_of_another_region_says_where_it_is(regions):
    west, east = regions
    await east("CreateBucket", Bucket="shelf", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    signed = await error_of(west("GetObject", REQUEST, Bucket="shelf", Key="k"))
    assert (signed.code, signed.status, signed.members) == (
        "AuthorizationHeaderMalformed",
        400,
        {"Region": "eu-central-1"},
    )
    presigned = Request("GET", "/shelf/k", "X-Amz-Signature=0", Headers())
    assert await code_of(west("GetObject", presigned, Bucket="shelf", Key="k")) == "AuthorizationQueryParametersError"
    west.principal = ANONYMOUS
    unsigned = await error_of(west("GetObject", presigned, Bucket="shelf", Key="k"))
    assert (unsigned.code, unsigned.status) == ("PermanentRedirect", 301)
    assert ("x-amz-bucket-region", "eu-central-1") in unsigned.headers


@pytest.mark.parametrize(
    ("region", "constraint", "code"),
    [
        (0, "us-east-1", "InvalidLocationConstraint"),
        (0, "eu-central-1", "IllegalLocationConstraintException"),
        (1, None, "IllegalLocationConstraintException"),
        (1, "us-west-2", "IllegalLocationConstraintException"),
    ],
)
async def test_the_location_must_be_the_endpoints(regions, region, constraint, code):
    configuration = {"LocationConstraint": constraint} if constraint else {}
    assert (
        await code_of(regions[region]("CreateBucket", Bucket="shelf", CreateBucketConfiguration=configuration)) == code
    )


async def test_only_an_empty_bucket_is_deleted(s3, bucket):
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    marker = (await s3("DeleteObject", Bucket=bucket, Key="k"))["VersionId"]
    assert await code_of(s3("DeleteBucket", Bucket=bucket)) == "BucketNotEmpty"
    await s3("DeleteObject", Bucket=bucket, Key="k", VersionId=marker)
    upload = await s3("CreateMultipartUpload", Bucket=bucket, Key="k")
    await s3("UploadPart", Bucket=bucket, Key="k", UploadId=upload["UploadId"], PartNumber=1, Body=b"x" * 100_000)
    await s3("DeleteBucket", Bucket=bucket)
    assert await code_of(s3("HeadBucket", Bucket=bucket)) == "NoSuchBucket"
    await s3.restart()
    assert await code_of(s3("HeadBucket", Bucket=bucket)) == "NoSuchBucket"
    assert s3.files() == []


async def test_a_bucket_deleted_while_a_body_comes_in_gets_no_object(s3, bucket):
    async def body():
        yield b"x" * 100_000
        await s3("DeleteBucket", Bucket=bucket)
        yield b"x"

    assert await code_of(s3("PutObject", Bucket=bucket, Key="k", Body=body())) == "NoSuchBucket"
    await s3.restart()
    assert s3.files() == []


async def test_buckets_are_listed_in_pages(s3):
    for name in ("bbb", "aaa", "abc"):
        await s3("CreateBucket", Bucket=name)
    page = await s3("ListBuckets", MaxBuckets=2, Prefix="a")
    assert ([one["Name"] for one in page["Buckets"]], "ContinuationToken" in page) == (["aaa", "abc"], False)
    page = await s3("ListBuckets", MaxBuckets=2)
    rest = await s3("ListBuckets", MaxBuckets=2, ContinuationToken=page["ContinuationToken"])
    assert [one["Name"] for one in page["Buckets"] + rest["Buckets"]] == ["aaa", "abc", "bbb"]
    assert await code_of(s3("ListBuckets", MaxBuckets=0)) == "InvalidArgument"


async def test_another_owner_is_denied(s3, bucket):
    assert await code_of(s3("HeadBucket", Bucket=bucket, ExpectedBucketOwner="999999999999")) == "AccessDenied"


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("CreateBucket", {"ObjectLockEnabledForBucket": True}, "NotImplemented"),
        ("CreateBucket", {"ObjectOwnership": "ObjectWriter"}, "NotImplemented"),
        ("CreateBucket", {"ACL": "public-read"}, "InvalidBucketAclWithObjectOwnership"),
        (
            "PutBucketVersioning",
            {"VersioningConfiguration": {"Status": "Enabled", "MFADelete": "Enabled"}},
            "NotImplemented",
        ),
        ("PutBucketVersioning", {"VersioningConfiguration": {}}, "IllegalVersioningConfigurationException"),
        ("PutBucketVersioning", {}, "MalformedXML"),
        ("PutBucketEncryption", {}, "MalformedXML"),
        ("PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [{}]}}, "MalformedXML"),
        ("PutBucketTagging", {"Tagging": {"TagSet": [{"Key": "k"}]}}, "MalformedXML"),
        ("PutBucketTagging", {"Tagging": {"TagSet": [{"Key": "aws:k", "Value": ""}]}}, "InvalidTag"),
        ("GetBucketTagging", {}, "NoSuchTagSet"),
        ("GetBucketCors", {}, "NoSuchCORSConfiguration"),
        ("GetBucketPolicy", {}, "NoSuchBucketPolicy"),
        ("GetBucketLifecycleConfiguration", {}, "NoSuchLifecycleConfiguration"),
        ("PutBucketAcl", {"ACL": "private"}, "AccessControlListNotSupported"),
        ("PutObject", {"Key": "k", "ACL": "public-read"}, "AccessControlListNotSupported"),
        ("PutObject", {"Key": "k", "GrantRead": "id=1"}, "AccessControlListNotSupported"),
        ("PutObject", {"Key": "k", "ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ("PutObject", {"Key": "k", "ServerSideEncryption": "rot13"}, "InvalidArgument"),
        ("PutObject", {"Key": "k", "SSECustomerAlgorithm": "AES256"}, "NotImplemented"),
        ("PutObject", {"Key": "k", "ObjectLockMode": "GOVERNANCE"}, "NotImplemented"),
        ("PutObject", {"Key": "k", "StorageClass": "GLACIER"}, "NotImplemented"),
        ("PutObject", {"Key": "k", "StorageClass": "WARM"}, "InvalidStorageClass"),
        ("PutObject", {"Key": "k", "WebsiteRedirectLocation": "/"}, "NotImplemented"),
        ("PutObject", {"Key": "k", "Metadata": {"m": "x" * 2048}}, "MetadataTooLarge"),
        ("PutObject", {"Key": "k", "ContentType": "a\r\nset-cookie: b"}, "InvalidArgument"),
        ("PutObject", {"Key": "k", "Tagging": "a=1&a=2"}, "InvalidArgument"),
        ("PutObject", {"Key": "k", "Tagging": "&".join(f"k{n}=" for n in range(11))}, "BadRequest"),
        ("PutObject", {"Key": "k", "Tagging": "k=" + "v" * 257}, "InvalidTag"),
        ("GetObject", {"Key": "k", "VersionId": "made-up"}, "InvalidArgument"),
        ("GetObject", {"Key": "k", "VersionId": ""}, "InvalidArgument"),
        ("GetObject", {"Key": "k", "VersionId": "x" * 32}, "NoSuchVersion"),
        ("DeleteObjects", {"Delete": {"Objects": []}}, "MalformedXML"),
        ("DeleteObjects", {"Delete": {"Objects": [{"Key": "k"}] * 1001}}, "MalformedXML"),
        ("DeleteObjects", {"Delete": {"Objects": [{}]}}, "MalformedXML"),
        ("DeleteObjects", {"Delete": {"Objects": [{"Key": ""}]}}, "MalformedXML"),
        ("ListParts", {"Key": "k", "UploadId": "u"}, "NoSuchUpload"),
        ("DeleteObjects", {}, "MalformedXML"),
        ("DeleteObject", {"Key": "k", "MFA": "1 2"}, "NotImplemented"),
    ],
)
async def test_what_is_refused_and_how(s3, bucket, operation, params, code):
    name = "other" if operation == "CreateBucket" else bucket
    assert await code_of(s3(operation, Bucket=name, **params)) == code


async def test_settings_survive_a_restart(s3, bucket):
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    await s3("PutBucketTagging", Bucket=bucket, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    await s3.restart()
    assert await s3("GetBucketVersioning", Bucket=bucket) == {"Status": "Suspended"}
    assert await s3("GetBucketTagging", Bucket=bucket) == {"TagSet": [{"Key": "k", "Value": "v"}]}
    rules = (await s3("GetBucketEncryption", Bucket=bucket))["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert (await s3("GetBucketOwnershipControls", Bucket=bucket))["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]


async def test_without_its_key_the_data_is_not_opened(s3, bucket):
    await s3.service.stop()
    (s3.directory / "master.key").rename(s3.directory / "elsewhere")
    with pytest.raises(RuntimeError, match=r"master\.key is missing"):
        await s3.restart()
    (s3.directory / "elsewhere").rename(s3.directory / "master.key")
    s3.service = s3._new_service()
    await s3.service.start()


def test_no_two_groups_of_operations_use_the_same_name():
    """S3 is put together from classes: a helper that hides another's would change what that one does."""
    seen: dict[str, type] = {}
    for part in S3.__mro__[1 : S3.__mro__.index(Service)]:
        for name in vars(part):
            if not name.startswith("__") and part.__name__ != "S3Base" and name != "operations":
                assert name not in seen, f"{name} is in {part} and in {seen[name]}"
                seen[name] = part
