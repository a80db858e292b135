"""The account's settings: the role for logs is recorded, access logs are written without it."""

from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.apigateway.base import ApiGatewayBase, one_at_a_time, rest
from stratus.services.apigateway.patch import patches
from stratus.services.apigateway.throttle import ACCOUNT_BURST, ACCOUNT_RATE

_ROLE = "cloudwatchRoleArn"


class AccountOperations(ApiGatewayBase):
    @operation("GetAccount", rest("GET", "/account"))
    async def get_account(self, call: Call) -> Result:
        return self._account()

    @operation("UpdateAccount", rest("PATCH", "/account"))
    @one_at_a_time
    async def update_account(self, call: Call) -> Result:
        for patch in patches(call.params.get("patchOperations") or []):
            if patch.parts != (_ROLE,) or patch.op == "add":
                raise patch.refusal()
            await self.state.save_account(_ROLE, patch.value or None if patch.op == "replace" else None)
        return self._account()

    def _account(self) -> dict[str, Any]:
        return {
            _ROLE: self.state.account.get(_ROLE),
            "throttleSettings": {"burstLimit": ACCOUNT_BURST, "rateLimit": ACCOUNT_RATE},
            "features": ["UsagePlans"],
            "apiKeyVersion": "4",
        }
