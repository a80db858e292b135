"""AWS's managed policies that templates and operators name, with their documents as AWS publishes them.

Source: AWS Managed Policy Reference Guide.
"""

import json
from typing import Any

from stratus.iam.entities import ManagedPolicy, PolicyVersion


def _statement(actions: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": "*"} | more


_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
_XRAY = [
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
]
_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
_NETWORK = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]
_QUEUE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
_GATEWAY_LOGS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
]

_DOCUMENTS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("/", "AdministratorAccess"): [_statement("*")],
    ("/", "AWSXrayWriteOnlyAccess"): [_statement(_XRAY)],
    ("/", "AWSXRayDaemonWriteAccess"): [_statement(_XRAY)],
    ("/service-role/", "AWSLambdaBasicExecutionRole"): [_statement(_LOGS)],
    ("/service-role/", "AWSLambdaDynamoDBExecutionRole"): [_statement(_STREAM + _LOGS)],
    ("/service-role/", "AWSLambdaSQSQueueExecutionRole"): [_statement(_QUEUE + _LOGS)],
    ("/service-role/", "AWSLambdaVPCAccessExecutionRole"): [
        _statement(_LOGS + _NETWORK, Sid="AWSLambdaVPCAccessExecutionPermissions")
    ],
    ("/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs"): [_statement(_GATEWAY_LOGS)],
}


def _policy(path: str, name: str, statements: list[dict[str, Any]]) -> ManagedPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return ManagedPolicy(
        name=name,
        id=f"ANPA{name.upper().encode().hex().upper():0<16.16}",
        path=path,
        created=0.0,
        updated=0.0,
        default="v1",
        versions=(PolicyVersion(id="v1", text=text, created=0.0),),
        by_aws=True,
    )


AWS_MANAGED = {
    policy.arn(""): policy
    for policy in (_policy(path, name, document) for (path, name), document in _DOCUMENTS.items())
}
