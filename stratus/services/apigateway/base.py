"""What every group of API Gateway's operations works with."""

import asyncio
import functools
import secrets
import string
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from stratus.service import Access, AccessRule, Call, Result, Service, Surroundings
from stratus.services.apigateway.access_log import AccessLog
from stratus.services.apigateway.definition import Definition
from stratus.services.apigateway.errors import bad_request, not_found
from stratus.services.apigateway.exchange import Place
from stratus.services.apigateway.live_stage import Gateway, LiveStage
from stratus.services.apigateway.openapi import Reader
from stratus.services.apigateway.state import Api, Deployment, Document, Settings, Stage, State

_ID_CHARACTERS = string.ascii_lowercase + string.digits


class ApiGatewayBase(Service):
    """The state that operations share, and the stages that take requests."""

    surroundings: Surroundings
    state: State
    gateway: Gateway
    changing: asyncio.Lock
    _live: dict[str, dict[str, LiveStage]]

    def api(self, call: Call) -> Api:
        """The API that a call names. Raises NotFoundException."""
        api = self.state.apis.get(call.params["restApiId"])
        if api is None:
            raise not_found("API")
        return api

    def stage(self, call: Call) -> Stage:
        stage = self.api(call).stages.get(call.params["stageName"])
        if stage is None:
            raise not_found("stage")
        return stage

    def deployment(self, api: Api, id_: str) -> Deployment:
        deployment = api.deployments.get(id_)
        if deployment is None:
            raise not_found("Deployment")
        return deployment

    def live(self, api: str) -> Mapping[str, LiveStage]:
        """The stages of an API by name, compiled on first use after a change."""
        found = self._live.get(api)
        if found is None:
            stored = self.state.apis.get(api)
            if stored is None:
                return {}
            found = self._live[api] = {name: self.compiled(stored, stage) for name, stage in stored.stages.items()}
        return found

    def changed(self, api: str) -> None:
        """Whoever asks next sees what is stored now. Requests on their way finish with what they began with."""
        self._live.pop(api, None)

    def compiled(self, api: Api, stage: Stage) -> LiveStage:
        """Raises AwsError for what cannot run."""
        deployment = self.deployment(api, stage.deployment)
        place = self.place(api, stage.name, deployment.id, stage.variables)
        definition = definition_of(deployment.document, deployment.settings, stage.variables)
        return LiveStage(self.gateway, definition, place, stage.methods, self._access_log(stage))

    def place(self, api: Api, stage: str, deployment: str, variables: Mapping[str, str] | None = None) -> Place:
        around = self.surroundings
        return Place(around.account, around.region, api.id, stage, deployment, dict(variables or {}))

    def _access_log(self, stage: Stage) -> AccessLog | None:
        if stage.log_destination is None or stage.log_format is None:
            return None
        around = self.surroundings
        try:
            return AccessLog(around.caller, around.account, around.region, stage.log_destination, stage.log_format)
        except ValueError:
            raise bad_request("Invalid ARN specified in the access log settings: it must be a log group's") from None


def definition_of(document: Document, settings: Settings, variables: Mapping[str, str]) -> Definition:
    return Reader(document, settings, variables).definition()


def new_id(length: int = 10) -> str:
    """An id as API Gateway makes them: letters and digits, drawn at random."""
    return "".join(secrets.choice(_ID_CHARACTERS) for _ in range(length))


_O = TypeVar("_O", bound=ApiGatewayBase)
_Handler = Callable[[_O, Call], Awaitable[Result]]


def one_at_a_time(handler: _Handler[_O]) -> _Handler[_O]:
    """For operations that read, change and write: two of them must not overwrite each other's change."""

    @functools.wraps(handler)
    async def alone(service: _O, call: Call) -> Result:
        async with service.changing:
            return await handler(service, call)

    return alone


def rest(verb: str, path: str) -> AccessRule:
    """The access that a control plane operation asks for: its own HTTP verb and path.

    Source: Service Authorization Reference, "Amazon API Gateway Management". `path` has parameters of the call in braces.
    """

    def access(service: ApiGatewayBase, call: Call) -> Iterable[Access]:
        texts = {name: value for name, value in call.params.items() if isinstance(value, str)}
        yield Access(f"apigateway:{verb}", f"arn:aws:apigateway:{call.region}::{path.format_map(texts)}")

    return access


def page(items: list[Any]) -> dict[str, Any]:
    """A list answer. All is one page: an account has few APIs."""
    return {"items": items}
