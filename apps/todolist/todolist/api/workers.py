"""Starts the functions that work jobs off."""

from __future__ import annotations

import json
import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from todolist.rules.jobs import Kind

logger = logging.getLogger(__name__)

_FUNCTIONS: dict[Kind, str] = {"delete-list": "CLEANUP_FUNCTION", "erase-account": "ERASE_FUNCTION"}


@cache
def _client() -> Any:
    import boto3  # only jobs need it
    from botocore.config import Config

    return boto3.client("lambda", config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2}))


def start(kind: Kind, user: str, job_id: str) -> None:
    """Invokes the worker asynchronously. When that fails, the job stays written down: a look at it starts it again."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _client().invoke(
            FunctionName=os.environ[_FUNCTIONS[kind]],
            InvocationType="Event",
            Payload=json.dumps({"user": user, "job": job_id}),
        )
    except (BotoCoreError, ClientError):
        logger.exception("job %s could not be started now", job_id)
