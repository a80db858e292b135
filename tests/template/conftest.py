"""A cloud that is none: calls are held against botocore's models, remembered, and answered with made-up identifiers."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from stratus.clock import ManualClock
from stratus.iam.principal import Kind, Principal
from stratus.template.stacks import Stacks
from stratus.wire.errors import AwsError

ADMINISTRATOR = Principal(Kind.USER, "arn:aws:iam::123456789012:user/admin", "123456789012")
REGION, ACCOUNT = "eu-central-1", "123456789012"

_MODELS = botocore.session.Session()


class Crash(BaseException):
    """The process died here."""


class FakeCloud:
    """Answers API calls as far as the template engine looks at the answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.existing: dict[tuple[str, str], dict[str, Any]] = {}
        self.failures: dict[str, BaseException] = {}
        self.crash_at: int | None = None
        self.crash_after_effect = False
        self._numbers = itertools.count(1)

    async def call(
        self,
        principal: Principal,
        region: str,
        service: str,
        operation: str,
        params: dict[str, Any],
        *,
        context: Any = None,
    ) -> dict[str, Any]:
        assert principal == ADMINISTRATOR
        model = _MODELS.get_service_model(service).operation_model(operation)
        report = ParamValidator().validate(_without_local_code(params), model.input_shape)
        assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"
        name = f"{service}:{operation}"
        if name in self.failures:
            raise self.failures.pop(name)
        self.calls.append((name, params))
        crashing = self.crash_at is not None and len(self.calls) > self.crash_at
        if crashing and not self.crash_after_effect:
            raise Crash
        method = f"_{service.replace('-', '_')}_{operation}"
        handler: Callable[[dict[str, Any]], dict[str, Any]] | None = getattr(self, method, None)
        answer = handler(params) if handler else {}
        if crashing:
            raise Crash
        return answer

    def made(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of every call of an operation, `lambda:CreateFunction`."""
        return [params for name, params in self.calls if name == operation]

    def operations(self) -> list[str]:
        return [name for name, _ in self.calls]

    def names(self, kind: str) -> list[str]:
        return [name for each, name in self.existing if each == kind]

    def _add(self, kind: str, name: str, value: dict[str, Any], code: str = "ResourceInUseException") -> dict[str, Any]:
        if (kind, name) in self.existing:
            raise AwsError(code, f"{name} exists")
        self.existing[kind, name] = value
        return value

    def _remove(self, kind: str, name: str, code: str = "ResourceNotFoundException") -> dict[str, Any]:
        if self.existing.pop((kind, name), None) is None:
            raise AwsError(code, f"{name} not found", 404)
        return {}

    def _dynamodb_CreateTable(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["TableName"]
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
        return {
            "TableDescription": self._add(
                "table", name, {"TableArn": arn, "LatestStreamArn": f"{arn}/stream/1", **params}
            )
        }

    def _get(self, kind: str, name: str, code: str = "ResourceNotFoundException") -> dict[str, Any]:
        if (kind, name) not in self.existing:
            raise AwsError(code, f"{name} not found", 404)
        return self.existing[kind, name]

    def _dynamodb_DescribeTable(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Table": self._get("table", params["TableName"])}

    def _dynamodb_UpdateTable(self, params: dict[str, Any]) -> dict[str, Any]:
        self.existing["table", params["TableName"]].update(params)
        return {}

    def _dynamodb_DeleteTable(self, params: dict[str, Any]) -> dict[str, Any]:
        table = self.existing.get(("table", params["TableName"]), {})
        if table.get("DeletionProtectionEnabled"):
            raise AwsError(
                "ValidationException", "Resource cannot be deleted as it is currently protected against deletion."
            )
        return self._remove("table", params["TableName"])

    def _iam_CreateRole(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["RoleName"]
        role = {"RoleName": name, "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "RoleId": f"AROA{next(self._numbers)}"}
        return {"Role": self._add("role", name, role, "EntityAlreadyExists")}

    def _iam_GetRole(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Role": self._get("role", params["RoleName"], "NoSuchEntity")}

    def _iam_DeleteRole(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._remove("role", params["RoleName"], "NoSuchEntity")

    def _iam_CreatePolicy(self, params: dict[str, Any]) -> dict[str, Any]:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{params['PolicyName']}"
        return {"Policy": self._add("policy", arn, {"Arn": arn, "PolicyId": f"ANPA{next(self._numbers)}"})}

    def _iam_GetPolicy(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Policy": self.existing["policy", params["PolicyArn"]]}

    def _iam_ListPolicyVersions(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "Versions": [{"VersionId": "v1", "IsDefaultVersion": False}, {"VersionId": "v2", "IsDefaultVersion": True}]
        }

    def _iam_DeletePolicy(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._remove("policy", params["PolicyArn"], "NoSuchEntity")

    def _lambda_CreateFunction(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["FunctionName"]
        return self._add("function", name, {"FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"})

    def _lambda_GetFunctionConfiguration(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._get("function", params["FunctionName"])

    def _lambda_DeleteFunction(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._remove("function", params["FunctionName"])

    def _s3_CreateBucket(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._add("bucket", params["Bucket"], {}, "BucketAlreadyOwnedByYou")

    def _s3_GetBucketVersioning(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._get("bucket", params["Bucket"], "NoSuchBucket")

    def _s3_DeleteBucket(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._remove("bucket", params["Bucket"], "NoSuchBucket")

    def _logs_CreateLogGroup(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._add("log group", params["logGroupName"], {}, "ResourceAlreadyExistsException")

    def _logs_DescribeLogGroups(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "logGroups": [
                {"logGroupName": name}
                for name in self.names("log group")
                if name.startswith(params["logGroupNamePrefix"])
            ]
        }

    def _logs_DeleteLogGroup(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._remove("log group", params["logGroupName"])

    def _cognito_idp_CreateUserPool(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "UserPool": self._add(
                "user pool", f"{REGION}_{next(self._numbers)}", {"Id": f"{REGION}_{next(self._numbers) - 1}"}
            )
        }

    def _cognito_idp_CreateUserPoolClient(self, params: dict[str, Any]) -> dict[str, Any]:
        client = {"ClientId": f"client{next(self._numbers)}", "ClientName": params["ClientName"]}
        return {"UserPoolClient": self._add("client", client["ClientId"], client)}

    def _cognito_idp_UpdateUserPoolClient(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"UserPoolClient": self.existing["client", params["ClientId"]]}

    def _cognito_identity_CreateIdentityPool(self, params: dict[str, Any]) -> dict[str, Any]:
        name = f"{REGION}:{next(self._numbers)}"
        return self._add(
            "identity pool", name, {"IdentityPoolId": name, "IdentityPoolName": params["IdentityPoolName"]}
        )

    def _cognito_identity_DescribeIdentityPool(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.existing["identity pool", params["IdentityPoolId"]]

    def _cognito_identity_UpdateIdentityPool(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.existing["identity pool", params["IdentityPoolId"]]

    def _apigateway_CreateRestApi(self, params: dict[str, Any]) -> dict[str, Any]:
        name = f"api{next(self._numbers)}"
        return self._add("api", name, {"id": name, "rootResourceId": "root"})

    def _apigateway_GetRestApi(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.existing["api", params["restApiId"]]

    def _apigateway_DeleteRestApi(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._remove("api", params["restApiId"], "NotFoundException")

    def _apigateway_CreateDeployment(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._add("deployment", f"d{next(self._numbers)}", {"id": f"d{next(self._numbers) - 1}"})


def _without_local_code(params: dict[str, Any]) -> dict[str, Any]:
    """`params` without the one member that is ours and not AWS's."""
    kept = {name: value for name, value in params.items() if name != "LocalDirectory"}
    if "LocalDirectory" in kept.get("Code", {}):
        kept["Code"] = {"ZipFile": b""}
    return kept


class PlainAddresses:
    """Every AWS endpoint of ours is localhost:4566."""

    endpoint = "http://localhost:4566"

    def localise(self, text: str) -> str:
        return text.replace(f"https://cognito-idp.{REGION}.amazonaws.com", self.endpoint)

    def port_of(self, kind: str, region: str, name: str) -> int:
        return 4568

    def release(self, kind: str, region: str, name: str) -> None:
        return None


TABLE = """
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
"""

APPLICATION = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Runtime: python3.13
      Handler: app.handler
      Role: !GetAtt Role.Arn
      Environment: {{Variables: {{TABLE: !Ref Table, ISSUER: !Sub "https://cognito-idp.${{AWS::Region}}.amazonaws.com"}}}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: {{Service: lambda.amazonaws.com}}, Action: sts:AssumeRole}}]
      Policies:
        - PolicyName: read
          PolicyDocument: {{Version: "2012-10-17", Statement: [{{Effect: Allow, Action: dynamodb:GetItem, Resource: !GetAtt Table.Arn}}]}}
{TABLE}
Outputs:
  TableName: {{Value: !Ref Table}}
  FunctionArn: {{Value: !GetAtt Function.Arn}}
  Url: {{Value: !Sub "https://cognito-idp.${{AWS::Region}}.amazonaws.com"}}
"""


class Bench:
    """A region's stacks on a fake cloud, and templates written where they can be read."""

    application = APPLICATION
    table_only = "Resources:" + TABLE

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cloud = FakeCloud()
        self.clock = ManualClock()
        self.stacks = self._open()

    def _open(self) -> Stacks:
        return Stacks(
            self.directory,
            region=REGION,
            account=ACCOUNT,
            clock=self.clock,
            caller=self.cloud,
            principal=ADMINISTRATOR,
            addresses=PlainAddresses(),
            caches=self.directory,
        )

    async def restart(self) -> None:
        await self.stacks.close()
        self.stacks = self._open()

    def write(self, text: str) -> Path:
        file = self.directory / "template.yaml"
        file.write_text(text)
        return file

    async def up(self, text: str, **parameters: str) -> dict[str, str]:
        """Deploys a template; returns its outputs."""
        return (await self.stacks.deploy("app", self.write(text), parameters)).outputs

    def physical(self, logical_id: str) -> str:
        return self.stacks.resources("app")[logical_id].physical_id

    def statuses(self) -> Mapping[str, str]:
        return {record.name: record.status for record in self.stacks.stacks()}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.stacks.close()
