"""API Gateway among its real neighbours: boto3 through the door, IAM's signatures and policies, CloudWatch Logs."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.cloud_under_test import CloudUnderTest

REGION = "eu-west-1"
MOCK = {
    "x-amazon-apigateway-integration": {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": '{"ok":true}'}}},
    }
}


@dataclass
class Deployed:
    cloud: CloudUnderTest
    id: str
    url: str
    log_group: str

    def signed(self, path: str, credentials: Credentials) -> httpx.Response:
        request = AWSRequest("GET", self.url + path)
        SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        return httpx.get(self.url + path, headers=dict(request.headers.items()))

    def user(self, policy: dict[str, Any] | None) -> Credentials:
        iam, name = self.cloud.client("iam"), f"u{uuid.uuid4().hex}"
        iam.create_user(UserName=name)
        if policy is not None:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def deploy(cloud: CloudUnderTest, **more: Any) -> Deployed:
    gateway, group = cloud.client("apigateway"), f"/access/{uuid.uuid4()}"
    cloud.client("logs").create_log_group(logGroupName=group)
    schemes = {
        "AWS_IAM": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        }
    }
    document = {
        "openapi": "3.0.1",
        "info": {"title": "x", "version": "1"},
        "paths": {"/open": {"get": MOCK}, "/signed/{id}": {"get": MOCK | {"security": [{"AWS_IAM": []}]}}},
        "components": {"securitySchemes": schemes},
        **more,
    }
    api = gateway.import_rest_api(
        body=json.dumps(document).encode(), parameters={"endpointConfigurationTypes": "REGIONAL"}
    )
    deployment = gateway.create_deployment(restApiId=api["id"])
    gateway.create_stage(restApiId=api["id"], stageName="api", deploymentId=deployment["id"])
    patches = {
        "/accessLogSettings/destinationArn": f"arn:aws:logs:{REGION}:{cloud.cloud.account}:log-group:{group}",
        "/accessLogSettings/format": "$context.status $context.resourcePath $context.identity.userArn",
        "/~1signed~1{id}/GET/throttling/rateLimit": "100",
    }
    operations = [{"op": "replace", "path": path, "value": value} for path, value in patches.items()]
    gateway.update_stage(restApiId=api["id"], stageName="api", patchOperations=operations)
    port = cloud.cloud.addresses.port_of("execute-api", REGION, api["id"])
    cloud.run(cloud.cloud.open_apis())
    return Deployed(cloud, api["id"], f"http://127.0.0.1:{port}/api", group)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudUnderTest]:
    """A cloud of our own: addresses are few, and APIs made by hand keep theirs."""
    running = CloudUnderTest(tmp_path_factory.mktemp("gateway"), regions=(REGION,)).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(cloud: CloudUnderTest) -> Deployed:
    return deploy(cloud)


def invoke_policy(api: Deployed, effect: str, path: str) -> dict[str, Any]:
    resource = f"arn:aws:execute-api:{REGION}:{api.cloud.cloud.account}:{api.id}/api/GET/{path}"
    return {"Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}]}


def test_a_signature_of_somebody_allowed_gets_in(api: Deployed) -> None:
    ann = api.user(invoke_policy(api, "Allow", "signed/1*"))
    assert api.signed("/signed/1", ann).json() == {"ok": True}
    assert api.signed("/signed/12?a=b", ann).status_code == 200
    refused = api.signed("/signed/2", ann)
    assert refused.status_code == 403
    assert "is not authorized to perform: execute-api:Invoke on resource" in refused.json()["message"]


@pytest.mark.parametrize(
    ("attack", "kind"),
    [
        ("unsigned", "MissingAuthenticationTokenException"),
        ("wrong secret", "InvalidSignatureException"),
        ("unknown key", "UnrecognizedClientException"),
        ("nobody's policy", "AccessDeniedException"),
        ("signed for s3", "InvalidSignatureException"),
    ],
)
def test_others_stay_out(api: Deployed, attack: str, kind: str) -> None:
    user = api.user(invoke_policy(api, "Allow", "*"))
    if attack == "unsigned":
        answer = httpx.get(api.url + "/signed/1")
    elif attack == "wrong secret":
        answer = api.signed("/signed/1", Credentials(user.access_key, "wrong"))
    elif attack == "unknown key":
        answer = api.signed("/signed/1", Credentials("AKIAIOSFODNN7EXAMPLE", "test"))
    elif attack == "nobody's policy":
        answer = api.signed("/signed/1", api.user(None))
    else:
        request = AWSRequest("GET", api.url + "/signed/1")
        SigV4Auth(user, "s3", REGION).add_auth(request)
        answer = httpx.get(api.url + "/signed/1", headers=dict(request.headers.items()))
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"] == kind


def test_access_logs_stand_in_the_log_group(api: Deployed) -> None:
    httpx.get(api.url + "/open")
    httpx.get(api.url + "/nope")
    gateway = api.cloud.cloud.service("apigateway")
    api.cloud.run(gateway.live(api.id)["api"].close())  # type: ignore[attr-defined] # it is the gateway
    events = api.cloud.client("logs").filter_log_events(logGroupName=api.log_group)["events"]
    lines = [event["message"] for event in events]
    assert "200 /open -" in lines
    assert "403 - -" in lines


def test_a_resource_policy_that_denies_shuts_everybody_out(cloud: CloudUnderTest) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    closed = deploy(cloud, **{"x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": [statement]}})
    answer = httpx.get(closed.url + "/open")
    assert answer.status_code == 403
    assert "explicit deny" in answer.json()["message"]


def test_the_control_plane_is_closed_to_who_has_no_policy(api: Deployed) -> None:
    user = api.user(None)
    keys = {"aws_access_key_id": user.access_key, "aws_secret_access_key": user.secret_key}
    with pytest.raises(ClientError) as refused:
        api.cloud.client("apigateway", keys).get_rest_apis()
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


@pytest.mark.parametrize("operation", ["get_api_keys", "get_domain_names", "get_usage_plans", "get_vpc_links"])
def test_what_is_not_done_is_refused_by_name(api: Deployed, operation: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(api.cloud.client("apigateway"), operation)()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "apigateway" in refused.value.response["Error"]["Message"]
