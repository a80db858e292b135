"""Mock integrations with literal templates, as SAM emits them for CORS preflights."""

from collections.abc import Mapping
from typing import Any

import orjson

from stratus.services.apigateway.definition import Mock
from stratus.services.apigateway.errors import bad_request, refused

_HEADER = "method.response.header."
_JSON = "application/json"


def read_mock(place: str, spec: Mapping[str, Any]) -> Mock:
    """The one answer that a mock integration gives; raises AwsError for templates that would need Velocity."""
    status = _asked_status(place, (spec.get("requestTemplates") or {}).get(_JSON, '{"statusCode": 200}'))
    responses = spec.get("responses") or {}
    answer = next((each for each in responses.values() if str(each.get("statusCode")) == str(status)), None)
    answer = answer or responses.get("default")
    if answer is None:
        raise bad_request(f"The mock integration of {place} has no response for status {status}")
    templates = answer.get("responseTemplates") or {}
    content_type, template = next(iter(templates.items()), (_JSON, ""))
    if _is_velocity(template):
        raise refused(f"the response template of the mock integration of {place} (literal ones are done)")
    return Mock(
        int(answer.get("statusCode", status)),
        tuple(_headers(place, answer.get("responseParameters") or {})),
        content_type,
        template.encode(),
    )


def _asked_status(place: str, template: str) -> int:
    try:
        return int(orjson.loads(template)["statusCode"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise refused(
            f"the request template of the mock integration of {place} (a literal statusCode is done)"
        ) from None


def _is_velocity(template: str) -> bool:
    return any(mark in template for mark in ("$", "#set", "#if", "#foreach"))


def _headers(place: str, parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    headers = []
    for target, source in parameters.items():
        if not target.startswith(_HEADER) or not (len(source) >= 2 and source[0] == source[-1] == "'"):
            raise refused(f"the response parameter {target}: {source} of {place} (literal headers are done)")
        headers.append((target.removeprefix(_HEADER), source[1:-1]))
    return headers
