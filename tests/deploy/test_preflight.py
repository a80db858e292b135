"""The preflight against what AWS answers, stubbed at botocore."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deploy.preflight import Finding, preflight

IDENTITY = "arn:aws:ses:eu-central-1:123456789012:identity/example.org"


class Aws:
    """Clients that answer what the test says, in order."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self.says("sts", "get_caller_identity", {"Account": "123456789012"})

    def _stub(self, service: str) -> Stubber:
        if service not in self._clients:
            client = boto3.client(service, "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
            self._clients[service] = (client, Stubber(client))
            self._clients[service][1].activate()
        return self._clients[service][1]

    def says(self, service: str, operation: str, answer: dict[str, Any]) -> "Aws":
        self._stub(service).add_response(operation, answer)
        return self

    def fails(self, service: str, operation: str, code: str) -> "Aws":
        self._stub(service).add_client_error(operation, code)
        return self

    def client(self, service: str) -> Any:
        self._stub(service)
        return self._clients[service][0]


def findings(aws: Aws, **parameters: str) -> list[Finding]:
    return list(preflight(aws.client, parameters))


def test_nothing_is_in_the_way_of_an_account_in_order() -> None:
    aws = Aws().says("apigateway", "get_account", {"cloudwatchRoleArn": "arn:aws:iam::1:role/logs"})
    aws.says("sesv2", "get_email_identity", {"VerifiedForSendingStatus": True})
    aws.says("sesv2", "get_account", {"ProductionAccessEnabled": True})
    assert findings(aws, MailFrom="todo@example.org", MailIdentityArn=IDENTITY) == []


def test_a_missing_log_role_blocks_and_says_how_to_make_it() -> None:
    found = findings(Aws().says("apigateway", "get_account", {}))
    assert [finding.blocks for finding in found] == [True, False]
    assert "update-account" in found[0].fix


@pytest.mark.parametrize(
    ("verified", "production", "blocks"), [(False, True, [True]), (True, False, [False]), (False, False, [True, False])]
)
def test_mail_through_ses_needs_an_identity_and_leaves_the_sandbox(
    verified: bool, production: bool, blocks: list[bool]
) -> None:
    aws = Aws().says("apigateway", "get_account", {"cloudwatchRoleArn": "arn:aws:iam::1:role/logs"})
    if verified:
        aws.says("sesv2", "get_email_identity", {"VerifiedForSendingStatus": True})
    else:
        aws.fails("sesv2", "get_email_identity", "NotFoundException")
    aws.says("sesv2", "get_account", {"ProductionAccessEnabled": production})
    found = findings(aws, MailFrom="todo@example.org", MailIdentityArn=IDENTITY)
    assert [finding.blocks for finding in found] == blocks


def test_without_credentials_it_stops_at_once() -> None:
    aws = Aws.__new__(Aws)
    aws._clients = {}
    aws.fails("sts", "get_caller_identity", "InvalidClientTokenId")
    assert [finding.blocks for finding in findings(aws)] == [True]


def test_what_may_not_be_read_is_said_and_not_guessed() -> None:
    found = findings(Aws().fails("apigateway", "get_account", "AccessDeniedException"))
    assert found[0].what.startswith("Could not look")
    assert not found[0].blocks
