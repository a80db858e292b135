"""The region whose data are reached is the one that was signed for, however a request tries to say another."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from stratus.door.door import Door
from stratus.door.regions import Regions
from stratus.iam.sigv4.canonical import canonical_query, canonical_request
from stratus.iam.sigv4.verify import signing_key
from stratus.service import Access, Call, Service, operation
from stratus.wire.message import BytesBody, Headers, Request

TARGET = ("x-amz-target", "DynamoDB_20120810.ListTables")
JSON = ("content-type", "application/x-amz-json-1.0")


class Tables(Service):
    """Answers with the region whose data it holds, and the one that was authorised."""

    name = "dynamodb"

    def __init__(self, region: str) -> None:
        self.region = region

    @operation(
        "ListTables", lambda service, call: [Access("dynamodb:ListTables", f"arn:aws:dynamodb:{call.region}:1:*")]
    )
    async def list_tables(self, call: Call) -> dict[str, Any]:
        return {"TableNames": [self.region, call.region]}


@pytest.fixture
def door(iam, clock) -> Door:
    regions = Regions(["eu-central-1", "us-west-2"])
    for region in regions.names:
        regions.add(region, Tables(region))
    return Door(iam, regions, clock)


def presigned(iam, region: str, extra: str) -> Request:
    """Signed in the query, by hand, by someone who holds a key: with a parameter of their own under the signature."""
    keys = iam.administrator
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/{region}/dynamodb/aws4_request"
    credential = quote(f"{keys.access_key_id}/{scope}", safe="")
    query = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={now}&X-Amz-Expires=60"
        f"&X-Amz-SignedHeaders=host%3Bx-amz-target&{extra}"
    )
    canonical = canonical_request(
        "POST",
        "/",
        canonical_query(query),
        f"host:localhost\nx-amz-target:{TARGET[1]}\n",
        "host;x-amz-target",
        hashlib.sha256(b"{}").hexdigest(),
    )
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    key = signing_key(keys.secret_access_key, now[:8], region, "dynamodb")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers = Headers([("host", "localhost"), TARGET, JSON])
    return Request("POST", "/", f"{query}&X-Amz-Signature={signature}", headers, BytesBody(b"{}"))


@pytest.mark.parametrize("region", ["eu-central-1", "us-west-2"])
async def test_given_a_region_signed_for_then_its_data_are_reached(iam, door, admin, client_of, region):
    client = client_of(admin.credentials, region=region)
    response = await door(client.signed("dynamodb", body=b"{}", headers=dict([TARGET, JSON])))
    assert (response.status, json.loads(response.body)) == (200, {"TableNames": [region, region]})


async def test_given_a_query_signed_by_hand_then_its_regions_data_are_reached(iam, door):
    response = await door(presigned(iam, "us-west-2", "a=b"))
    assert json.loads(response.body) == {"TableNames": ["us-west-2", "us-west-2"]}


@pytest.mark.parametrize("other", ["us-west-2", "nowhere"])
@pytest.mark.parametrize("name", ["X%2DAmz-Credential", "X-Amz%2dCredential", "%58-Amz-Credential"])
async def test_given_a_second_credential_in_disguise_then_refused(iam, door, other, name):
    scope = f"AKIA%2F20260101%2F{other}%2Fdynamodb%2Faws4_request"
    response = await door(presigned(iam, "eu-central-1", f"{name}={scope}"))
    assert response.status in (400, 403)
