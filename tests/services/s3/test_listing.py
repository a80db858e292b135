"""Listings: every page of every kind, against listing all keys and rolling them up in a loop."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stratus.services.s3.listing import CommonPrefix, walk
from stratus.services.s3.versions import by_id
from stratus.wire.errors import AwsError

from .conftest import Harness

TEXT = st.text(alphabet="ab/\x01~é\U0010ffff", min_size=1, max_size=6)


def rolled_up(keys, prefix, delimiter):
    """What a listing shows, naively: keys and common prefixes in the order of their bytes."""
    entries = []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix):
            continue
        position = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if position < 0 else key[: position + len(delimiter)] + "\0prefix"
        if entry not in entries:
            entries.append(entry)
    return entries


async def pages(s3, operation, **params):
    """All entries, page by page, as the SDK's paginators go on."""
    entries, sizes = [], []
    while True:
        page = await s3(operation, **params)
        found = [one["Key"] for one in page["Contents"]] + [
            one["Prefix"] + "\0prefix" for one in page["CommonPrefixes"]
        ]
        entries += sorted(found, key=lambda one: one.removesuffix("\0prefix").encode())
        sizes.append(len(found))
        if not page["IsTruncated"]:
            return entries, sizes
        if operation == "ListObjectsV2":
            params["ContinuationToken"] = page["NextContinuationToken"]
        else:
            params["Marker"] = page.get("NextMarker") or found[-1]


@settings(max_examples=60, deadline=None)
@given(
    st.sets(TEXT, max_size=12),
    st.text(alphabet="ab/é", max_size=2),
    st.sampled_from(["", "/", "b", "/a", "é"]),
    st.integers(1, 4),
)
@example({"\U0010ffff", "\U0010ffff/a"}, "", "/", 1)
def test_pages_of_any_size_show_each_entry_once_in_order(keys, prefix, delimiter, size):
    async def check():
        with TemporaryDirectory() as folder:
            s3 = Harness(Path(folder) / "s3")
            await s3.service.start()
            await s3("CreateBucket", Bucket="shelf")
            for key in keys:
                await s3("PutObject", Bucket="shelf", Key=key, Body=b"")
            asked = {"Bucket": "shelf", "MaxKeys": size} | ({"Prefix": prefix} if prefix else {})
            asked |= {"Delimiter": delimiter} if delimiter else {}
            expected = rolled_up(keys, prefix, delimiter)
            for operation in ("ListObjectsV2", "ListObjects"):
                entries, sizes = await pages(s3, operation, **asked)
                assert entries == expected
                assert all(one == size for one in sizes[:-1])
            await s3.service.stop()

    asyncio.run(check())


async def test_start_after_and_continuation(s3, bucket):
    for key in "abcd":
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"")
    page = await s3("ListObjectsV2", Bucket=bucket, StartAfter="a", MaxKeys=2)
    assert [one["Key"] for one in page["Contents"]] == ["b", "c"]
    assert page["KeyCount"] == 2
    rest = await s3("ListObjectsV2", Bucket=bucket, StartAfter="a", ContinuationToken=page["NextContinuationToken"])
    assert [one["Key"] for one in rest["Contents"]] == ["d"]


async def test_no_keys_asked_for_is_no_truncated_page(s3, bucket):
    await s3("PutObject", Bucket=bucket, Key="a", Body=b"")
    page = await s3("ListObjectsV2", Bucket=bucket, MaxKeys=0)
    assert (page["IsTruncated"], page["KeyCount"]) == (False, 0)


@pytest.mark.parametrize(
    "params",
    [
        {"MaxKeys": -1},
        {"EncodingType": "base64"},
        {"ContinuationToken": "x"},
        {"ContinuationToken": "é"},
        {"Prefix": "\udc80"},
    ],
)
async def test_what_a_listing_does_not_take(s3, bucket, params):
    with pytest.raises(AwsError) as refused:
        await s3("ListObjectsV2", Bucket=bucket, **params)
    assert refused.value.code == "InvalidArgument"


async def test_url_encoding_carries_what_xml_cannot(s3, bucket):
    keys = ["a b", "a+b", "line\nbreak", "\x01", "ü/*~", "%41"]
    for key in keys:
        await s3("PutObject", Bucket=bucket, Key=key, Body=b"")
    page = await s3("ListObjectsV2", Bucket=bucket, EncodingType="url")
    assert all(one["Key"].isascii() and one["Key"].isprintable() for one in page["Contents"])
    assert {unquote_plus(one["Key"]) for one in page["Contents"]} == set(keys)
    assert next(one["Key"] for one in page["Contents"] if one["Key"].startswith("%C3")) == "%C3%BC/*%7E"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["a", "a/b", "a/c", "b"]), max_size=10), st.sampled_from(["", "/"]), st.integers(1, 4))
def test_pages_of_versions_show_each_version_once_newest_first(keys, delimiter, size):
    async def check():
        with TemporaryDirectory() as folder:
            s3 = Harness(Path(folder) / "s3")
            await s3.service.start()
            await s3("CreateBucket", Bucket="shelf")
            await s3("PutBucketVersioning", Bucket="shelf", VersioningConfiguration={"Status": "Enabled"})
            made = {}
            for key in keys:
                made.setdefault(key, []).insert(
                    0, (await s3("PutObject", Bucket="shelf", Key=key, Body=b""))["VersionId"]
                )
            asked = {"Bucket": "shelf", "MaxKeys": size} | ({"Delimiter": delimiter} if delimiter else {})
            found, prefixes = {}, []
            while True:
                page = await s3("ListObjectVersions", **asked)
                for one in page["Versions"]:
                    found.setdefault(one["Key"], []).append(one["VersionId"])
                prefixes += [one["Prefix"] for one in page["CommonPrefixes"]]
                if not page["IsTruncated"]:
                    break
                asked |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker")}
            assert found == {key: ids for key, ids in made.items() if not delimiter or "/" not in key}
            assert prefixes == (["a/"] if delimiter and any("/" in key for key in keys) else [])
            await s3.service.stop()

    asyncio.run(check())


async def test_versions_can_be_deleted_page_by_page(s3, bucket):
    await s3("PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(7):
        await s3("PutObject", Bucket=bucket, Key="k", Body=b"")
    marker: dict[str, str] = {}
    while True:
        page = await s3("ListObjectVersions", Bucket=bucket, MaxKeys=3, **marker)
        for one in page["Versions"]:
            await s3("DeleteObject", Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    await s3("DeleteBucket", Bucket=bucket)


async def steps_of(s3, rows, work):
    """How far SQLite goes, in hundreds of instructions, for `work` on a bucket that holds `rows`."""

    def fill(connection):
        connection.executemany("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    await s3.service.database.write(fill)
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    reader = s3.service.database.reader
    reader.set_progress_handler(count, 100)
    result = work(reader)
    reader.set_progress_handler(None, 0)
    return result, steps


async def test_a_common_prefix_costs_one_seek_however_many_keys_it_stands_for(s3, bucket):
    rows = [(1, b"p/%05d" % n, n, "null", 1, 0, 0, 0, "", b"{}", None, None) for n in range(20_000)]
    found, steps = await steps_of(s3, rows, lambda reader: list(walk(reader, 1, b"", b"/", None)))
    assert found == [CommonPrefix(b"p/")]
    assert steps < 100


async def test_versions_that_are_not_current_cost_a_listing_and_a_version_nothing(s3, bucket):
    last = 20_000
    rows = [(1, b"k", n, f"v{n}", n == last, 0, 0, 0, "", b"{}", None, None) for n in range(1, last + 1)]
    found, steps = await steps_of(s3, rows, lambda reader: list(walk(reader, 1, b"", b"", None)))
    assert [(one.key, one.id) for one in found] == [(b"k", f"v{last}")]
    assert steps < 10
    one, steps = await steps_of(s3, [], lambda reader: by_id(reader, 1, b"k", "v1"))
    assert one.id == "v1"
    assert steps < 10
