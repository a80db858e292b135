"""An account with IAM and STS alone, behind the real door, for boto3 clients without a network between."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from joserfc import jwt
from joserfc.jwk import RSAKey

from stratus.clock import ManualClock
from stratus.door.door import Door
from stratus.door.regions import Regions
from stratus.iam.credentials import Credentials
from stratus.iam.gate import Iam
from stratus.service import Surroundings
from stratus.services.iam.service import IamService
from stratus.services.sts.service import StsService
from stratus.wire.message import BytesBody, Headers, Request

REGION = "eu-central-1"
ISSUER = "https://cognito-identity.amazonaws.com"


class Issuer:
    """An identity pool's keys, and tokens made with them."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, parameters={"kid": "1", "alg": "RS256", "use": "sig"})

    def public_keys(self, issuer: str) -> Mapping[str, Any] | None:
        return {"keys": [self.key.as_dict(private=False)]} if issuer == ISSUER else None

    def token(self, now: float, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        content = {
            "iss": ISSUER,
            "aud": "eu-central-1:pool",
            "sub": "eu-central-1:identity",
            "amr": ["authenticated"],
            "iat": int(now),
            "exp": int(now) + 600,
        } | claims
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "1"} | (header or {}), content, key or self.key)


class AccountUnderTest:
    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self.folder = folder
        self.clock = ManualClock(time.time())
        self.issuer = Issuer()
        self.open()

    def open(self) -> None:
        self.iam = self._runner.run(Iam.open(self.folder, self.clock))
        regions = Regions([REGION])
        surroundings = Surroundings(REGION, self.iam.account, self.folder, self.clock, _NOBODY, _NOBODY)
        regions.add(REGION, IamService(surroundings, self.iam))
        regions.add(REGION, StsService(surroundings, self.iam, self.issuer))
        self.door = Door(self.iam, regions, self.clock)

    def close(self) -> None:
        self._runner.run(self.iam.close())

    def reopen(self) -> None:
        self.close()
        self.open()

    def stop(self) -> None:
        self.close()
        self._runner.close()

    def call(self, principal: Any, service: str, operation: str, params: dict[str, Any], **options: Any) -> Any:
        """As a service calls, inside the process."""
        return self._runner.run(self.door.call(principal, REGION, service, operation, params, **options))

    def arn(self, rest: str) -> str:
        return f"arn:aws:iam::{self.iam.account}:{rest}"

    def client(self, service: str, keys: Credentials | Mapping[str, Any] | None = None) -> Any:
        """A boto3 client of the administrator, or with `keys` (also as STS and CreateAccessKey answer them)."""
        keys = keys or self.iam.administrator
        if isinstance(keys, Mapping):
            keys = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken"))
        client = boto3.client(
            service,
            region_name=REGION,
            endpoint_url="http://localhost:4566",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        headers = [(k, v.decode() if isinstance(v, bytes) else v) for k, v in request.headers.items()]
        if "host" not in request.headers:
            headers.append(("host", url.netloc))
        body = request.body or b""
        received = Request(
            request.method,
            url.path or "/",
            url.query,
            Headers(headers),
            BytesBody(body.encode() if isinstance(body, str) else body),
        )
        response = self._runner.run(self.door(received))
        assert isinstance(response.body, bytes)
        return AWSResponse(request.url, response.status, dict(response.headers), _Raw(response.body))


class _Raw:
    """A body as urllib3 hands it over."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        yield self._body


_NOBODY: Any = None
"""IAM and STS call no other service and have no addresses."""
