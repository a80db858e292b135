"""S3 over HTTP, 16 raw connections: put and get of 10 KB."""

import os
from collections.abc import Iterator

from bench.driver import measure
from bench.load import Outcome
from bench.requests import signed
from bench.servers import Server

BUCKET = "bench-objects"
KEYS = 500
COUNT = 10_000


def prepare(server: Server) -> None:
    more = {} if server.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": server.region}}
    server.client("s3").create_bucket(Bucket=BUCKET, **more)


def operations(server: Server) -> Iterator[tuple[str, Outcome]]:
    body = os.urandom(10_240)
    for name, method, sent in (("put 10 KB", "PUT", body), ("get 10 KB", "GET", b"")):
        requests = [
            signed(
                method,
                f"{server.url}{BUCKET}/object-{number}",
                sent,
                {},
                service="s3",
                region=server.region,
                credentials=server.credentials,
            )
            for number in range(KEYS)
        ]
        yield name, measure(server, requests, COUNT)
