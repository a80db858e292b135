"""Ready-made HTTP requests, signed once: inside their fifteen minutes they may be sent again and again."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signed(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    service: str,
    region: str,
    credentials: Credentials,
) -> bytes:
    """The bytes of one request as they go over the wire."""
    request = AWSRequest(method, url, data=body, headers=dict(headers))
    (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, region).add_auth(request)
    return raw(method, url, body, {name: str(value) for name, value in request.headers.items()})


def raw(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    host, _, path = url.partition("://")[2].partition("/")
    lines = [f"{method} /{path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in ("host", "content-length")]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def to_file(requests: Iterable[bytes]) -> Path:
    """A file as `bench.load` reads it."""
    with tempfile.NamedTemporaryFile("wb", suffix=".requests", delete=False) as file:
        for request in requests:
            file.write(b"%d\n" % len(request))
            file.write(request)
    return Path(file.name)
