"""Each rule of docs/aws-limits.md: broken, Stratus and cfn-lint refuse it at the same place; kept, neither does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stratus.template import sam, source
from stratus.template.errors import UnusableTemplate
from stratus.template.limits import LIMITS
from stratus.template.plan import Stack, prepare
from tests.template.test_classes import tool

ROOT = Path(__file__).parents[2]
STACK = Stack("app", "arn:aws:cloudformation:eu-central-1:123456789012:stack/app/1", "eu-central-1", "123456789012")

KEPT = """AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
        - {AttributeName: sk, AttributeType: S}
        - {AttributeName: other, AttributeType: S}
      KeySchema:
        - {AttributeName: pk, KeyType: HASH}
        - {AttributeName: sk, KeyType: RANGE}
      LocalSecondaryIndexes:
        - IndexName: one
          KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: other, KeyType: RANGE}]
          Projection: {ProjectionType: INCLUDE, NonKeyAttributes: [a]}
      GlobalSecondaryIndexes:
        - IndexName: two
          KeySchema: [{AttributeName: other, KeyType: HASH}]
          Projection:
            ProjectionType: INCLUDE
            NonKeyAttributes: [NAMES]
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Federated: cognito-identity.amazonaws.com}
            Action: sts:AssumeRoleWithWebIdentity
            Condition: {StringEquals: {"cognito-identity.amazonaws.com:aud": "eu-central-1:1"}}
  Pool:
    Type: AWS::Cognito::UserPool
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      UsernameAttributes: [email]
      UserPoolTier: LITE
  Client:
    Type: AWS::Cognito::UserPoolClient
    Properties:
      UserPoolId: !Ref Pool
      TokenValidityUnits: {IdToken: minutes, AccessToken: minutes, RefreshToken: days}
      IdTokenValidity: 15
      RefreshTokenValidity: 30
  Function:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: index.handler, InlineCode: "def handler(event, context): pass"}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: api
      GatewayResponses:
        DEFAULT_4XX: {StatusCode: 400}
      DefinitionBody:
        openapi: 3.0.1
        info: {title: t, version: "1"}
        paths:
          /a/{x}:
            get:
              responses: {}
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                timeoutInMillis: 29000
                uri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"
        components:
          schemas:
            Model:
              type: object
              properties: {if: {type: number, minimum: 1, exclusiveMinimum: true}}
""".replace("NAMES", ", ".join(f"n{index}" for index in range(99)))

BROKEN = [
    ("E9001", "openapi: 3.0.1", "openapi: 3.1.0"),
    ("E9002", "            Model:", "            My-Model:"),
    ("E9002", "properties: {if:", "const: {if:"),
    ("E9002", "exclusiveMinimum: true", "exclusiveMinimum: 3"),
    ("E9003", "/a/{x}:", "/a{x}:"),
    ("E9004", "timeoutInMillis: 29000", "timeoutInMillis: 29001"),
    ("E9005", "DEFAULT_4XX:", "DEFAULT_9XX:"),
    (
        "E9011",
        "KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: other",
        "KeySchema: [{AttributeName: other, KeyType: HASH}, {AttributeName: sk",
    ),
    ("E9012", "NonKeyAttributes: [n0,", "NonKeyAttributes: [extra, n0,"),
    ("E9021", "UserPoolTier: LITE", "AliasAttributes: [email]"),
    ("E9022", "IdTokenValidity: 15", "IdTokenValidity: 4"),
    ("E9022", "RefreshTokenValidity: 30", "RefreshTokenValidity: 3651"),
    ("E9031", "cognito-identity.amazonaws.com:aud", "cognito-identity.amazonaws.com:amr"),
    ("E9031", "Condition: {StringEquals:", "Condition: {StringNotEquals:"),
]


def refused(text: str, file: Path) -> list[str]:
    """The places and messages with which Stratus refuses a template."""
    file.write_text(text)
    written = source.load(file)
    translated, errors = sam.translate(written.content, {}, "eu-central-1")
    assert errors == []
    try:
        prepare(written, translated, {}, STACK)
    except UnusableTemplate as error:
        return error.lines
    return []


def linted(files: list[Path]) -> dict[str, list[tuple[str, str, str]]]:
    """What cfn-lint with our rules has against each file: (rule, line:column, message)."""
    command = [
        str(Path(sys.executable).parent / "cfn-lint"),
        "-a",
        str(ROOT / "tools" / "cfn_lint_rules"),
        "--format",
        "json",
    ]
    answer = subprocess.run([*command, "-t", *map(str, files)], capture_output=True, text=True, check=False, cwd=ROOT)
    found: dict[str, list[tuple[str, str, str]]] = {}
    for each in json.loads(answer.stdout):
        start = each["Location"]["Start"]
        place = f"{start['LineNumber']}:{start['ColumnNumber']}"
        found.setdefault(Path(each["Filename"]).name, []).append((each["Rule"]["Id"], place, each["Message"]))
    return found


def test_every_rule_is_broken_below():
    assert {rule for rule, _, _ in BROKEN} == {limit.id for limit in LIMITS}


def test_what_keeps_them_all_is_taken(tmp_path):
    assert refused(KEPT, tmp_path / "template.yaml") == []


@pytest.mark.parametrize(("rule", "kept", "broken"), BROKEN)
def test_what_breaks_one_is_refused_at_its_line(tmp_path, rule, kept, broken):
    assert kept in KEPT
    text = KEPT.replace(kept, broken)
    changed = next(number for number, line in enumerate(text.splitlines(), 1) if broken in line)

    lines = refused(text, tmp_path / "template.yaml")

    assert len(lines) == 1
    line = int(lines[0].split("template.yaml:")[1].split(":")[0])
    assert changed - 3 <= line <= changed, lines


def test_cfn_lint_says_the_same_at_the_same_place(tmp_path):
    files = [tmp_path / f"{index}.yaml" for index in range(len(BROKEN))]
    places = {}
    for file, (_, kept, broken) in zip(files, BROKEN, strict=True):
        [line] = refused(KEPT.replace(kept, broken), file)
        places[file.name] = line
    kept = tmp_path / "kept.yaml"
    kept.write_text(KEPT)

    found = linted([kept, *files])

    assert "kept.yaml" not in found
    for file, (rule, _, _) in zip(files, BROKEN, strict=True):
        ours = [each for each in found[file.name] if each[0].startswith("E90")]
        assert [each[0] for each in ours] == [rule], f"only our rules know this: {found[file.name]}"
        assert f"{file.name}:{ours[0][1]}: " in places[file.name]
        assert places[file.name].endswith(ours[0][2])


def test_the_document_is_that_of_the_rules():
    document = tool("limits_document")
    assert document.FILE.read_text(encoding="utf-8") == document.document(), "run tools/limits_document.py"
