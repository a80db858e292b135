"""An object of five gigabytes goes in and out in bounded memory."""

import hashlib
import io
import os
import random
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.cloud_under_test import free_ports
from tests.durability.stratus_process import StratusProcess

BUCKET = "large"
PIECE = random.Random(5).randbytes(1024 * 1024)


class Pattern(io.RawIOBase):
    """`size` bytes that are never all in memory here either."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._at
        size = left if size < 0 else min(size, left)
        start = self._at % len(PIECE)
        data = (PIECE[start:] + PIECE)[:size]
        self._at += len(data)
        return data


def digest(size: int) -> str:
    pattern, total = Pattern(size), hashlib.sha256()
    while data := pattern.read(len(PIECE)):
        total.update(data)
    return total.hexdigest()


def memory(pid: int) -> float:
    """The most resident memory that the process ever had, in megabytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(200_000_000, id="200 MB"),
        pytest.param(5_000_000_000, id="5 GB", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)
def test_it_streams(tmp_path: Path, size: int) -> None:
    with StratusProcess(tmp_path / "data", free_ports(20)) as server:
        server.start()
        server.stop()
        server.start()  # without what the first start alone needs: the template translator
        s3 = client(server)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": server.ready["region"]})
        before = memory(server.pid)
        s3.put_object(Bucket=BUCKET, Key="k", Body=Pattern(size))
        body, seen = s3.get_object(Bucket=BUCKET, Key="k")["Body"], hashlib.sha256()
        for piece in body.iter_chunks(len(PIECE)):
            seen.update(piece)
        after = memory(server.pid)
        server.stop()
    print(f"{size:,} bytes in and out: {before:.0f} MB before, {after:.0f} MB at most")
    assert seen.hexdigest() == digest(size)
    assert after - before < 20
    assert after < 120


def client(server: StratusProcess) -> Any:
    """Over HTTPS, where boto3 streams with a trailing checksum instead of reading everything twice."""
    admin = server.ready["admin"]
    return boto3.client(
        "s3",
        endpoint_url=server.ready["endpoint"],
        verify=server.ready["ca"],
        region_name=server.ready["region"],
        aws_access_key_id=admin["access_key_id"],
        aws_secret_access_key=admin["secret_access_key"],
        config=Config(read_timeout=600, retries={"total_max_attempts": 1}),
    )
