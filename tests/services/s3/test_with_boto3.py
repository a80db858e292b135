"""The whole way through the door, with boto3 and plain HTTP: requests parsed, signed bodies checked, answers as the SDK reads them."""

import io
import json
import os
import socket
import ssl
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cloud_under_test import CloudUnderTest

MB = 1024 * 1024


def client_of(cloud: CloudUnderTest, endpoint: str, **config: Any) -> Any:
    admin = cloud.cloud.administrator
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=cloud.settings.regions[0],
        aws_access_key_id=admin.access_key_id,
        aws_secret_access_key=admin.secret_access_key,
        verify=str(cloud.cloud.ca),
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


@pytest.fixture(params=["http", "https"])
def client(cloud: CloudUnderTest, request: pytest.FixtureRequest) -> Any:
    """Over HTTP boto3 signs bodies; over HTTPS it sends checksums in unsigned trailers."""
    return client_of(
        cloud, cloud.endpoint if request.param == "http" else cloud.secure_endpoint, signature_version="s3v4"
    )


@pytest.fixture
def bucket(client: Any) -> Iterator[str]:
    name = f"b-{uuid4()}"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": client.meta.region_name})
    yield name
    for version in client.list_object_versions(Bucket=name).get("Versions", []):
        client.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])


def refusal(call: Any, *args: Any, **params: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(*args, **params)
    response: Any = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [0, 10_240, 300_000])
def test_put_and_get_with_each_checksum(client, bucket, algorithm, size):
    data = os.urandom(size)
    put = client.put_object(
        Bucket=bucket, Key="k", Body=io.BytesIO(data), ChecksumAlgorithm=algorithm, Metadata={"a": "1"}
    )
    got = client.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == data
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    assert (got["ContentLength"], got["Metadata"], got["ServerSideEncryption"]) == (size, {"a": "1"}, "AES256")
    assert got["LastModified"].tzinfo is not None


def test_headers_come_back_as_they_were_sent(client, bucket):
    expires = datetime(2030, 1, 1, tzinfo=UTC)
    sent = {
        "CacheControl": "max-age=1",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/x",
        "Expires": expires,
        "Metadata": {"a": "b c"},
    }
    client.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(b"x"), **sent)
    client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    for key in ("k", "copy"):
        head = client.head_object(Bucket=bucket, Key=key)
        assert {name: head[name] for name in sent} == sent
    client.put_object(Bucket=bucket, Key="plain", Body=io.BytesIO(b"x"))
    assert "ContentEncoding" not in client.head_object(Bucket=bucket, Key="plain")  # aws-chunked was the transport's


KEYS = [
    "../../x",
    "%2e%2e/",
    "a b+c&d=e",
    "é/日本",
    "line\nbreak",
    "tab\t",
    "//",
    "a//b",
    ".",
    "?versionId=1",
    "#",
    "\u202e",
    "'\"<>",
]


def test_keys_of_any_kind(client, bucket):
    for key in KEYS:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert {one["Key"] for one in client.list_objects_v2(Bucket=bucket)["Contents"]} == set(KEYS)
    for key in KEYS:
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    wanted = {"Objects": [{"Key": key} for key in KEYS]}
    assert len(client.delete_objects(Bucket=bucket, Delete=wanted)["Deleted"]) == len(KEYS)
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


def test_ranges_conditions_and_overrides(client, bucket):
    client.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    part = client.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    etag = part["ETag"]
    assert refusal(client.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == ("InvalidRange", 416)
    assert refusal(client.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == ("304", 304)
    assert refusal(client.head_object, Bucket=bucket, Key="k", IfMatch='"0"') == ("412", 412)
    assert refusal(client.put_object, Bucket=bucket, Key="k", Body=b"", IfNoneMatch="*") == ("PreconditionFailed", 412)
    client.put_object(Bucket=bucket, Key="k", Body=b"new", IfMatch=etag)
    got = client.get_object(Bucket=bucket, Key="k", ResponseContentType="text/x", ResponseCacheControl="no-store")
    assert (got["ContentType"], got["CacheControl"]) == ("text/x", "no-store")
    assert refusal(client.get_object, Bucket=bucket, Key="missing") == ("NoSuchKey", 404)
    assert refusal(client.head_object, Bucket=bucket, Key="missing") == ("404", 404)


def test_multipart_by_the_transfer_manager(client, bucket):
    data = os.urandom(12 * MB)
    config = TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=5 * MB)
    client.upload_fileobj(io.BytesIO(data), bucket, "k", Config=config, ExtraArgs={"ContentType": "x/y"})
    head = client.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ContentType"]) == (len(data), "x/y")
    assert head["ETag"].endswith('-3"')
    part = client.get_object(Bucket=bucket, Key="k", PartNumber=3)  # boto3 verifies the checksum
    assert (part["Body"].read(), part["PartsCount"]) == (data[10 * MB :], 3)
    got = io.BytesIO()
    client.download_fileobj(bucket, "k", got, Config=config)
    assert got.getvalue() == data
    client.copy({"Bucket": bucket, "Key": "k"}, bucket, "copy é", Config=config)
    assert client.get_object(Bucket=bucket, Key="copy é")["Body"].read() == data
    attributes = client.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum", "ObjectSize"]
    )
    assert (attributes["ObjectSize"], attributes["ObjectParts"]["TotalPartsCount"]) == (len(data), 3)


def test_uploads_are_listed_and_aborted(client, bucket):
    upload = client.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    client.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"data")
    assert [one["UploadId"] for one in client.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    assert [one["Size"] for one in client.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]] == [4]
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    code = refusal(client.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts)
    assert code == ("InvalidPart", 400)
    client.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert refusal(client.list_parts, Bucket=bucket, Key="k", UploadId=upload) == ("NoSuchUpload", 404)


def test_paginators(client, bucket):
    for number in range(7):
        client.put_object(Bucket=bucket, Key=f"d{number % 2}/k é{number}", Body=b"")
    for name in ("list_objects_v2", "list_objects"):
        pages = client.get_paginator(name).paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
        assert [one["Key"] for page in pages for one in page["Contents"]] == sorted(
            f"d{n % 2}/k é{n}" for n in range(7)
        )
        pages = client.get_paginator(name).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
        assert [one["Prefix"] for page in pages for one in page["CommonPrefixes"]] == ["d0/", "d1/"]


def test_versions(client, bucket):
    assert "Status" not in client.get_bucket_versioning(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = client.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    client.put_object(Bucket=bucket, Key="k", Body=b"2")
    marker = client.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    assert refusal(client.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert client.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    listed = client.list_object_versions(Bucket=bucket)
    assert [one["IsLatest"] for one in listed["Versions"] + listed["DeleteMarkers"]] == [False, False, True]
    client.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_settings_come_back_as_they_were_put(client, bucket):
    cors = {
        "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 5}]
    }
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration=cors)
    assert client.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors["CORSRules"]
    rules = [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}},
        {"ID": "b", "Status": "Disabled", "Filter": {"And": {"Prefix": "", "Tags": [{"Key": "k", "Value": "v"}]}}, "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)}},
        {"ID": "c", "Status": "Enabled", "Filter": {}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        {"ID": "d", "Status": "Enabled", "Prefix": "", "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2}},
    ]  # fmt: skip
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    client.put_object(Bucket=bucket, Key="x/k", Body=b"", Tagging="a=1")
    assert 'rule-id="a"' in client.head_object(Bucket=bucket, Key="x/k")["Expiration"]
    tags = [{"Key": "a", "Value": "2"}]
    client.put_object_tagging(Bucket=bucket, Key="x/k", Tagging={"TagSet": tags})
    assert client.get_object_tagging(Bucket=bucket, Key="x/k")["TagSet"] == tags
    client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert client.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    encryption = {
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
    }
    client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=encryption)
    assert client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"] == encryption
    blocked = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
    assert len(blocked) == 4
    assert client.get_bucket_location(Bucket=bucket)["LocationConstraint"] == client.meta.region_name
    assert client.head_bucket(Bucket=bucket)["BucketRegion"] == client.meta.region_name
    assert client.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    for remove in (
        client.delete_bucket_cors,
        client.delete_bucket_lifecycle,
        client.delete_bucket_tagging,
        client.delete_bucket_encryption,
    ):
        remove(Bucket=bucket)
    assert refusal(client.get_bucket_cors, Bucket=bucket) == ("NoSuchCORSConfiguration", 404)


def test_public_access(client, bucket):
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/open/*"}
        ],
    }
    assert refusal(client.put_bucket_policy, Bucket=bucket, Policy=json.dumps(policy)) == ("AccessDenied", 403)
    client.delete_public_access_block(Bucket=bucket)
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    assert client.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    client.put_object(Bucket=bucket, Key="open/k", Body=b"hello")
    client.put_object(Bucket=bucket, Key="shut/k", Body=b"hello")
    with httpx.Client(verify=False) as anybody:
        base = f"{client.meta.endpoint_url}/{bucket}"
        assert anybody.get(f"{base}/open/k").content == b"hello"
        for path in ("shut/k", "open/../shut/k", "open%2F..%2Fshut/k"):
            assert anybody.get(f"{base}/{path}").status_code == 403
        assert anybody.get(f"{base}/open/missing").status_code == 403
        assert anybody.put(f"{base}/open/k", content=b"x").status_code == 403
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
        assert anybody.get(f"{base}/open/k").status_code == 403


def test_presigned_urls_and_cors(client, cloud, bucket):
    client.put_bucket_cors(
        Bucket=bucket,
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedMethods": ["GET", "PUT"],
                    "AllowedOrigins": ["https://app.example"],
                    "AllowedHeaders": ["*"],
                    "ExposeHeaders": ["ETag"],
                }
            ]
        },
    )
    origin = {"origin": "https://app.example"}
    put = client.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k é", "ContentType": "text/x"})
    get = client.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "k é", "ResponseContentDisposition": "attachment"}
    )
    with httpx.Client(verify=ssl.create_default_context(cafile=cloud.cloud.ca)) as page:
        preflight = page.options(
            put,
            headers={
                **origin,
                "access-control-request-method": "PUT",
                "access-control-request-headers": "content-type",
            },
        )
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "https://app.example")
        assert (
            page.options(put, headers={"origin": "https://evil", "access-control-request-method": "PUT"}).status_code
            == 403
        )
        sent = page.put(put, content=b"hello", headers={**origin, "content-type": "text/x"})
        assert (sent.status_code, sent.headers["access-control-expose-headers"]) == (200, "ETag")
        got = page.get(get, headers=origin)
        assert (got.content, got.headers["content-type"], got.headers["content-disposition"]) == (
            b"hello",
            "text/x",
            "attachment",
        )
        broken = page.get(get.replace("k%20", "x%20"), headers=origin)
        assert (broken.status_code, broken.headers["access-control-allow-origin"]) == (403, "https://app.example")
        assert "access-control-allow-origin" not in page.get(get).headers


def test_what_is_not_done_is_refused_by_name(client, bucket):
    for call, params in [
        (client.put_bucket_website, {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "i"}}}),
        (client.put_bucket_notification_configuration, {"NotificationConfiguration": {}}),
        (client.put_bucket_logging, {"BucketLoggingStatus": {}}),
        (client.put_object, {"Key": "k", "Body": b"", "SSEKMSKeyId": "k", "ServerSideEncryption": "aws:kms"}),
    ]:
        assert refusal(call, Bucket=bucket, **params) == ("NotImplemented", 501)
    post = client.generate_presigned_post(bucket, "k")
    with httpx.Client(verify=False) as browser:
        answer = browser.post(post["url"], data=post["fields"], files={"file": b"x"})
    assert (answer.status_code, code_in(answer.text)) == (501, "NotImplemented")
    assert "POST" in answer.text


def code_in(document: str) -> str:
    return document.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize("path", ["/{bucket}/%ff", "/{bucket}/%", "/{bucket}/%zz", "/{bucket}/%ed%b0%80"])
def test_a_path_that_is_no_utf8(client, cloud, bucket, path):
    host = urllib.parse.urlsplit(cloud.endpoint)
    with socket.create_connection((host.hostname, host.port)) as connection:
        target = path.format(bucket=bucket)
        connection.sendall(f"GET {target} HTTP/1.1\r\nhost: {host.netloc}\r\nconnection: close\r\n\r\n".encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>InvalidURI</Code>" in answer


def test_virtual_hosted_addresses(cloud, client, bucket):
    client.put_object(Bucket=bucket, Key="k", Body=b"hello")
    hosted = client_of(
        cloud,
        cloud.endpoint.replace("localhost", "s3.localhost"),
        signature_version="s3v4",
        s3={"addressing_style": "virtual"},
    )
    url = hosted.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    parts = urllib.parse.urlsplit(url)
    answer = httpx.get(f"{cloud.endpoint}{parts.path}?{parts.query}", headers={"host": parts.netloc})
    assert (answer.status_code, answer.content) == (200, b"hello")
