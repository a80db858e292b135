"""botocore's service models, loaded when first used and without their documentation (two thirds of their memory)."""

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape


@cache
def service_model(name: str) -> ServiceModel:
    """The model of a service by botocore's name (`cognito-idp`). Raises botocore.exceptions.UnknownServiceError."""
    raw = Loader().load_service_model(name, "service-2")
    return ServiceModel(_without_documentation(raw), name)


def _without_documentation(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_documentation(value)
            for key, value in node.items()
            if not (key == "documentation" and isinstance(value, str))
        }
    if isinstance(node, list):
        return [_without_documentation(item) for item in node]
    return node


def wire_name(shape: Shape, member: str) -> str:
    """What `member` is called on the wire."""
    name: str = shape.serialization.get("name", member)
    return name
