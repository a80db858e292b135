"""CopyObject."""

import pytest

from stratus.wire.errors import AwsError


@pytest.fixture
async def source(s3, bucket):
    await s3(
        "PutObject",
        Bucket=bucket,
        Key="dir/ü ?",
        Body=b"data",
        ContentType="text/x",
        Metadata={"m": "1"},
        Tagging="t=1",
    )
    return f"{bucket}/dir/%C3%BC%20%3F"


async def test_a_copy_takes_all_along(s3, bucket, source):
    done = await s3("CopyObject", Bucket=bucket, Key="copy", CopySource=source)
    got = await s3("GetObject", Bucket=bucket, Key="copy")
    assert (got["Body"], got["ContentType"], got["Metadata"], got["TagCount"]) == (b"data", "text/x", {"m": "1"}, 1)
    assert got["ETag"] == done["CopyObjectResult"]["ETag"]


async def test_a_copy_may_replace_metadata_and_tags(s3, bucket, source):
    await s3(
        "CopyObject",
        Bucket=bucket,
        Key="copy",
        CopySource="/" + source,
        MetadataDirective="REPLACE",
        Metadata={"n": "2"},
        TaggingDirective="REPLACE",
        Tagging="u=2",
        ChecksumAlgorithm="SHA256",
    )
    got = await s3("HeadObject", Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert (got["ContentType"], got["Metadata"]) == ("binary/octet-stream", {"n": "2"})
    assert "ChecksumSHA256" in got
    assert (await s3("GetObjectTagging", Bucket=bucket, Key="copy"))["TagSet"] == [{"Key": "u", "Value": "2"}]


async def test_a_large_object_onto_itself(s3, bucket):
    data = bytes(range(256)) * 2000
    await s3("PutObject", Bucket=bucket, Key="k", Body=data)
    with pytest.raises(AwsError) as refused:
        await s3("CopyObject", Bucket=bucket, Key="k", CopySource=f"{bucket}/k")
    assert refused.value.code == "InvalidRequest"
    await s3(
        "CopyObject", Bucket=bucket, Key="k", CopySource=f"{bucket}/k", MetadataDirective="REPLACE", Metadata={"n": "1"}
    )
    assert await s3.bytes_of(Bucket=bucket, Key="k") == data
    await s3.restart()
    assert len(s3.files()) == 1


async def test_an_old_version_is_restored_by_copying_it(s3, bucket):
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = (await s3("PutObject", Bucket=bucket, Key="k", Body=b"old"))["VersionId"]
    await s3("PutObject", Bucket=bucket, Key="k", Body=b"new")
    marker = (await s3("DeleteObject", Bucket=bucket, Key="k"))["VersionId"]
    done = await s3("CopyObject", Bucket=bucket, Key="k", CopySource=f"{bucket}/k?versionId={old}")
    assert done["CopySourceVersionId"] == old
    assert await s3.bytes_of(Bucket=bucket, Key="k") == b"old"
    with pytest.raises(AwsError) as refused:
        await s3("CopyObject", Bucket=bucket, Key="k", CopySource=f"{bucket}/k?versionId={marker}")
    assert refused.value.code == "InvalidRequest"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "InvalidArgument"),
        ("shelf", "InvalidArgument"),
        ("/shelf/", "InvalidArgument"),
        ("shelf/%ff", "InvalidArgument"),
        ("shelf/k?version=1", "InvalidArgument"),
        ("arn:aws:s3:us-east-1:1:accesspoint/a/object/k", "NotImplemented"),
        ("nowhere/k", "NoSuchBucket"),
        ("shelf/missing", "NoSuchKey"),
        ("shelf/%252e%252e", "NoSuchKey"),
    ],
)
async def test_sources_that_are_none(s3, bucket, header, code):
    with pytest.raises(AwsError) as refused:
        await s3("CopyObject", Bucket=bucket, Key="copy", CopySource=header)
    assert refused.value.code == code


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:GetObjectTagging", "s3:PutObjectTagging"])
async def test_a_copy_needs_each_permission(s3, bucket, source, action):
    s3.denied = lambda access: access.action == action
    with pytest.raises(AwsError) as refused:
        await s3("CopyObject", Bucket=bucket, Key="copy", CopySource=source)
    assert refused.value.code == "AccessDenied"


async def test_the_source_is_guarded_as_the_source_and_the_target_as_the_target(s3, bucket, source):
    await s3("CopyObject", Bucket=bucket, Key="copy", CopySource=source)
    guarded = {access.action: access for access in s3.asked}
    assert guarded["s3:PutObject"].resource == "arn:aws:s3:::shelf/copy"
    assert guarded["s3:PutObject"].context["s3:x-amz-copy-source"] == (source,)
    assert guarded["s3:GetObject"].resource == "arn:aws:s3:::shelf/dir/ü ?"
    assert guarded["s3:GetObject"].context["s3:ExistingObjectTag/t"] == ("1",)
