"""Per-method settings of a stage, found by the method's path and verb, else by the stage's `*/*`."""

from collections.abc import Mapping
from typing import Any

from stratus.services.apigateway.throttle import ACCOUNT_BURST, ACCOUNT_RATE

ALL = "*/*"


def setting_key(path: str, verb: str) -> str:
    """The key of `methodSettings` for a resource path (`/todos/{id}`, or `/*`) and a verb: `todos/{id}/GET`, `*/*`."""
    return f"{path.lstrip('/')}/{verb}"


def throttle_of(settings: Mapping[str, Mapping[str, Any]], path: str, verb: str) -> tuple[float, int]:
    """Rate and burst of one method."""
    merged = {**settings.get(ALL, {}), **settings.get(setting_key(path, verb), {})}
    return (
        float(merged.get("throttlingRateLimit", ACCOUNT_RATE)),
        int(merged.get("throttlingBurstLimit", ACCOUNT_BURST)),
    )
