"""Killed at any moment, S3 has each write that it acknowledged, whole, and nothing half."""

import asyncio
import hashlib
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from stratus.services.s3 import versions
from stratus.storage import objects
from stratus.storage.durable import sync_directory

from .conftest import Harness

WRITER = """
import asyncio, hashlib, importlib.util, os, sys
from pathlib import Path

spec = importlib.util.spec_from_file_location("harness", sys.argv[1])
harness = importlib.util.module_from_spec(spec)
spec.loader.exec_module(harness)

def data(worker, count):
    size = [10, 10_000, 66_000, 700_000][count % 4]
    return f"{worker} {count} ".encode().ljust(size, b".")

async def work(s3, worker):
    for count in range(10_000):
        key, body = f"{worker}/{count % 20}", data(worker, count)
        if count % 5 == 4:
            upload = (await s3("CreateMultipartUpload", Bucket="shelf", Key=key))["UploadId"]
            part = await s3("UploadPart", Bucket="shelf", Key=key, UploadId=upload, PartNumber=1, Body=body)
            parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
            await s3("CompleteMultipartUpload", Bucket="shelf", Key=key, UploadId=upload, MultipartUpload=parts)
        elif count % 7 == 6:
            await s3("DeleteObject", Bucket="shelf", Key=key)
            body = b""
        else:
            await s3("PutObject", Bucket="shelf", Key=key, Body=body)
        os.write(1, f"{key} {count} {hashlib.sha256(body).hexdigest() if body else '-'}\\n".encode())

async def main():
    s3 = harness.Harness(Path(sys.argv[2]))
    await s3.service.start()
    if not s3.buckets.find("shelf"):
        await s3("CreateBucket", Bucket="shelf")
    os.write(1, b"ready\\n")
    await asyncio.gather(*(work(s3, worker) for worker in range(4)))

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(6))
async def test_sigkill(tmp_path: Path, seed: int) -> None:
    """Each kill happens after a random number of acknowledged writes; the next run starts on what the last one left."""
    chance = random.Random(seed)
    for _ in range(2):
        acknowledged = await killed_after(tmp_path, chance.randrange(1, 150))
        await check(tmp_path, acknowledged)


async def test_bytes_are_on_disk_before_their_row_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = Harness(tmp_path / "s3")
    await s3.service.start()
    await s3("CreateBucket", Bucket="shelf")
    happened: list[str] = []
    write = s3.service.database.write

    async def note_write(work: Any, **options: Any) -> Any:
        happened.append("row")
        return await write(work, **options)

    monkeypatch.setattr(objects, "sync", lambda fd: (happened.append("bytes"), os.fsync(fd)))
    monkeypatch.setattr(objects, "sync_directory", lambda path: (happened.append("name"), sync_directory(path)))
    monkeypatch.setattr(s3.service.database, "write", note_write)
    await s3("PutObject", Bucket="shelf", Key="k", Body=b"x" * 100_000)
    assert happened == ["bytes", "name", "row"]
    await s3.service.stop()


async def killed_after(folder: Path, writes: int) -> dict[str, str]:
    """The last acknowledged state of each key when the writer was killed."""
    here = Path(__file__).with_name("conftest.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(here), str(folder / "s3"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    lines = [await process.stdout.readline() for _ in range(writes)]
    os.kill(process.pid, signal.SIGKILL)
    lines += [line for line in (await process.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    await process.wait()
    return {line.split()[0].decode(): line.split()[2].decode() for line in lines}


async def check(folder: Path, acknowledged: dict[str, str]) -> None:
    s3 = Harness(folder / "s3")
    await s3.service.start()
    listed = (await s3("ListObjectsV2", Bucket="shelf"))["Contents"]
    whole = {}
    for one in listed:
        data = await s3.bytes_of(Bucket="shelf", Key=one["Key"])
        assert len(data) == one["Size"]
        worker = one["Key"].partition("/")[0]
        assert data.startswith(f"{worker} ".encode())
        assert data.rstrip(b".").count(b".") == 0  # one write, whole, not parts of two
        whole[one["Key"]] = data
    for worker in range(4):
        pending = [key for key in acknowledged if key.startswith(f"{worker}/")]
        changed = [key for key in pending if acknowledged[key] != sha256(whole.get(key))]
        assert len(changed) <= 1, "only the write that was under way may be newer than what was acknowledged"
    await s3.service.sweep()
    await s3.service.stop()
    names = [path.name for path in s3.files()]
    s3 = Harness(folder / "s3")
    assert versions.recorded_files(s3.service.database.reader, names) == set(names)
    await s3.service.stop()


def sha256(data: bytes | None) -> str:
    return hashlib.sha256(data).hexdigest() if data else "-"


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
async def test_a_caller_that_goes_away_leaves_all_or_nothing(tmp_path: Path, turns: int) -> None:
    s3 = Harness(tmp_path / "s3")
    await s3.service.start()
    await s3("CreateBucket", Bucket="shelf")
    await s3("PutObject", Bucket="shelf", Key="k", Body=b"a" * 100_000)
    put = asyncio.ensure_future(s3("PutObject", Bucket="shelf", Key="k", Body=b"b" * 100_000))
    for _ in range(turns):
        await asyncio.sleep(0)
    put.cancel()
    await asyncio.wait([put])
    await s3.restart()
    assert await s3.bytes_of(Bucket="shelf", Key="k") in (b"a" * 100_000, b"b" * 100_000)
    await s3.restart()
    assert len(s3.files()) == 1
    await s3.service.stop()
