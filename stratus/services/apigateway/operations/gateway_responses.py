"""Gateway responses of an API; they take effect with the next deployment."""

from dataclasses import replace
from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.apigateway.base import ApiGatewayBase, one_at_a_time, page, rest
from stratus.services.apigateway.errors import GATEWAY_STATUSES, RESPONSE_TYPES, not_found
from stratus.services.apigateway.gateway_responses import GatewayResponses
from stratus.services.apigateway.openapi import GATEWAY_RESPONSES, gateway_response

_OF_API = "/restapis/{restApiId}/gatewayresponses"
_DEFAULT_TEMPLATES = {"application/json": '{"message":$context.error.messageString}'}


class GatewayResponseOperations(ApiGatewayBase):
    @operation("PutGatewayResponse", rest("PUT", _OF_API + "/{responseType}"))
    @one_at_a_time
    async def put_gateway_response(self, call: Call) -> Result:
        api, kind = self.api(call), call.params["responseType"]
        spec = {
            name: call.params[name]
            for name in ("statusCode", "responseParameters", "responseTemplates")
            if call.params.get(name) is not None
        }
        GatewayResponses({kind: gateway_response(kind, spec)})
        responses = {**api.document.get(GATEWAY_RESPONSES, {}), kind: spec}
        await self.state.save_api(replace(api, document={**api.document, GATEWAY_RESPONSES: responses}))
        return _described(kind, spec)

    @operation("GetGatewayResponse", rest("GET", _OF_API + "/{responseType}"))
    async def get_gateway_response(self, call: Call) -> Result:
        kind = call.params["responseType"]
        if kind not in RESPONSE_TYPES:
            raise not_found("GatewayResponse")
        return _described(kind, self.api(call).document.get(GATEWAY_RESPONSES, {}).get(kind))

    @operation("GetGatewayResponses", rest("GET", _OF_API))
    async def get_gateway_responses(self, call: Call) -> Result:
        own = self.api(call).document.get(GATEWAY_RESPONSES, {})
        return page([_described(kind, own.get(kind)) for kind in sorted(RESPONSE_TYPES)])

    @operation("DeleteGatewayResponse", rest("DELETE", _OF_API + "/{responseType}"))
    @one_at_a_time
    async def delete_gateway_response(self, call: Call) -> Result:
        api, kind = self.api(call), call.params["responseType"]
        responses = dict(api.document.get(GATEWAY_RESPONSES, {}))
        if responses.pop(kind, None) is None:
            raise not_found("GatewayResponse")
        await self.state.save_api(replace(api, document={**api.document, GATEWAY_RESPONSES: responses}))
        return {}


def _described(kind: str, spec: dict[str, Any] | None) -> dict[str, Any]:
    own = spec or {}
    status = own.get("statusCode") or GATEWAY_STATUSES.get(kind)
    return {
        "responseType": kind,
        "statusCode": None if status is None else str(status),
        "responseParameters": own.get("responseParameters", {}),
        "responseTemplates": own.get("responseTemplates") or _DEFAULT_TEMPLATES,
        "defaultResponse": spec is None,
    }
