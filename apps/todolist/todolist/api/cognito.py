"""Who the caller is in the identity pool, asked with the caller's own token: never taken from what a client says."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

from todolist.problems import Problem, busy

logger = logging.getLogger(__name__)

_REFUSALS = ("NotAuthorizedException", "InvalidParameterException")


@cache
def _client() -> Any:
    # boto3 is loaded here, when it is needed: once in a user's life, not at each cold start.
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(signature_version=UNSIGNED, connect_timeout=2, read_timeout=5, retries={"max_attempts": 2})
    return boto3.client("cognito-identity", config=config)


def identity_id(authorization: str) -> str:
    """The identity id of the ID token in an Authorization header (cognito-identity:GetId, an unsigned call).

    Raises a Problem when Cognito does not take the token, or cannot be asked now.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    *_, token = ["", *authorization.split()]  # "Bearer TOKEN", in any case, or just TOKEN: API Gateway takes them all
    logins = {os.environ["USER_POOL_PROVIDER"]: token}
    try:
        answer = _client().get_id(IdentityPoolId=os.environ["IDENTITY_POOL_ID"], Logins=logins)
    except ClientError as error:
        if error.response["Error"]["Code"] in _REFUSALS:
            detail = "Cognito does not take this token any more; sign in again."
            headers = {"WWW-Authenticate": "Bearer error=invalid_token"}
            raise Problem(401, "unauthorized", "Not signed in", detail, headers=headers) from error
        logger.warning("Cognito gives no identity: %s", error)
        raise busy() from error
    except BotoCoreError as error:
        logger.warning("Cognito is out of reach: %s", error)
        raise busy() from error
    return str(answer["IdentityId"])
