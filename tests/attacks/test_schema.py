"""Requests made up from the published OpenAPI document, right and wrong ones, through the whole stack: each is answered as the document says."""

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.attacks.world import World
from tests.end_to_end.conftest import APP

EXAMPLES = 25
SCHEMA = schemathesis.openapi.from_path(APP / "openapi.yaml")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@SCHEMA.exclude(method="DELETE", path="/me").parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_request_is_answered_as_the_document_says(case: schemathesis.Case, world: World) -> None:
    headers = {"Authorization": world.stranger.tokens["IdToken"]}
    case.call_and_validate(base_url=world.api_url, headers=headers, checks=CHECKS)
