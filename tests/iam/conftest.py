"""One account under test, and clients that sign with botocore's own signers."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import BaseSigner, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as ClientCredentials

from stratus.clock import ManualClock
from stratus.iam.credentials import Credentials
from stratus.iam.gate import Authenticated, Iam
from stratus.wire.message import BytesBody, Headers, Request

REGION = "eu-central-1"


@dataclass
class WallClock:
    """Real time (botocore signs with it), moved by `offset` seconds."""

    offset: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@dataclass
class Client:
    """A client that signs like the AWS SDK for Python."""

    credentials: Credentials
    region: str = REGION
    endpoint: str = "http://localhost:4566"
    signers: dict[str, type[BaseSigner]] = field(default_factory=lambda: {"s3": S3SigV4Auth})
    presigners: dict[str, type[BaseSigner]] = field(default_factory=lambda: {"s3": S3SigV4QueryAuth})

    def signed(
        self,
        service: str,
        method: str = "POST",
        path: str = "/",
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        signer: type[BaseSigner] | None = None,
    ) -> Request:
        request = AWSRequest(method, self.endpoint + path, headers=headers or {}, data=body)
        (signer or self.signers.get(service, SigV4Auth))(self._keys(), service, self.region).add_auth(request)
        return self._sent(request)

    def presigned(
        self,
        service: str,
        method: str = "GET",
        path: str = "/",
        expires: int = 600,
        headers: dict[str, str] | None = None,
    ) -> Request:
        request = AWSRequest(method, self.endpoint + path, headers=headers or {})
        signer = self.presigners.get(service, SigV4QueryAuth)
        signer(self._keys(), service, self.region, expires=expires).add_auth(request)
        return self._sent(request)

    def _keys(self) -> ClientCredentials:
        return ClientCredentials(
            self.credentials.access_key_id, self.credentials.secret_access_key, self.credentials.session_token
        )

    def _sent(self, request: AWSRequest) -> Request:
        prepared = request.prepare()
        url = urlsplit(prepared.url)
        headers = [(k, v.decode() if isinstance(v, bytes) else v) for k, v in request.headers.items()]
        return Request(
            prepared.method,
            url.path or "/",
            url.query,
            Headers([("host", url.netloc), *headers]),
            BytesBody(prepared.body or b""),
        )


@pytest.fixture
def wall() -> WallClock:
    return WallClock()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time.time())


@pytest.fixture
async def iam(tmp_path: Path, clock: ManualClock, wall: WallClock) -> AsyncIterator[Iam]:
    opened = await Iam.open(tmp_path / "iam", clock, wall_clock=wall)
    yield opened
    await opened.close()


@pytest.fixture
def admin(iam: Iam) -> Client:
    return Client(iam.administrator)


@pytest.fixture
def client_of() -> type[Client]:
    return Client


@pytest.fixture
def session(iam: Iam):
    """A session of a fresh role: `await session(seconds=3600)` gives its client."""

    async def begin(seconds: int = 3600, name: str = "reader", **options) -> Client:
        from stratus.iam.credentials import unique_id
        from stratus.iam.entities import Role

        role = iam.directory.role("Reader")
        if role is None:
            trust = '{"Version":"2012-10-17","Statement":[]}'
            role = Role(name="Reader", id=unique_id("AROA"), created=0.0, trust=trust)
            await iam.directory.save(role)
        credentials, _ = iam.sessions.begin(role, name, iam._clock.now(), seconds, **options)
        return Client(credentials)

    return begin


async def whole(authenticated: Authenticated) -> bytes:
    return b"".join([piece async for piece in authenticated.body])
