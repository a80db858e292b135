"""The rules of docs/aws-limits.md for cfn-lint: `cfn-lint -a tools/cfn_lint_rules -t template.yaml`."""

from collections.abc import Iterator, Mapping
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch  # type: ignore[import-untyped]  # it has no types
from cfnlint.template import Template  # type: ignore[import-untyped]  # it has no types

from stratus.template.errors import Path
from stratus.template.intrinsics import Unknown
from stratus.template.limits import LIMITS
from stratus.template.limits.limit import Limit, mapping
from stratus.template.sam_places import API, written

_SAM_TYPES = {"AWS::ApiGateway::RestApi": API}


def _rule(limit: Limit) -> type[CloudFormationLintRule]:
    """A class for one limit: cfn-lint looks for classes in a module, and makes them without arguments."""

    def match(self: CloudFormationLintRule, template: Template) -> list[RuleMatch]:
        return [
            RuleMatch(["Resources", name, "Properties", *path], message)
            for name, path, message in _broken(limit, template)
        ]

    members = {
        "id": limit.id,
        "shortdesc": limit.title,
        "description": limit.title,
        "source_url": limit.source,
        "tags": ["resources"],
        "match": match,
    }
    return type(f"AwsLimit{limit.id}", (CloudFormationLintRule,), members)


def _broken(limit: Limit, template: Template) -> Iterator[tuple[str, Path, str]]:
    """Each finding with the resource's name; cfn-lint reads SAM's resources as they are written, not translated."""
    for name, resource in template.get_resources([limit.resource_type]).items():
        properties = _literal(resource.get("Properties", {}))
        for path, message in limit.broken(properties):
            yield name, path, message
    if limit.resource_type in _SAM_TYPES:
        for name, resource in template.get_resources([_SAM_TYPES[limit.resource_type]]).items():
            properties = _literal(resource.get("Properties", {}))
            for path, message in limit.broken({"Body": _body(properties)}):
                places = (place for place in written(API, path) if _is_there(properties, place))
                yield name, next(places, ()), message


def _body(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Body that SAM will make, as far as limits look at it."""
    extension = "x-amazon-apigateway-gateway-responses"
    body = mapping(properties.get("DefinitionBody"))
    return {**body, extension: {**mapping(body.get(extension)), **mapping(properties.get("GatewayResponses"))}}


def _is_there(value: Any, path: Path) -> bool:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _literal(value: Any) -> Any:
    """A template's value with every intrinsic function unknown, as limits take it."""
    if isinstance(value, Mapping):
        if len(value) == 1 and str(next(iter(value))).startswith(("Fn::", "Ref")):
            return Unknown("")
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return value


globals().update({f"AwsLimit{limit.id}": _rule(limit) for limit in LIMITS})
