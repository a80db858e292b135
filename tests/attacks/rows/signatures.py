"""The AWS endpoint: who signs with what

Each service words a refusal in its own way, so the rows that everybody must refuse are there for each. `tests/iam/test_attacks.py` has every
way to spoil a signature, per family of services.
"""

import json
from typing import Any

import httpx
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.attacks.clocks import wrong_clock
from tests.attacks.table import attack
from tests.attacks.world import World

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "sts": ("get_caller_identity", {}),
    "iam": ("list_users", {}),
    "s3": ("list_buckets", {}),
    "dynamodb": ("list_tables", {}),
    "cognito-idp": ("list_user_pools", {"MaxResults": 1}),
    "cognito-identity": ("list_identity_pools", {"MaxResults": 1}),
    "lambda": ("list_functions", {}),
    "logs": ("describe_log_groups", {}),
    "apigateway": ("get_account", {}),
}
JSON = ("dynamodb", "cognito-idp", "cognito-identity", "logs")


def _by_family(json_code: str, query_code: str, s3: str) -> dict[str, str]:
    """What each service says: JSON services with 400, REST-JSON with 403, query with 403."""
    words = dict.fromkeys(JSON, f"400 {json_code}")
    words |= dict.fromkeys(("lambda", "apigateway"), f"403 {json_code}")
    words |= dict.fromkeys(("sts", "iam"), f"403 {query_code}")
    return words | {"s3": s3}


def _call(client: Any, service: str) -> Any:
    name, params = CALLS[service]
    return getattr(client, name)(**params)


@attack(
    dict.fromkeys(JSON, "400 MissingAuthenticationTokenException")
    | {"sts": "403 MissingAuthenticationToken", "iam": "400 InvalidAction", "s3": "403 AccessDenied"}
)
def unsigned(world: World, service: str) -> Any:
    """Calls {} without a signature."""
    return _call(world.unsigned(service), service)


@attack({"/2015-03-31/functions/": "404 NoSuchBucket", "/account": "404 NoSuchBucket"})
def unsigned_path(world: World, path: str) -> Any:
    """Asks for {}, a path of Lambda's or API Gateway's API, without a signature: unsigned, any path is S3's."""
    return httpx.get(world.endpoint + path)


@attack(_by_family("InvalidSignatureException", "SignatureDoesNotMatch", "403 SignatureDoesNotMatch"))
def wrong_secret(world: World, service: str) -> Any:
    """Calls {} with the administrator's key and a secret that is one character off."""
    keys = world.cloud.cloud.administrator
    secret = keys.secret_access_key[:-1] + ("A" if keys.secret_access_key[-1] != "A" else "B")
    forged = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": secret}
    return _call(world.cloud.client(service, forged), service)


@attack(_by_family("UnrecognizedClientException", "InvalidClientTokenId", "400 InvalidToken"))
def made_up_token(world: World, service: str) -> Any:
    """Calls {} with a session token of their own making."""
    return _call(world.cloud.client(service, {**world.stranger.credentials, "aws_session_token": "FwoGZXIv"}), service)


@attack(_by_family("UnrecognizedClientException", "InvalidClientTokenId", "400 InvalidToken"))
def token_of_another(world: World, service: str) -> Any:
    """Calls {} with their own key and the session token of another user."""
    mixed = {**world.stranger.credentials, "aws_session_token": world.owner.credentials["aws_session_token"]}
    return _call(world.cloud.client(service, mixed), service)


@attack(_by_family("ExpiredTokenException", "ExpiredToken", "400 ExpiredToken"))
def old_credentials(world: World, service: str) -> Any:
    """Calls {} with temporary credentials an hour after they were issued."""
    client = world.cloud.client(service, world.stranger.credentials)
    with world.later(3601):
        return _call(client, service)


@attack(
    dict.fromkeys(
        [
            "test/test",
            "AKIAIOSFODNN7EXAMPLE/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "000000000000/test",
            "admin/admin",
        ],
        "403 InvalidClientTokenId",
    )
)
def well_known_key(world: World, pair: str) -> Any:
    """Signs with {}, a key of documentation or of another emulator."""
    key, _, secret = pair.partition("/")
    forged = {"aws_access_key_id": key, "aws_secret_access_key": secret}
    return world.cloud.client("sts", forged).get_caller_identity()


@attack("403 InvalidClientTokenId")
def account_id_as_key(world: World) -> Any:
    """Signs with the account's id as key, which another emulator takes for root."""
    forged = {"aws_access_key_id": world.account, "aws_secret_access_key": "test"}
    return world.cloud.client("sts", forged).get_caller_identity()


def _post(world: World, headers: dict[str, str], body: bytes) -> httpx.Response:
    return httpx.post(f"{world.endpoint}/", headers=headers, content=body)


def _signed_for(world: World, service: str, target: str, body: bytes = b"{}", **more: str) -> dict[str, str]:
    headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.0", **more}
    request = AWSRequest("POST", f"{world.endpoint}/", headers=headers, data=body)
    SigV4Auth(world.admin_keys, service, world.region).add_auth(request)
    return dict(request.headers.items())


@attack("400 InvalidSignatureException")
def signed_for_another_service(world: World) -> Any:
    """Sends a request to DynamoDB that the administrator signed for CloudWatch Logs."""
    return _post(world, _signed_for(world, "logs", "DynamoDB_20120810.ListTables"), b"{}")


@attack("400 InvalidSignatureException")
def other_target_than_signed(world: World) -> Any:
    """Takes a signed ListTables and makes it a DeleteTable by its header."""
    headers = _signed_for(world, "dynamodb", "DynamoDB_20120810.ListTables")
    return _post(world, {**headers, "x-amz-target": "DynamoDB_20120810.DeleteTable"}, b"{}")


@attack("400 InvalidSignatureException")
def other_body_than_signed(world: World) -> Any:
    """Puts another body under the signature of a captured request."""
    headers = _signed_for(world, "dynamodb", "DynamoDB_20120810.DescribeTable", b'{"TableName":"a"}')
    return _post(world, headers, b'{"TableName":"b"}')


@attack("400 InvalidRegion")
def region_that_is_not_up(world: World) -> Any:
    """Signs for a region that is not up here."""
    request = AWSRequest(
        "POST", f"{world.endpoint}/", headers={"x-amz-target": "DynamoDB_20120810.ListTables"}, data=b"{}"
    )
    SigV4Auth(world.admin_keys, "dynamodb", "us-gov-west-1").add_auth(request)
    return _post(world, dict(request.headers.items()), b"{}")


@attack("400 InvalidRequest")
def signature_version_2(world: World) -> Any:
    """Signs as Signature Version 2 would."""
    key = world.admin_keys.access_key
    return httpx.get(
        f"{world.endpoint}/{world.bucket}", headers={"Authorization": f"AWS {key}:frJIUN8DYpKDtOLCwo//yllqDzg="}
    )


@attack("400 InvalidRequest")
def bearer_token_for_aws(world: World) -> Any:
    """Sends the user pool's token to S3 in place of a signature."""
    return httpx.get(
        world.url_of(world.treasure.key), headers={"Authorization": f"Bearer {world.owner.tokens['IdToken']}"}
    )


@attack("403 AccessDenied")
def header_outside_the_signature(world: World) -> Any:
    """Adds an `x-amz-` header, which would copy another's file, to a signed upload."""
    url = world.url_of(world.stranger.folder + "copy")
    request = AWSRequest("PUT", url, data=b"")
    S3SigV4Auth(world.keys_of(world.stranger), "s3", world.region).add_auth(request)
    headers = {**dict(request.headers.items()), "x-amz-copy-source": f"{world.bucket}/{world.treasure.key}"}
    return httpx.put(url, headers=headers, content=b"")


@attack("400 InvalidSignatureException")
def day_old_signature(world: World) -> Any:
    """Replays a request of yesterday."""
    request = AWSRequest(
        "POST", f"{world.endpoint}/", headers={"x-amz-target": "DynamoDB_20120810.ListTables"}, data=b"{}"
    )
    _sign_at(world.admin_keys, request, "dynamodb", world.region, days=-1)
    return _post(world, dict(request.headers.items()), b"{}")


@attack("400 InvalidSignatureException")
def signature_of_tomorrow(world: World) -> Any:
    """Signs a request for tomorrow, to keep it in store."""
    request = AWSRequest(
        "POST", f"{world.endpoint}/", headers={"x-amz-target": "DynamoDB_20120810.ListTables"}, data=b"{}"
    )
    _sign_at(world.admin_keys, request, "dynamodb", world.region, days=1)
    return _post(world, dict(request.headers.items()), b"{}")


def _sign_at(keys: Credentials, request: AWSRequest, service: str, region: str, *, days: int) -> None:
    """Signs with a clock that is wrong by `days`: the client's, as the age of signatures is wall time for the server."""
    with wrong_clock(days * 86_400):
        SigV4Auth(keys, service, region).add_auth(request)


@attack("404 NoSuchKey")
def control_signed_right(world: World) -> Any:
    """Nothing wrong, for comparison: the administrator asks for an object that is not there."""
    return world.admin("s3").get_object(Bucket=world.bucket, Key="not-there")


@attack("400 AccessDeniedException")
def user_without_policies(world: World) -> Any:
    """Reads the application's table with the key of a user who has no policy."""
    table = world.todolist.outputs["TableName"]
    return world.cloud.client("dynamodb", world.user()).scan(TableName=table)


@attack("403 InvalidClientTokenId")
def deleted_key(world: World) -> Any:
    """Signs with an access key that was deleted."""
    keys = world.user()
    name = world.user_name(keys)
    world.admin("iam").delete_access_key(UserName=name, AccessKeyId=keys["aws_access_key_id"])
    return world.cloud.client("sts", keys).get_caller_identity()


@attack("400 SerializationException")
def second_operation_in_the_body(world: World) -> Any:
    """Sends two JSON documents in one signed body."""
    body = b'{"TableName":"a"}{"TableName":"b"}'
    return _post(world, _signed_for(world, "dynamodb", "DynamoDB_20120810.DescribeTable", body), body)


@attack("400 UnknownOperationException")
def private_operation(world: World) -> Any:
    """Calls an operation that the API does not have, with the administrator's signature."""
    return _post(world, _signed_for(world, "dynamodb", "DynamoDB_20120810.__init__"), json.dumps({}).encode())
