"""Temporary credentials of a function's role, got from STS as AWS Lambda gets them: its trust policy decides."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stratus.clock import Clock
from stratus.iam.principal import Kind, Principal, service_principal
from stratus.service import Caller

LAMBDA = service_principal("lambda.amazonaws.com")
DURATION = 3600
MARGIN = 900
"""Seconds before their end at which credentials are no longer handed out: AWS's longest invocation."""


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key_id: str
    secret_access_key: str
    session_token: str
    expires: float
    principal: Principal
    """The role's session, for what Lambda does in the function's name (logs, destinations)."""


class RoleCredentials:
    """Sessions of roles, each kept until shortly before it ends."""

    def __init__(self, caller: Caller, clock: Clock, region: str) -> None:
        self._caller = caller
        self._clock = clock
        self._region = region
        self._kept: dict[tuple[str, str], Credentials] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Credentials]] = {}

    async def get(self, role: str, session: str) -> Credentials:
        """Credentials of `role` (an ARN) for the function named `session`. Raises AwsError when STS refuses."""
        kept = self._kept.get((role, session))
        if kept is not None and kept.expires - MARGIN > self._clock.now():
            return kept
        asking = self._asking.get((role, session))
        if asking is None:
            asking = asyncio.ensure_future(self.assume(role, session))
            self._asking[role, session] = asking
            asking.add_done_callback(lambda _: self._asking.pop((role, session), None))
        return await asyncio.shield(asking)

    async def assume(self, role: str, session: str) -> Credentials:
        """Asks STS, whatever is kept."""
        answer = await self._caller.call(
            LAMBDA,
            self._region,
            "sts",
            "AssumeRole",
            {"RoleArn": role, "RoleSessionName": session, "DurationSeconds": DURATION},
        )
        credentials = _credentials(role, answer)
        self._kept[role, session] = credentials
        return credentials

    def forget(self, session: str) -> None:
        """Drops what is kept for a function."""
        for key in [key for key in self._kept if key[1] == session]:
            del self._kept[key]


def _credentials(role: str, answer: Mapping[str, Any]) -> Credentials:
    given, user = answer["Credentials"], answer["AssumedRoleUser"]
    expires: datetime | float = given["Expiration"]
    return Credentials(
        access_key_id=given["AccessKeyId"],
        secret_access_key=given["SecretAccessKey"],
        session_token=given["SessionToken"],
        expires=expires.timestamp() if isinstance(expires, datetime) else expires,
        principal=Principal(
            Kind.ROLE_SESSION,
            arn=user["Arn"],
            account=role.split(":")[4],
            identity=role,
            access_key_id=given["AccessKeyId"],
            context={"aws:userid": (user["AssumedRoleId"],)},
        ),
    )
