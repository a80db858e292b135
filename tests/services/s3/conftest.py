"""A region's S3 in this process: `await s3("PutObject", Bucket=..., ...)` runs the access rule, then the handler."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from stratus.clock import ManualClock
from stratus.iam.principal import Kind, Principal
from stratus.service import Access, Call, Surroundings
from stratus.services.s3 import S3, BucketDirectory
from stratus.wire.errors import AwsError
from stratus.wire.message import Request

ACCOUNT = "123456789012"
ADMIN = Principal(
    Kind.USER, f"arn:aws:iam::{ACCOUNT}:user/admin", ACCOUNT, identity=f"arn:aws:iam::{ACCOUNT}:user/admin"
)


class Here:
    endpoint = "http://localhost:4566"

    def localise(self, text: str) -> str:
        return text


class NoCaller:
    async def call(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise AssertionError("S3 calls no other service")


class Harness:
    """Calls operations as the door does; `denied` decides what the caller is not allowed."""

    def __init__(self, directory: Path, region: str = "us-east-1", buckets: BucketDirectory | None = None) -> None:
        self.directory = directory
        self.region = region
        self.clock = ManualClock()
        self.principal = ADMIN
        self.denied: Callable[[Access], bool] = lambda access: False
        self.asked: list[Access] = []
        self.buckets = buckets or BucketDirectory()
        directory.mkdir(exist_ok=True)
        self.service = self._new_service()

    async def __call__(self, operation: str, request: Request | None = None, **params: Any) -> Any:
        call = Call(
            "s3",
            operation,
            params,
            self.principal,
            self.region,
            ACCOUNT,
            "request",
            self.clock.now(),
            request,
            {},
            self._allows,
        )
        found = self.service.operations[operation]
        assert found.access is not None
        self.asked = list(found.access(self.service, call))
        for access in self.asked:
            if self.denied(access):
                raise AwsError("AccessDenied", f"not authorized to perform {access.action}", 403)
        return await found.handler(self.service, call)

    async def bytes_of(self, **params: Any) -> bytes:
        return await read((await self("GetObject", **params))["Body"])

    async def restart(self) -> None:
        await self.service.stop()
        self.buckets = BucketDirectory()
        self.service = self._new_service()
        await self.service.start()

    def files(self) -> list[Path]:
        return [path for path in (self.directory / "objects").rglob("*") if path.is_file()]

    def _allows(self, access: Access) -> bool:
        return not self.denied(access)

    def _new_service(self) -> S3:
        surroundings = Surroundings(self.region, ACCOUNT, self.directory, self.clock, NoCaller(), Here())
        return S3(surroundings, self.buckets)


async def read(body: Any) -> bytes:
    return body if isinstance(body, bytes) else b"".join([piece async for piece in body])


@pytest.fixture
async def s3(tmp_path: Path) -> AsyncIterator[Harness]:
    harness = Harness(tmp_path / "s3")
    await harness.service.start()
    yield harness
    await harness.service.stop()


@pytest.fixture
async def bucket(s3: Harness) -> str:
    await s3("CreateBucket", Bucket="shelf")
    return "shelf"


async def error_of(call: Any) -> AwsError | None:
    """What a call is refused with, or None when it succeeds."""
    try:
        await call
    except AwsError as error:
        return error
    return None


async def code_of(call: Any) -> str | None:
    error = await error_of(call)
    return error.code if error else None
