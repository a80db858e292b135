"""Multipart uploads."""

import hashlib
from base64 import b64decode

import pytest

from stratus.wire.errors import AwsError

from .test_checksums import checksum

MB = 1024 * 1024
FIRST, LAST = b"a" * (5 * MB), b"b" * 1000


@pytest.fixture
async def upload(s3, bucket):
    result = await s3(
        "CreateMultipartUpload", Bucket=bucket, Key="k", ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1"
    )
    return {"Bucket": bucket, "Key": "k", "UploadId": result["UploadId"]}


async def send(s3, upload, number, data, **params):
    result = await s3("UploadPart", **upload, PartNumber=number, Body=data, **params)
    checks = {name: value for name, value in result.items() if name.startswith("Checksum")}
    return {"PartNumber": number, "ETag": result["ETag"], **checks}


async def complete(s3, upload, parts, **params):
    return await s3("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts}, **params)


async def refusal(awaitable):
    with pytest.raises(AwsError) as refused:
        await awaitable
    return refused.value


async def test_parts_become_one_object(s3, upload):
    parts = [await send(s3, upload, 1, FIRST), await send(s3, upload, 7, FIRST), await send(s3, upload, 10_000, LAST)]
    assert (await refusal(s3("GetObject", Bucket="shelf", Key="k"))).code == "NoSuchKey"
    done = await complete(s3, upload, parts)
    digests = b"".join(hashlib.md5(part).digest() for part in (FIRST, FIRST, LAST))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    await s3.restart()
    got = await s3("GetObject", Bucket="shelf", Key="k", ChecksumMode="ENABLED")
    assert (got["ContentLength"], got["ContentType"], got["Metadata"], got["TagCount"]) == (
        10 * MB + 1000,
        "text/plain",
        {"m": "1"},
        1,
    )
    assert (got["ChecksumCRC64NVME"], got["ChecksumType"]) == (
        checksum("CRC64NVME", FIRST + FIRST + LAST),
        "FULL_OBJECT",
    )
    assert await s3.bytes_of(Bucket="shelf", Key="k") == FIRST + FIRST + LAST
    assert (await refusal(complete(s3, upload, parts))).code == "NoSuchUpload"


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (5 * MB - 1, 5 * MB + 1), (5 * MB, 5 * MB + 1000), (5 * MB + 999, 5 * MB + 1000), (3, 5 * MB + 3)],
)
async def test_a_range_may_span_parts(s3, upload, start, stop):
    await complete(s3, upload, [await send(s3, upload, 1, FIRST), await send(s3, upload, 2, LAST)])
    got = await s3.bytes_of(Bucket="shelf", Key="k", Range=f"bytes={start}-{stop - 1}")
    assert got == (FIRST + LAST)[start:stop]


async def test_a_part_by_its_number(s3, upload):
    await complete(s3, upload, [await send(s3, upload, 1, FIRST), await send(s3, upload, 3, LAST)])
    got = await s3("GetObject", Bucket="shelf", Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert got["ChecksumCRC64NVME"] == checksum("CRC64NVME", LAST)
    assert (got["ContentRange"], got["PartsCount"]) == (f"bytes {5 * MB}-{5 * MB + 999}/{5 * MB + 1000}", 2)
    assert await s3.bytes_of(Bucket="shelf", Key="k", PartNumber=2) == LAST
    assert (await refusal(s3("GetObject", Bucket="shelf", Key="k", PartNumber=3))).status == 416
    both = await refusal(s3("GetObject", Bucket="shelf", Key="k", PartNumber=1, Range="bytes=0-1"))
    assert both.code == "InvalidRequest"


async def test_what_is_overwritten_left_out_or_aborted_leaves_no_bytes(s3, upload):
    await send(s3, upload, 1, LAST * 100)
    kept = await send(s3, upload, 1, FIRST)
    await send(s3, upload, 2, FIRST)
    await complete(s3, upload, [kept])
    await s3.restart()
    assert len(s3.files()) == 1
    other = await s3("CreateMultipartUpload", Bucket="shelf", Key="o")
    other = {"Bucket": "shelf", "Key": "o", "UploadId": other["UploadId"]}
    await send(s3, other, 1, FIRST)
    await s3("AbortMultipartUpload", **other)
    await s3("DeleteObject", Bucket="shelf", Key="k")
    await s3.restart()
    assert s3.files() == []
    assert (await refusal(s3("ListParts", **other))).code == "NoSuchUpload"


async def test_completing_is_refused(s3, upload):
    one, two = await send(s3, upload, 1, LAST), await send(s3, upload, 2, LAST)
    for parts, code in [
        ([], "MalformedXML"),
        ([{"PartNumber": 1}], "MalformedXML"),
        ([two, one], "InvalidPartOrder"),
        ([one, one], "InvalidPartOrder"),
        ([one, {**two, "ETag": '"0"'}], "InvalidPart"),
        ([one, {**two, "PartNumber": 3}], "InvalidPart"),
        ([one, {**two, "ChecksumCRC64NVME": "AAAAAAAAAAA="}], "InvalidPart"),
        ([one, two], "EntityTooSmall"),
    ]:
        assert (await refusal(complete(s3, upload, parts))).code == code
    assert (await refusal(complete(s3, upload, [one], MpuObjectSize=5))).code == "InvalidRequest"
    assert (await refusal(complete(s3, upload, [one], ChecksumCRC64NVME="AAAAAAAAAAA="))).code == "BadDigest"
    assert (await refusal(complete(s3, {**upload, "Key": "other"}, [one]))).code == "NoSuchUpload"
    await complete(s3, upload, [one], MpuObjectSize=1000)


@pytest.mark.parametrize("number", [0, -1, 10_001])
async def test_part_numbers(s3, upload, number):
    with pytest.raises(AwsError) as refused:
        await s3("ListParts", **upload, PartNumber=number)
    assert refused.value.code == "InvalidArgument"


@pytest.mark.parametrize(
    ("algorithm", "wanted", "kind"),
    [
        ("CRC32", None, "COMPOSITE"),
        ("CRC32C", "FULL_OBJECT", "FULL_OBJECT"),
        ("CRC64NVME", None, "FULL_OBJECT"),
        ("SHA1", None, "COMPOSITE"),
        ("SHA256", "COMPOSITE", "COMPOSITE"),
    ],
)
async def test_checksums_of_the_whole(s3, bucket, algorithm, wanted, kind):
    chosen = {"ChecksumAlgorithm": algorithm} | ({"ChecksumType": wanted} if wanted else {})
    made = await s3("CreateMultipartUpload", Bucket=bucket, Key="k", **chosen)
    assert (made["ChecksumAlgorithm"], made["ChecksumType"]) == (algorithm, kind)
    upload = {"Bucket": bucket, "Key": "k", "UploadId": made["UploadId"]}
    assert "mismatch" in (await refusal(s3("UploadPart", **upload, PartNumber=1, Body=LAST))).message
    name = f"Checksum{algorithm}"
    first = await send(s3, upload, 1, FIRST, **{name: checksum(algorithm, FIRST)})
    last = await send(s3, upload, 2, LAST, **{name: checksum(algorithm, LAST)})
    if kind == "COMPOSITE":
        bare = {member: value for member, value in first.items() if member != name}
        assert "must include the checksum" in (await refusal(complete(s3, upload, [bare, last]))).message
        of_parts = b64decode(checksum(algorithm, FIRST)) + b64decode(checksum(algorithm, LAST))
        expected = f"{checksum(algorithm, of_parts)}-2"
    else:
        expected = checksum(algorithm, FIRST + LAST)
    done = await complete(s3, upload, [first, last], **{name: expected})
    assert (done[name], done["ChecksumType"]) == (expected, kind)
    attributes = await s3(
        "GetObjectAttributes", Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts", "ObjectSize"]
    )
    assert attributes["Checksum"][name] == expected
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert attributes["ObjectSize"] == 5 * MB + 1000


@pytest.mark.parametrize(
    "choice", [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE"), (None, "COMPOSITE"), ("CRC7", None)]
)
async def test_combinations_that_do_not_exist(s3, bucket, choice):
    chosen = {name: value for name, value in zip(("ChecksumAlgorithm", "ChecksumType"), choice, strict=True) if value}
    assert (await refusal(s3("CreateMultipartUpload", Bucket=bucket, Key="k", **chosen))).code == "InvalidRequest"


async def test_parts_are_listed_in_pages(s3, upload):
    for number in (3, 1, 2):
        await send(s3, upload, number, b"%d" % number)
    page = await s3("ListParts", **upload, MaxParts=2)
    assert [(part["PartNumber"], part["Size"]) for part in page["Parts"]] == [(1, 1), (2, 1)]
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 2)
    page = await s3("ListParts", **upload, PartNumberMarker=2)
    assert [part["PartNumber"] for part in page["Parts"]] == [3]
    assert page["IsTruncated"] is False


@pytest.mark.parametrize("params", [{"PartNumberMarker": "x"}, {"PartNumberMarker": "-1"}, {"MaxParts": -1}])
async def test_pages_that_are_none(s3, upload, params):
    assert (await refusal(s3("ListParts", **upload, **params))).code == "InvalidArgument"


async def test_uploads_are_listed_in_pages_with_common_prefixes(s3, bucket):
    for key in ("a", "a", "p/1", "p/2", "z"):
        await s3("CreateMultipartUpload", Bucket=bucket, Key=key)
    seen, prefixes, marker = [], [], {}
    while True:
        page = await s3("ListMultipartUploads", Bucket=bucket, Delimiter="/", MaxUploads=1, **marker)
        seen += [one["Key"] for one in page["Uploads"]]
        prefixes += [one["Prefix"] for one in page["CommonPrefixes"]]
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert (seen, prefixes) == (["a", "a", "z"], ["p/"])
    page = await s3("ListMultipartUploads", Bucket=bucket, Prefix="p/")
    assert [one["Key"] for one in page["Uploads"]] == ["p/1", "p/2"]


async def test_a_part_copied_from_an_object(s3, upload):
    await s3("PutObject", Bucket="shelf", Key="source", Body=FIRST + LAST)
    copied = await s3(
        "UploadPartCopy", **upload, PartNumber=1, CopySource="shelf/source", CopySourceRange=f"bytes=1-{5 * MB}"
    )
    etag = copied["CopyPartResult"]["ETag"]
    await complete(s3, upload, [{"PartNumber": 1, "ETag": etag}])
    assert await s3.bytes_of(Bucket="shelf", Key="k") == (FIRST + LAST)[1 : 5 * MB + 1]
