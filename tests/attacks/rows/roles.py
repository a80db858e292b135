"""Roles, trust and policies"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.attacks.function_code import zipped
from tests.attacks.table import attack
from tests.attacks.world import LAMBDA_TRUST, World, allow, deny, policy

DENIED = "403 AccessDenied"


def _trusts(*principals: str, **more: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole", **more}],
    }


def _arn(world: World, keys: dict[str, str]) -> str:
    return str(world.cloud.client("sts", keys).get_caller_identity()["Arn"])


def _assume(world: World, keys: dict[str, str], role: str, **more: Any) -> Any:
    return world.cloud.client("sts", keys).assume_role(RoleArn=role, RoleSessionName="mallory", **more)


@attack(DENIED)
def role_that_trusts_another(world: World) -> Any:
    """Assumes a role that trusts somebody else."""
    other, mallory = world.user(), world.user(allow("sts:*"))
    return _assume(world, mallory, world.role(_trusts(_arn(world, other))))


@attack(DENIED)
def trust_with_a_condition(world: World) -> Any:
    """Assumes a role whose trust asks for an external id, with a wrong one."""
    mallory = world.user(allow("sts:*"))
    trust = _trusts(_arn(world, mallory), Condition={"StringEquals": {"sts:ExternalId": "right"}})
    return _assume(world, mallory, world.role(trust), ExternalId="wrong")


@attack(DENIED)
def trust_with_a_condition_unmet(world: World) -> Any:
    """Assumes a role whose trust asks for an external id, without one."""
    mallory = world.user(allow("sts:*"))
    trust = _trusts(_arn(world, mallory), Condition={"StringEquals": {"sts:ExternalId": "right"}})
    return _assume(world, mallory, world.role(trust))


@attack(DENIED)
def trust_that_denies(world: World) -> Any:
    """Assumes a role whose trust allows the account and denies them."""
    mallory = world.user(allow("sts:*"))
    trust = _trusts(f"arn:aws:iam::{world.account}:root")
    trust["Statement"].append(
        {"Effect": "Deny", "Principal": {"AWS": _arn(world, mallory)}, "Action": "sts:AssumeRole"}
    )
    return _assume(world, mallory, world.role(trust))


@attack(DENIED)
def role_of_a_service(world: World) -> Any:
    """Assumes a role that trusts Lambda."""
    return _assume(world, world.user(allow("sts:*")), world.role(LAMBDA_TRUST))


@attack(DENIED)
def role_that_does_not_exist(world: World) -> Any:
    """Assumes a role that does not exist; the answer is that of one that does."""
    return _assume(world, world.user(allow("sts:*")), f"arn:aws:iam::{world.account}:role/nothing")


@attack(DENIED)
def signed_in_user_takes_a_role(world: World) -> Any:
    """Assumes the writing function's role with the credentials of a signed-in user."""
    role = world.admin("lambda").get_function_configuration(FunctionName="todolist-write")["Role"]
    return _assume(world, world.stranger.credentials, role)


@attack(
    {
        "dynamodb": "400 AccessDeniedException",
        "lambda": "403 AccessDeniedException",
        "iam": "403 AccessDenied",
        "logs": "400 AccessDeniedException",
        "cognito-idp": "400 AccessDeniedException",
        "cognito-identity": "400 AccessDeniedException",
        "apigateway": "403 AccessDeniedException",
        "s3": "403 AccessDenied",
    }
)
def signed_in_user_at(world: World, service: str) -> Any:
    """Calls {} with the credentials of a signed-in user, which are for their own folder."""
    from tests.attacks.rows.signatures import CALLS

    operation, params = CALLS[service]
    return getattr(world.cloud.client(service, world.stranger.credentials), operation)(**params)


@attack("403 AccessDeniedException")
def signed_in_user_invokes(world: World) -> Any:
    """Invokes the writing function past the API, with an event that says they are the owner."""
    event = {"httpMethod": "GET", "resource": "/todos", "requestContext": {"authorizer": {"claims": {"sub": "x"}}}}
    client = world.cloud.client("lambda", world.stranger.credentials)
    return client.invoke(FunctionName="todolist-write", Payload=json.dumps(event).encode())


@attack(DENIED)
def session_policy_widens(world: World) -> Any:
    """Gives their session a policy that allows more than the role has."""
    mallory = world.user(allow("sts:AssumeRole"))
    role = world.role(_trusts(_arn(world, mallory)), allow("s3:ListBucket", f"arn:aws:s3:::{world.bucket}"))
    issued = _assume(world, mallory, role, Policy=policy(allow("*")))["Credentials"]
    return world.as_session("s3", issued).get_object(Bucket=world.bucket, Key=world.treasure.key)


@attack(DENIED)
def session_policy_narrows(world: World) -> Any:
    """Does what the role allows and the session policy does not."""
    mallory = world.user(allow("sts:AssumeRole"))
    role = world.role(_trusts(_arn(world, mallory)), allow("s3:*"))
    issued = _assume(world, mallory, role, Policy=policy(allow("s3:ListAllMyBuckets")))["Credentials"]
    assert world.as_session("s3", issued).list_buckets()["Buckets"]
    return world.as_session("s3", issued).get_object(Bucket=world.bucket, Key=world.treasure.key)


@attack("400 ValidationError")
def chained_for_long(world: World) -> Any:
    """Makes a session out of a session that shall last longer than an hour."""
    issued, second = _chain(world)
    return world.as_session("sts", issued).assume_role(RoleArn=second, RoleSessionName="second", DurationSeconds=7200)


@attack(DENIED)
def chained_keeps_no_permission(world: World) -> Any:
    """Uses a permission of the first role in a chain after assuming the second."""
    issued, second = _chain(world)
    chained = world.as_session("sts", issued).assume_role(RoleArn=second, RoleSessionName="second")["Credentials"]
    assert world.as_session("s3", issued).get_object(Bucket=world.bucket, Key=world.treasure.key)
    return world.as_session("s3", chained).get_object(Bucket=world.bucket, Key=world.treasure.key)


def _chain(world: World) -> tuple[Any, str]:
    """The credentials of a role that may read, and a second role that trusts it and may do nothing."""
    mallory = world.user(allow("sts:AssumeRole"))
    first = world.role(_trusts(_arn(world, mallory)), allow(["sts:AssumeRole", "s3:GetObject"]))
    second = world.role(_trusts(first))
    world.admin("iam").update_role(RoleName=second.rpartition("/")[2], MaxSessionDuration=43_200)
    return _assume(world, mallory, first)["Credentials"], second


@attack("403 AccessDeniedException")
def passes_a_role(world: World) -> Any:
    """Makes a function run with a role that they may not pass."""
    mallory = world.user(allow("lambda:*"))
    return _create(world, mallory, world.role(LAMBDA_TRUST, allow("*")))


@attack("403 AccessDeniedException")
def passes_a_role_to_another_service(world: World) -> Any:
    """Makes a function run with a role that they may pass to another service only."""
    to_cognito = {"StringEquals": {"iam:PassedToService": "cognito-identity.amazonaws.com"}}
    mallory = world.user(allow("lambda:*"), allow("iam:PassRole", Condition=to_cognito))
    return _create(world, mallory, world.role(LAMBDA_TRUST, allow("*")))


@attack("400 InvalidParameterValueException")
def passes_a_role_that_is_not_lambdas(world: World) -> Any:
    """Makes a function run with a role that does not trust Lambda."""
    mallory = world.user(allow(["lambda:*", "iam:PassRole"]))
    return _create(world, mallory, world.role(_trusts(_arn(world, mallory)), allow("*")))


def _create(world: World, keys: dict[str, str], role: str) -> Any:
    return world.cloud.client("lambda", keys).create_function(
        FunctionName=world.name("mallory"),
        Runtime="python3.13",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": zipped("def handler(event, context): return 1")},
    )


@attack("403 AccessDeniedException")
def changes_a_functions_role(world: World) -> Any:
    """Gives a function that they may change a stronger role, which they may not pass."""
    function = world.function("def handler(event, context): return 1")
    mallory = world.user(allow("lambda:*"))
    role = world.role(LAMBDA_TRUST, allow("*"))
    return world.cloud.client("lambda", mallory).update_function_configuration(FunctionName=function, Role=role)


@attack("400 AccessDeniedException")
def identity_pool_given_a_role(world: World) -> Any:
    """Gives signed-in users the administrator's powers, without being allowed to pass that role."""
    mallory = world.user(allow("cognito-identity:*"))
    role = world.role(LAMBDA_TRUST, allow("*"))
    pool = world.todolist.outputs["IdentityPoolId"]
    return world.cloud.client("cognito-identity", mallory).set_identity_pool_roles(
        IdentityPoolId=pool, Roles={"authenticated": role}
    )


@attack(DENIED)
def deny_beats_allow(world: World) -> Any:
    """Reads a file with one policy that allows everything and one that denies this."""
    mallory = world.user(allow("*"), deny("s3:GetObject", f"arn:aws:s3:::{world.bucket}/private/*"))
    return world.cloud.client("s3", mallory).get_object(Bucket=world.bucket, Key=world.treasure.key)


@attack(DENIED)
def action_in_other_letters(world: World) -> Any:
    """Reads a file although `S3:getobject` is denied, in other letters."""
    mallory = world.user(allow("*"), deny("S3:getobject"))
    return world.cloud.client("s3", mallory).get_object(Bucket=world.bucket, Key=world.treasure.key)


@attack(DENIED)
def own_policy(world: World) -> Any:
    """Writes themselves a policy."""
    mallory = world.user(allow("s3:*"))
    name = world.user_name(mallory)
    return world.cloud.client("iam", mallory).put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=policy(allow("*"))
    )


@attack(DENIED)
def key_for_another(world: World) -> Any:
    """Makes an access key for the administrator."""
    return world.cloud.client("iam", world.user(allow("s3:*"))).create_access_key(UserName="admin")


@contextmanager
def _without_permission(world: World, function: str) -> Iterator[None]:
    """While the permission to invoke the function is removed."""
    client = world.admin("lambda")
    (statement,) = json.loads(client.get_policy(FunctionName=function)["Policy"])["Statement"]
    client.remove_permission(FunctionName=function, StatementId=statement["Sid"])
    try:
        yield
    finally:
        client.add_permission(
            FunctionName=function,
            StatementId=statement["Sid"],
            Action=statement["Action"],
            Principal=statement["Principal"]["Service"],
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
            SourceAccount=statement["Condition"]["StringEquals"]["AWS:SourceAccount"],
        )


@attack("500 failure")
def permission_removed(world: World) -> Any:
    """Calls the API while API Gateway may not invoke its function any more."""
    with _without_permission(world, "todolist-read"):
        return world.stranger.api.get("/lists")


@contextmanager
def _without_policy(world: World, function: str) -> Iterator[None]:
    """While the role of the function has no policy."""
    iam = world.admin("iam")
    role = world.admin("lambda").get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


@attack("500 failure")
def role_policy_removed(world: World) -> Any:
    """Calls the API while its function's role may not read the table any more: at once, not when its session ends."""
    assert world.stranger.api.get("/lists").status_code == 200
    with _without_policy(world, "todolist-read"):
        answer = world.stranger.api.get("/lists")
    assert world.stranger.api.get("/lists").status_code == 200
    return answer


@attack("400 UnexpectedLambdaException")
def sign_up_without_its_check(world: World) -> Any:
    """Signs up while Cognito may not invoke the function that checks sign-ups: nobody is let in unchecked."""
    with _without_permission(world, "todolist-pre-sign-up"):
        return world.todolist.idp.sign_up(
            ClientId=world.todolist.outputs["UserPoolClientId"],
            Username=f"{world.name('x')}@example.org",
            Password="Aa1!Aa1!Aa1!x",
        )


@attack(DENIED)
def session_outlives_its_role(world: World) -> Any:
    """Uses a session whose role lost its policy meanwhile."""
    mallory = world.user(allow("sts:AssumeRole"))
    role = world.role(_trusts(_arn(world, mallory)), allow("s3:GetObject"))
    issued = _assume(world, mallory, role)["Credentials"]
    assert world.as_session("s3", issued).get_object(Bucket=world.bucket, Key=world.treasure.key)
    world.admin("iam").delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="own")
    return world.as_session("s3", issued).get_object(Bucket=world.bucket, Key=world.treasure.key)


@attack("403 InvalidClientTokenId")
def session_of_a_deleted_role(world: World) -> Any:
    """Uses a session whose role was deleted meanwhile."""
    mallory = world.user(allow("sts:AssumeRole"))
    role = world.role(_trusts(_arn(world, mallory)))
    issued = _assume(world, mallory, role)["Credentials"]
    world.admin("iam").delete_role(RoleName=role.rpartition("/")[2])
    return world.as_session("sts", issued).get_caller_identity()


@attack("400 MalformedPolicyDocument")
def policy_that_is_none(world: World) -> Any:
    """Gives a role a trust policy that a careless reader would take as allowing everybody."""
    return world.admin("iam").create_role(
        RoleName=world.name("role"), AssumeRolePolicyDocument='{"Statement":[{"Effect":"Allow","Action":"*"}]}'
    )


@attack("400 AccessDeniedException")
def leading_key_of_another(world: World) -> Any:
    """Reads another's partition of a table with a policy that allows their own (`dynamodb:LeadingKeys`)."""
    table = world.todolist.outputs["TableName"]
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
    mallory = world.user(allow("dynamodb:GetItem", Condition=own))
    key = {"pk": {"S": f"someone-{time.time_ns()}"}, "sk": {"S": "x"}}
    return world.cloud.client("dynamodb", mallory).get_item(TableName=table, Key=key)


@attack("403 MissingAuthenticationToken")
def role_that_trusts_everybody_unsigned(world: World) -> Any:
    """Assumes a role that trusts everybody (`*`) without a signature."""
    role = world.role(_trusts("*"))
    return world.unsigned("sts").assume_role(RoleArn=role, RoleSessionName="mallory")


def _described(integration: dict[str, Any]) -> bytes:
    """A REST API with one method."""
    method = {"x-amazon-apigateway-integration": {"httpMethod": "POST", **integration}}
    paths = {"/": {"get": method}}
    return json.dumps({"openapi": "3.0.1", "info": {"title": "mallory", "version": "1"}, "paths": paths}).encode()


def _function_uri(world: World, function: str) -> str:
    arn = f"arn:aws:lambda:{world.region}:{world.account}:function:{function}"
    return f"arn:aws:apigateway:{world.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


@attack("400 BadRequestException")
def api_to_the_metadata_service(world: World) -> Any:
    """Makes an API whose method asks the cloud's metadata service in the gateway's name."""
    integration = {"type": "http_proxy", "uri": "http://169.254.169.254/latest/meta-data/"}
    return world.admin("apigateway").import_rest_api(body=_described(integration))


@attack("400 BadRequestException")
def api_passes_a_role(world: World) -> Any:
    """Makes an API that invokes functions with a role that they may not pass: roles of integrations are refused by name."""
    mallory = world.user(allow("apigateway:*"))
    role = world.role(LAMBDA_TRUST, allow("*"))
    integration = {"type": "aws_proxy", "uri": _function_uri(world, "todolist-write"), "credentials": role}
    return world.cloud.client("apigateway", mallory).import_rest_api(body=_described(integration))


@attack("500 InternalServerErrorException")
def api_to_a_function_of_another(world: World) -> Any:
    """Makes an API whose open method runs the application's writing function, which has not permitted it."""
    gateway, cloud = world.admin("apigateway"), world.cloud.cloud
    integration = {"type": "aws_proxy", "uri": _function_uri(world, "todolist-write")}
    made = gateway.import_rest_api(body=_described(integration))["id"]
    gateway.create_deployment(restApiId=made, stageName="v1")
    port = cloud.addresses.port_of("execute-api", world.region, made)
    world.cloud.run(cloud.open_apis())
    answer = httpx.get(f"http://localhost:{port}/v1/")
    gateway.delete_rest_api(restApiId=made)
    cloud.addresses.release("execute-api", world.region, made)
    world.cloud.run(cloud.open_apis())
    return answer
