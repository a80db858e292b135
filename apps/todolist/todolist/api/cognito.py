"""Who the caller is in the identity pool, asked with the caller's own token: never taken from what a client says."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


@cache
def _client() -> Any:
    # boto3 is loaded here, when it is needed: once in a user's life, not at each cold start.
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(signature_version=UNSIGNED, connect_timeout=2, read_timeout=5, retries={"max_attempts": 2})
    return boto3.client("cognito-identity", config=config)


def identity_id(authorization: str) -> str:
    """The identity id of the ID token in an Authorization header (cognito-identity:GetId, an unsigned call)."""
    token = authorization.removeprefix("Bearer ").strip()
    answer = _client().get_id(
        IdentityPoolId=os.environ["IDENTITY_POOL_ID"], Logins={os.environ["USER_POOL_PROVIDER"]: token}
    )
    return str(answer["IdentityId"])
