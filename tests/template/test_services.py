"""Every resource type made, changed, changed back and erased by the real services: they and the engine mean the same by each API call."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stratus.clock import ManualClock
from stratus.cloud import Cloud, Settings
from stratus.template.errors import DeploymentFailed
from stratus.template.stacks import Stacks
from stratus.wire.errors import AwsError

REGION = "eu-west-1"
TRUST = 'AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}'
GET = "get: {responses: {'200': {description: ok}}, x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{\"statusCode\": 200}'}, responses: {default: {statusCode: '200'}}}}"

FIRST = f"""
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{{AttributeName: pk, AttributeType: S}}, {{AttributeName: a, AttributeType: S}}]
      KeySchema: [{{AttributeName: pk, KeyType: HASH}}]
      GlobalSecondaryIndexes: [{{IndexName: by-a, KeySchema: [{{AttributeName: a, KeyType: HASH}}], Projection: {{ProjectionType: ALL}}}}]
      TimeToLiveSpecification: {{AttributeName: ttl, Enabled: true}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {{Status: Enabled}}
      PublicAccessBlockConfiguration: {{BlockPublicAcls: true, BlockPublicPolicy: true}}
      OwnershipControls: {{Rules: [{{ObjectOwnership: BucketOwnerEnforced}}]}}
      BucketEncryption: {{ServerSideEncryptionConfiguration: [{{ServerSideEncryptionByDefault: {{SSEAlgorithm: AES256}}, BucketKeyEnabled: false}}]}}
      CorsConfiguration: {{CorsRules: [{{AllowedOrigins: ["*"], AllowedMethods: [GET], ExposedHeaders: [ETag], MaxAge: 60, Id: one}}]}}
      LifecycleConfiguration:
        Rules:
          - {{Id: old, Status: Enabled, NoncurrentVersionExpiration: {{NoncurrentDays: 30}}, ExpiredObjectDeleteMarker: true}}
          - {{Status: Enabled, Prefix: tmp/, ExpirationInDays: 1, AbortIncompleteMultipartUpload: {{DaysAfterInitiation: 2}}}}
  BucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Deny, Principal: "*", Action: s3:PutObject, Resource: !Sub "${{Bucket.Arn}}/*", Condition: {{Bool: {{aws:SecureTransport: "false"}}}}}}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      {TRUST}
      Policies: [{{PolicyName: one, PolicyDocument: {{Version: "2012-10-17", Statement: [{{Effect: Allow, Action: s3:GetObject, Resource: "*"}}]}}}}]
      ManagedPolicyArns: [!Ref Managed]
      Tags: [{{Key: team, Value: red}}, {{Key: gone, Value: soon}}]
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {{Version: "2012-10-17", Statement: [{{Effect: Allow, Action: logs:PutLogEvents, Resource: "*"}}]}}
  Inline:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: inline
      Roles: [!Ref Role]
      PolicyDocument: {{Version: "2012-10-17", Statement: [{{Effect: Allow, Action: s3:PutObject, Resource: "*"}}]}}
  Logs: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: /mine, RetentionInDays: 7}}}}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Timeout: 10
      Code: {{ZipFile: "def handler(event, context): return 1"}}
      Environment: {{Variables: {{AA: "1"}}}}
      EphemeralStorage: {{Size: 600}}
      ReservedConcurrentExecutions: 2
      LoggingConfig: {{LogGroup: !Ref Logs}}
  Failed:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: {{FunctionName: !Ref Function, Qualifier: $LATEST, MaximumRetryAttempts: 1}}
  MayInvoke:
    Type: AWS::Lambda::Permission
    Properties: {{FunctionName: !Ref Function, Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, SourceAccount: !Ref AWS::AccountId}}
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Name: mine
      BinaryMediaTypes: [image/png]
      Body: {{openapi: 3.0.1, info: {{title: t, version: "1"}}, paths: {{/one: {{{GET}}}}}}}
  Deployment: {{Type: AWS::ApiGateway::Deployment, Properties: {{RestApiId: !Ref Api, Description: first}}}}
  Deployment1: {{Type: AWS::ApiGateway::Deployment, Properties: {{RestApiId: !Ref Api, StageName: extra}}}}
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Api
      DeploymentId: !Ref Deployment
      StageName: prod
      Variables: {{color: red}}
      AccessLogSetting: {{DestinationArn: !GetAtt Logs.Arn, Format: $context.requestId}}
      MethodSettings: [{{ResourcePath: /*, HttpMethod: "*", ThrottlingRateLimit: 5, ThrottlingBurstLimit: 6}}]
  Denied:
    Type: AWS::ApiGateway::GatewayResponse
    Properties: {{RestApiId: !Ref Api, ResponseType: DEFAULT_4XX, ResponseTemplates: {{application/json: "{{}}"}}}}
  Account: {{Type: AWS::ApiGateway::Account, Properties: {{CloudWatchRoleArn: !GetAtt Role.Arn}}}}
  Pool:
    Type: AWS::Cognito::UserPool
    Properties:
      UsernameAttributes: [email]
      AutoVerifiedAttributes: [email]
      MfaConfiguration: OPTIONAL
      EnabledMfas: [SOFTWARE_TOKEN_MFA]
      Policies: {{PasswordPolicy: {{MinimumLength: 12}}}}
      DeletionProtection: ACTIVE
  Client:
    Type: AWS::Cognito::UserPoolClient
    Properties: {{UserPoolId: !Ref Pool, GenerateSecret: true, RefreshTokenRotation: {{Feature: ENABLED, RetryGracePeriodSeconds: 10}}, ExplicitAuthFlows: [ALLOW_USER_SRP_AUTH, ALLOW_REFRESH_TOKEN_AUTH]}}
  Identities:
    Type: AWS::Cognito::IdentityPool
    Properties:
      AllowUnauthenticatedIdentities: false
      CognitoIdentityProviders: [{{ClientId: !Ref Client, ProviderName: !GetAtt Pool.ProviderName, ServerSideTokenCheck: true}}]
  IdentityRoles:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties: {{IdentityPoolId: !Ref Identities, Roles: {{authenticated: !GetAtt Role.Arn}}}}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {{ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1, MetricName: x, Namespace: y, Period: 60, Statistic: Sum, Threshold: 1}}
Outputs:
  Arns: {{Value: !Join [" ", [!GetAtt Table.Arn, !GetAtt Function.Arn, !GetAtt Role.RoleId, !GetAtt Client.ClientSecret, !GetAtt Api.RootResourceId, !GetAtt Alarm.Arn]]}}
"""

CHANGES = [
    ("AttributeName: a,", "AttributeName: b,"),
    ("IndexName: by-a", "IndexName: by-b"),
    ("AttributeName: ttl", "AttributeName: expires"),
    ("VersioningConfiguration: {Status: Enabled}", "VersioningConfiguration: {Status: Suspended}"),
    ("BlockPublicPolicy: true", "BlockPublicPolicy: false"),
    ("BucketKeyEnabled: false", "BucketKeyEnabled: true"),
    ("MaxAge: 60", "MaxAge: 61"),
    ("ExpirationInDays: 1", "ExpirationInDays: 2"),
    ("Action: s3:PutObject, Resource: !Sub", "Action: s3:DeleteObject, Resource: !Sub"),
    ("PolicyName: one", "PolicyName: two"),
    ("{Key: team, Value: red}, {Key: gone, Value: soon}", "{Key: team, Value: blue}, {Key: new, Value: here}"),
    ("Action: logs:PutLogEvents", "Action: logs:CreateLogStream"),
    ("PolicyName: inline", "PolicyName: outline"),
    ("RetentionInDays: 7", "RetentionInDays: 14"),
    ("Timeout: 10", "MemorySize: 256"),
    ("return 1", "return 2"),
    ('Environment: {Variables: {AA: "1"}}', "Description: no variables"),
    ("EphemeralStorage: {Size: 600}", "TracingConfig: {Mode: Active}"),
    ("ReservedConcurrentExecutions: 2", "ReservedConcurrentExecutions: 3"),
    ("MaximumRetryAttempts: 1", "MaximumRetryAttempts: 2"),
    ("SourceAccount: !Ref AWS::AccountId", "SourceArn: arn:aws:execute-api:us-east-1:123456789012:x/*"),
    ("Name: mine", "Name: theirs"),
    ("BinaryMediaTypes: [image/png]", "BinaryMediaTypes: [image/jpeg]"),
    ("/one:", "/two:"),
    ("Description: first", "Description: second"),
    ("Deployment1:", "Deployment2:"),
    ("Variables: {color: red}", "Variables: {size: big}"),
    ("Format: $context.requestId", "Format: $context.status"),
    ("ThrottlingRateLimit: 5, ", ""),
    ("DEFAULT_4XX", "DEFAULT_5XX"),
    ("MinimumLength: 12", "MinimumLength: 14"),
    ("ALLOW_USER_SRP_AUTH, ", "ALLOW_USER_SRP_AUTH, ALLOW_USER_PASSWORD_AUTH, "),
    ("RetryGracePeriodSeconds: 10", "RetryGracePeriodSeconds: 20"),
    ("ServerSideTokenCheck: true", "ServerSideTokenCheck: false"),
    ("Roles: {authenticated: !GetAtt Role.Arn}", "Roles: {}"),
    ("Threshold: 1}", "Threshold: 2}"),
]
REMOVABLE = ("Bucket", "Function", "Table", "Pool")


def second() -> str:
    text = FIRST
    for before, after in CHANGES:
        assert before in text, before
        text = text.replace(before, after)
    return text


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    made = Cloud(Settings(tmp_path / "data", regions=(REGION,)), ManualClock())
    await made.start(listen=False)
    yield made
    await made.stop()


class Died(BaseException):
    """The process ended here."""


class Engine:
    """The template engine on a whole cloud; its calls can be made to fail."""

    def __init__(self, cloud: Cloud, directory: Path) -> None:
        self.cloud, self._file = cloud, directory / "template.yaml"
        self.calls, self.fail_at, self.failure = 0, -1, BaseException()
        self.stacks = Stacks(
            directory,
            region=REGION,
            account=cloud.account,
            clock=cloud.clock,
            caller=self,
            principal=cloud.principal,
            addresses=cloud.addresses,
            caches=directory,
        )

    async def call(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls == self.fail_at:
            raise self.failure
        return await self.cloud.door.call(*arguments, **options)

    async def failing(self, text: str, at: int, failure: BaseException) -> bool:
        """Deploys; call number `at` fails. False if that was not before the end: cleaning up afterwards takes nothing back."""
        self.calls, self.fail_at, self.failure = 0, at, failure
        self._file.write_text(text)
        try:
            await self.stacks.deploy("app", self._file, {})
        except (DeploymentFailed, Died):
            return True
        finally:
            self.fail_at = -1
        return False

    async def up(self, text: str) -> dict[str, str]:
        self._file.write_text(text)
        deployed = await self.stacks.deploy("app", self._file, {})
        assert deployed.problems == []
        return deployed.outputs

    async def ask(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return await self.cloud.door.call(self.cloud.principal, REGION, service, operation, params)

    def physical(self, logical_id: str) -> str:
        return self.stacks.resources("app")[logical_id].physical_id

    async def seen(self) -> dict[str, Any]:
        """What the services say of the things that a change touches."""
        bucket, role, function, api = (self.physical(each) for each in ("Bucket", "Role", "Function", "Api"))
        table = (await self.ask("dynamodb", "DescribeTable", TableName=self.physical("Table")))["Table"]
        stage = await self.ask("apigateway", "GetStage", restApiId=api, stageName="prod")
        configuration = await self.ask("lambda", "GetFunctionConfiguration", FunctionName=function)
        pool = (await self.ask("cognito-idp", "DescribeUserPool", UserPoolId=self.physical("Pool")))["UserPool"]
        client = await self.ask(
            "cognito-idp", "DescribeUserPoolClient", UserPoolId=pool["Id"], ClientId=self.physical("Client")
        )
        return {
            "indexes": [index["IndexName"] for index in table["GlobalSecondaryIndexes"]],
            "encryption": (await self.ask("s3", "GetBucketEncryption", Bucket=bucket))[
                "ServerSideEncryptionConfiguration"
            ],
            "versioning": (await self.ask("s3", "GetBucketVersioning", Bucket=bucket))["Status"],
            "cors": (await self.ask("s3", "GetBucketCors", Bucket=bucket))["CORSRules"],
            "rules": (await self.ask("s3", "GetBucketLifecycleConfiguration", Bucket=bucket))["Rules"],
            "policies": (await self.ask("iam", "ListRolePolicies", RoleName=role))["PolicyNames"],
            "role": (await self.ask("iam", "ListRoleTags", RoleName=role))["Tags"],
            "function": {
                name: configuration.get(name)
                for name in ("Timeout", "MemorySize", "Environment", "Description", "CodeSha256", "EphemeralStorage")
            },
            "api": (await self.ask("apigateway", "GetRestApi", restApiId=api))["name"],
            "extra stage is of": await self._extra_stage(api),
            "stage": {name: stage.get(name) for name in ("variables", "accessLogSettings", "methodSettings")},
            "password": pool["Policies"]["PasswordPolicy"]["MinimumLength"],
            "mfa": pool["MfaConfiguration"],
            "rotation": client["UserPoolClient"]["RefreshTokenRotation"],
            "flows": sorted(client["UserPoolClient"]["ExplicitAuthFlows"]),
        }

    async def _extra_stage(self, api: str) -> str:
        """The logical id of the deployment that the stage `extra` serves."""
        stage = await self.ask("apigateway", "GetStage", restApiId=api, stageName="extra")
        records = self.stacks.resources("app").values()
        return next(record.logical_id for record in records if record.physical_id == stage["deploymentId"])


@pytest.fixture
async def engine(cloud: Cloud, tmp_path: Path) -> AsyncIterator[Engine]:
    made = Engine(cloud, tmp_path)
    yield made
    await made.stacks.close()


EVERY = pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.soak)])
"""Every ninth call in a quick run, each of them in a long one."""


@EVERY
async def test_whichever_call_fails_everything_is_as_it_was(engine, stride):
    await engine.up(FIRST)
    first, records, at = await engine.seen(), engine.stacks.resources("app"), 1

    while await engine.failing(second(), at, AwsError("ServiceException", "injected", 500)):
        assert await engine.seen() == first, f"call {at}"
        assert engine.stacks.resources("app") == records, f"call {at}"
        at += stride

    assert at > 30


@EVERY
async def test_wherever_the_process_dies_the_next_up_ends_the_same(engine, stride):
    await engine.up(FIRST)
    first, at = await engine.seen(), 1
    await engine.up(second())
    changed = await engine.seen()

    while True:
        await engine.up(FIRST)
        assert await engine.seen() == first
        if not await engine.failing(second(), at, Died()):
            break
        await engine.up(second())
        assert await engine.seen() == changed, f"call {at}"
        at += stride


async def test_every_type_is_made_changed_and_changed_back(engine):
    outputs = await engine.up(FIRST)
    assert len(outputs["Arns"].split()) == 6
    first = await engine.seen()
    assert first["mfa"] == "OPTIONAL"

    await engine.up(second())
    changed = await engine.seen()
    assert changed["indexes"] == ["by-b"]
    assert changed["versioning"] == "Suspended"
    assert changed["policies"] == ["outline", "two"]
    assert changed["function"]["MemorySize"] == 256
    assert changed["function"]["Timeout"] == 3
    assert changed["function"]["Environment"] is None
    assert changed["stage"]["variables"] == {"size": "big"}
    assert {name for name in first if first[name] == changed[name]} == {"mfa"}, "nothing else stayed as it was"

    await engine.up(FIRST)
    assert await engine.seen() == first


async def test_a_change_that_fails_at_the_end_is_taken_back_everywhere(engine):
    await engine.up(FIRST)
    first, records = await engine.seen(), engine.stacks.resources("app")
    taken = second().replace(
        "Alarm:",
        "Taken: {Type: AWS::Logs::LogGroup, DependsOn: [Stage, IdentityRoles, Function], Properties: {LogGroupName: /taken}}\n  Alarm:",
    )
    await engine.ask("logs", "CreateLogGroup", logGroupName="/taken")

    with pytest.raises(DeploymentFailed, match="'/taken' already exists") as caught:
        await engine.up(taken)

    assert caught.value.taken_back
    assert await engine.seen() == first
    assert engine.stacks.resources("app") == records


async def test_deleting_leaves_nothing_but_what_is_protected(engine):
    await engine.up(FIRST)
    names = {each: engine.physical(each) for each in ("Table", "Bucket", "Role", "Function", "Pool")}

    with pytest.raises(DeploymentFailed, match="Pool"):
        await engine.stacks.delete("app")
    assert engine.stacks.stack("app"), "a protected pool keeps its stack"
    await engine.up(
        FIRST.replace("DeletionProtection: ACTIVE", "DeletionProtection: INACTIVE").replace("Name: mine", "Name: mine2")
    )
    await engine.stacks.delete("app")

    assert engine.stacks.stacks() == []
    for service, operation, params in (
        ("dynamodb", "DescribeTable", {"TableName": names["Table"]}),
        ("s3", "HeadBucket", {"Bucket": names["Bucket"]}),
        ("iam", "GetRole", {"RoleName": names["Role"]}),
        ("lambda", "GetFunctionConfiguration", {"FunctionName": names["Function"]}),
        ("cognito-idp", "DescribeUserPool", {"UserPoolId": names["Pool"]}),
    ):
        with pytest.raises(AwsError):
            await engine.ask(service, operation, **params)


async def test_erasing_takes_data_and_protection(engine):
    retained = FIRST
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool"):
        retained = retained.replace(f"Type: {kind}\n", f"Type: {kind}\n    DeletionPolicy: Retain\n")
    await engine.up(retained)
    bucket = engine.physical("Bucket")
    for body in (b"one", b"two"):
        await engine.ask("s3", "PutObject", Bucket=bucket, Key="a", Body=body)

    kept = await engine.stacks.delete("app")
    assert sorted(record.logical_id for record in kept) == ["Bucket", "Pool", "Table"]
    assert (await engine.ask("s3", "ListObjectsV2", Bucket=bucket))["KeyCount"] == 1, "what is kept is there"

    assert await engine.stacks.erase("app") == 3
    with pytest.raises(AwsError):
        await engine.ask("s3", "HeadBucket", Bucket=bucket)
    assert engine.stacks.retained_stacks() == []
