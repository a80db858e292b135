"""Requests made up from the published OpenAPI document, right and wrong ones, through the whole stack: each is answered as the document says."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.attacks.world import World
from tests.end_to_end.conftest import APP

EXAMPLES = 10
SCHEMA = schemathesis.openapi.from_path(APP / "openapi.yaml")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("ids", ["made up", "real"])
@SCHEMA.exclude(method="DELETE", path="/me").parametrize()
@bounded
def test_every_request_is_answered_as_the_document_says(case: schemathesis.Case, world: World, ids: str) -> None:
    """With real ids a request gets past the look for what it names."""
    checks = CHECKS
    if ids == "real":
        _name_what_is_there(case, world)
    else:
        checks = [*CHECKS, negative_data_rejection]
    headers = {"Authorization": world.stranger.tokens["IdToken"]}
    case.call_and_validate(base_url=world.api_url, headers=headers, checks=checks)


def _name_what_is_there(case: schemathesis.Case, world: World) -> None:
    body: Any = case.body if isinstance(case.body, dict) else {}
    if not (case.path_parameters or "listId" in body):
        return
    if case.method == "DELETE" or "listId" not in world.made:
        _make(world)
    case.path_parameters = {name: world.made.get(name, value) for name, value in case.path_parameters.items()}
    if "listId" in body:
        body["listId"] = world.made["listId"]


def _make(world: World) -> None:
    """A list, a to-do in it, and a job, which are not the ones before."""
    api = world.stranger.api
    doomed = world.made.get("listId") or api.post("/lists", json={"name": "Doomed"}).json()["id"]
    deleted = api.delete(f"/lists/{doomed}")
    if deleted.status_code == 202:
        world.made["jobId"] = deleted.json()["id"]
    world.made["listId"] = api.post("/lists", json={"name": "Real"}).json()["id"]
    made = api.post("/todos", json={"listId": world.made["listId"], "title": "Real"})
    world.made["todoId"] = made.json()["id"]
