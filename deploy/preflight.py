"""What a first deploy stumbles on, found before it starts, each with its fix."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

Client = Callable[[str], Any]
"""Makes a boto3 client of the named service for the account and region of the deployment."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`blocks` means that the deploy would fail, or the application not work; `fix` is what to type or click."""

    what: str
    fix: str
    blocks: bool


def preflight(client: Client, parameters: Mapping[str, str]) -> Iterator[Finding]:
    """Everything found wrong, in the order in which to mend it. Reads only, changes nothing."""
    try:
        client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        yield Finding(
            f"AWS does not know who you are: {error}",
            "Sign in with `aws configure sso` or `aws configure`, then try again.",
            blocks=True,
        )
        return
    for check in (_log_role, _mail):
        try:
            yield from check(client, parameters)
        except ClientError as error:
            yield Finding(
                f"Could not look: {error}",
                "Give the deploying identity read access to it, or go on if you know that it is in order.",
                blocks=False,
            )


def _log_role(client: Client, parameters: Mapping[str, str]) -> Iterator[Finding]:
    """API Gateway writes access logs with one role per account and region, which no stack should own."""
    if not client("apigateway").get_account().get("cloudwatchRoleArn"):
        yield Finding(
            "API Gateway has no role in this region with which to write the access logs.",
            "Once per account and region: make a role that apigateway.amazonaws.com may assume, with the managed policy "
            "AmazonAPIGatewayPushToCloudWatchLogs, then `aws apigateway update-account --patch-operations "
            "op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN`.",
            blocks=True,
        )


def _mail(client: Client, parameters: Mapping[str, str]) -> Iterator[Finding]:
    """Cognito's own sender takes 50 mails a day; SES takes more, once its identity is verified and out of the sandbox."""
    sender = parameters.get("MailFrom", "")
    if not sender:
        yield Finding(
            "Confirmation mail goes out through Cognito's own sender: at most 50 mails a day.",
            "For more, verify an identity in SES and pass MailFrom and MailIdentityArn.",
            blocks=False,
        )
        return
    ses = client("sesv2")
    identity = parameters.get("MailIdentityArn", "").partition(":identity/")[2]
    if not identity:
        yield Finding(
            "MailFrom is given without MailIdentityArn.",
            "Pass the ARN of the SES identity that MailFrom belongs to: PARAMETERS='MailFrom=... MailIdentityArn=...'.",
            blocks=True,
        )
    elif not _is_verified(ses, identity):
        yield Finding(
            f"The SES identity {identity} is not verified in this region.",
            f"`aws sesv2 create-email-identity --email-identity {identity}`, then follow the mail or add the DNS records.",
            blocks=True,
        )
    if not ses.get_account().get("ProductionAccessEnabled"):
        yield Finding(
            "SES is in its sandbox here: it sends only to addresses that you verified.",
            "Ask for production access in the SES console (Account dashboard); AWS answers within a day.",
            blocks=False,
        )


def _is_verified(ses: Any, identity: str) -> bool:
    try:
        return bool(ses.get_email_identity(EmailIdentity=identity)["VerifiedForSendingStatus"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            return False
        raise
