"""The template: what AWS would take, what the issue asks for, and that nothing has drifted from the code."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator
from openapi_spec_validator import validate

from contract import __main__ as contract
from contract import openapi, schemas
from todolist.api import read, write
from todolist.api.routes import ROUTES

APP = Path(__file__).parent.parent


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


# -- the contract


def test_the_contract_is_as_the_code_is():
    drifted = [path.name for path, text in contract.files().items() if path.read_text() != text]
    assert drifted == [], "run: python -m contract"


def test_both_documents_are_valid_openapi():
    validate(json.loads(json.dumps(openapi.published())))
    validate(json.loads(json.dumps(openapi.gateway())))


def test_the_gateways_models_are_draft_4_and_take_what_the_rules_take():
    gateway = openapi.gateway()["components"]["schemas"]
    for schema in gateway.values():
        Draft4Validator.check_schema(schema)
    todo = Draft4Validator(gateway["NewTodo"])
    good = [
        {"title": "x"},
        {"title": "x", "due": None, "notes": None, "recurrence": None, "parentId": None, "position": None, "id": None},
        {
            "title": "牛奶",
            "due": "2026-11-23T09:00+01:00[Europe/Berlin]",
            "recurrence": "RRULE:FREQ=DAILY",
            "tags": ["a"],
        },
    ]
    bad = [
        {},
        {"title": ""},
        {"title": 1},
        {"title": "x", "priority": 4},
        {"title": "x", "more": 1},
        {"title": "x", "due": "soon"},
    ]
    assert all(todo.is_valid(body) for body in good)
    assert not any(todo.is_valid(body) for body in bad)
    assert '"null"' not in json.dumps(gateway)


def test_every_route_has_its_code_and_all_code_its_route():
    served = {"Read": set(read.OPERATIONS), "Write": set(write.OPERATIONS)}
    for function, operations in served.items():
        assert operations == {name for name, route in ROUTES.items() if route.function == function}


def test_every_parameter_that_code_reads_is_declared():
    declared = {name for route in ROUTES.values() for name in route.query}
    assert declared == set(openapi.QUERY)
    texts = {
        node.value
        for path in (APP / "todolist" / "api").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert declared <= texts
    assert {name.lower() for route in ROUTES.values() for name in route.headers} <= texts


def test_answers_are_as_published():
    answers = schemas.answers()
    models = {model for route in ROUTES.values() for model in route.answers.values()} - {"", "Export"}
    assert models <= set(answers)


# -- what AWS makes of it (cfn-lint runs in test_alone.py)


def test_it_has_no_yaml_aliases():
    """CloudFormation's own YAML knows none."""
    events = yaml.parse((APP / "template.yaml").read_text())
    assert not any(type(event).__name__ == "AliasEvent" for event in events)


def test_sam_transforms_it_and_every_method_asks_who_is_there(template, monkeypatch):
    from samtranslator.translator.transform import transform

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    whole = json.loads(json.dumps(template))
    whole["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    managed = type("Loader", (), {"load": lambda self: {}})()
    transformed = transform(whole, {}, managed)["Resources"]
    (body,) = (
        each["Properties"]["Body"] for each in transformed.values() if each["Type"] == "AWS::ApiGateway::RestApi"
    )
    assert body["openapi"] == "3.0.1"
    operations = [operation for path in body["paths"].values() for operation in path.values()]
    assert len(operations) == len(ROUTES)
    assert all(operation["security"] == [{"SignedInUser": []}] for operation in operations)
    assert body["x-amazon-apigateway-request-validator"] == "everything"
    for response in body["x-amazon-apigateway-gateway-responses"].values():
        text = response["responseTemplates"]["application/json"].replace("$context.error.messageString", '"x"')
        assert json.loads(text)["detail"]
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"


def test_every_answer_of_the_gateway_itself_is_foreseen(template):
    responses = template["Resources"]["Api"]["Properties"]["GatewayResponses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(responses)
    foreseen = {(name, response["StatusCode"]) for name, response in responses.items() if "StatusCode" in response}
    assert foreseen == {
        ("BAD_REQUEST_BODY", 400),
        ("BAD_REQUEST_PARAMETERS", 400),
        ("UNAUTHORIZED", 401),
        ("EXPIRED_TOKEN", 401),
        ("ACCESS_DENIED", 403),
        ("MISSING_AUTHENTICATION_TOKEN", 404),  # what API Gateway calls an unknown route
        ("RESOURCE_NOT_FOUND", 404),
        ("REQUEST_TOO_LARGE", 413),
        ("UNSUPPORTED_MEDIA_TYPE", 415),
        ("THROTTLED", 429),
        ("INTEGRATION_TIMEOUT", 504),
    }


def test_the_access_log_is_json_without_what_a_client_may_write(template):
    log = json.loads(template["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"])
    assert {"requestId", "time", "sub", "ip", "method", "path", "status", "latency", "errorType"} <= set(log)
    assert log["path"] == "$context.resourcePath"  # ids are nobody's business there
    assert not {"$context.path", "$context.identity.userAgent"} & set(log.values())  # they could break the line's JSON


# -- what must never be loosened


def test_a_signed_in_user_reaches_their_own_folder_and_nothing_else(template):
    role = template["Resources"]["AuthenticatedRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": {"Ref": "IdentityPool"}},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
        },
    }
    (policy,) = role["Policies"]
    files, listing = policy["PolicyDocument"]["Statement"]
    assert files["Action"] == ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
    assert files["Resource"] == {"Fn::Sub": "${FilesBucket.Arn}/private/${!cognito-identity.amazonaws.com:sub}/*"}
    assert listing["Action"] == "s3:ListBucket"
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "private/${cognito-identity.amazonaws.com:sub}/*"}}


def test_what_holds_data_is_kept(template):
    kept = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool", "AWS::Cognito::IdentityPool"}
    for name, resource in template["Resources"].items():
        if resource["Type"] in kept:
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain"), name
    assert template["Resources"]["Table"]["Properties"]["DeletionProtectionEnabled"] is True
    assert template["Resources"]["UserPool"]["Properties"]["DeletionProtection"] == "ACTIVE"


def test_sign_in_is_by_srp_and_short(template):
    client = template["Resources"]["UserPoolClient"]["Properties"]
    assert set(client["ExplicitAuthFlows"]) == {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    assert (client["IdTokenValidity"], client["TokenValidityUnits"]["IdToken"]) == (15, "minutes")
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    pool = template["Resources"]["IdentityPool"]["Properties"]
    assert pool["AllowUnauthenticatedIdentities"] is False
    assert pool["CognitoIdentityProviders"][0]["ServerSideTokenCheck"] is True


def test_plain_http_is_refused_unless_one_machine_says_otherwise(template):
    assert template["Parameters"]["RequireTls"]["Default"] == "true"
    assert template["Resources"]["FilesBucketPolicy"]["Condition"] == "TlsRequired"
    overrides = json.loads((APP / "parameters" / "one-machine.json").read_text())["Parameters"]
    assert overrides["RequireTls"] == "false"
    assert set(overrides) <= set(template["Parameters"])


def test_each_function_has_its_own_role_logs_and_alarm(template):
    functions = of_type(template, "AWS::Serverless::Function")
    roles = [function["Properties"]["Role"]["Fn::GetAtt"] for function in functions.values()]
    logs = [function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for function in functions.values()]
    assert len(set(roles)) == len(set(logs)) == len(functions)
    for name in logs:
        assert template["Resources"][name]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    watched = [
        alarm["Properties"]["Dimensions"][0]["Value"] for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
    ]
    assert all({"Ref": name} in watched for name in functions)


@pytest.mark.parametrize("name", ["Read", "Write", "Cleanup", "Erase", "PreSignUp"])
def test_the_handler_is_there(template, name):
    module, function = template["Resources"][f"{name}Function"]["Properties"]["Handler"].rsplit(".", 1)
    assert callable(getattr(__import__(module, fromlist=[function]), function))


def test_roles_name_their_actions_and_resources(template):
    """No wildcard in an action; a wildcard alone as resource only where AWS knows no other."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert not any("*" in action for action in actions), name
                if statement["Resource"] == "*":
                    assert actions == ["cognito-identity:DeleteIdentities"]


# -- layers


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_rules_know_no_aws_no_http_no_clock_and_no_chance():
    forbidden = {"boto3", "botocore", "pydynox", "random", "secrets", "time", "os", "urllib", "http", "socket"}
    for path in [*(APP / "todolist" / "rules").glob("*.py"), APP / "todolist" / "problems.py"]:
        for name in imports(path):
            assert name.split(".")[0] not in forbidden, (path.name, name)
            assert not name.startswith(("todolist.api", "todolist.store", "todolist.jobs")), (path.name, name)
        text = path.read_text()
        assert not any(call in text for call in (".now(", ".today(", "uuid4", "uuid1", "urandom")), path.name


def test_the_store_knows_no_routes_and_nothing_knows_the_machine_it_runs_on():
    for path in [*(APP / "todolist").rglob("*.py"), *(APP / "contract").glob("*.py")]:
        assert not any(name.split(".")[0] == "stratus" for name in imports(path)), path
    for path in (APP / "todolist" / "store").glob("*.py"):
        assert not any(name.startswith(("todolist.api", "todolist.jobs")) for name in imports(path)), path


def test_reads_load_neither_pydantic_nor_boto3():
    code = (
        "import sys, todolist.api.read; print(sorted({'pydantic', 'boto3', 'botocore', 'dateutil'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=APP, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
    code = "import sys, todolist.api.write; print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], cwd=APP, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
