"""The region whose data are reached is the one that was signed for, however a request tries to say another."""

import json
from typing import Any

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stratus.door.door import Door
from stratus.door.regions import Regions
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
    """Signed in the query by someone who holds a key, with a parameter of their own under the signature."""
    keys = Credentials(iam.administrator.access_key_id, iam.administrator.secret_access_key)
    request = AWSRequest("POST", f"http://localhost/?{extra}", headers=dict([TARGET]))
    SigV4QueryAuth(keys, "dynamodb", region).add_auth(request)
    query = request.url.partition("?")[2]
    return Request("POST", "/", query, Headers([("host", "localhost"), TARGET, JSON]), BytesBody(b""))


@pytest.mark.parametrize("region", ["eu-central-1", "us-west-2"])
async def test_given_a_region_signed_for_then_its_data_are_reached(iam, door, admin, client_of, region):
    client = client_of(admin.credentials, region=region)
    response = await door(client.signed("dynamodb", body=b"{}", headers=dict([TARGET, JSON])))
    assert (response.status, json.loads(response.body)) == (200, {"TableNames": [region, region]})


@pytest.mark.parametrize("other", ["us-west-2", "eu-central-1", "nowhere"])
async def test_given_a_second_credential_in_disguise_then_no_other_regions_data_are_reached(iam, door, other):
    scope = f"AKIA%2F20260101%2F{other}%2Fdynamodb%2Faws4_request"
    for extra in (f"X%2DAmz-Credential={scope}", f"X-Amz%2dCredential={scope}"):
        response = await door(presigned(iam, "eu-central-1", extra))
        if response.status == 200:
            assert json.loads(response.body) == {"TableNames": ["eu-central-1", "eu-central-1"]}
        else:
            assert response.status in (400, 403)
