"""Who may call a method: AWS_IAM signatures, `execute-api:Invoke` and the API's resource policy.

Signatures and policies are IAM's; the gateway only asks. Source: API Gateway Developer Guide, "How API Gateway resource policies affect
authorization workflow".
"""

from typing import Any, Protocol

import orjson

from stratus.iam.gate import Authenticated, ResourcePolicyOf
from stratus.iam.policy.document import MalformedPolicy, Use, read
from stratus.iam.policy.evaluation import Denial
from stratus.iam.principal import ANONYMOUS, Principal
from stratus.service import Access
from stratus.services.apigateway.errors import (
    GatewayError,
    access_denied,
    bad_request,
    body_incomplete,
    missing_token,
    too_large,
)
from stratus.services.apigateway.exchange import Exchange, Place
from stratus.wire.errors import AwsError
from stratus.wire.message import BodyIncomplete, BodyTooLarge, Request

MAX_BODY = 10 * 1024 * 1024
_SHORT = "execute-api:/"
_BAD_POLICY = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."
_KINDS = {
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
    "MissingAuthenticationToken": "MISSING_AUTHENTICATION_TOKEN",
    "ExpiredTokenException": "EXPIRED_TOKEN",
    "ExpiredToken": "EXPIRED_TOKEN",
}


class Gate(Protocol):
    """What the gateway needs of `stratus.iam.gate.Iam`."""

    async def authenticate(
        self, request: Request, service: str, *, region: str | None = None, body_limit: int = MAX_BODY
    ) -> Authenticated: ...

    def denial(
        self,
        principal: Principal,
        access: Access,
        resource_policy_of: ResourcePolicyOf,
        *,
        region: str,
        request: Request | None = None,
    ) -> Denial | None: ...


class InvokePermission:
    """Asks IAM for one API stage."""

    def __init__(self, gate: Gate, policy: str | None, place: Place) -> None:
        self._gate = gate
        self._policy = None if policy is None else whole_policy(policy, place)

    async def authenticate(self, exchange: Exchange) -> None:
        """Sets the exchange's caller, or raises GatewayError in the words of Signature Version 4. The body is read: it is signed too."""
        try:
            known = await self._gate.authenticate(
                exchange.request, "execute-api", region=exchange.place.region, body_limit=MAX_BODY
            )
        except BodyTooLarge:
            raise too_large() from None
        except BodyIncomplete:
            raise body_incomplete() from None
        except AwsError as error:
            raise _refusal(error) from None
        exchange.caller = known.principal
        exchange.request.body = known.body

    def check(self, exchange: Exchange) -> None:
        """That the caller may invoke the method; for callers without a signature only the API's own policy decides."""
        if exchange.caller is None and self._policy is None:
            return
        caller = exchange.caller or ANONYMOUS
        arn = exchange.place.arn(exchange.request.method, exchange.path)
        denial = self._gate.denial(
            caller,
            Access("execute-api:Invoke", arn),
            lambda _: self._policy,
            region=exchange.place.region,
            request=exchange.request,
        )
        if denial is not None:
            raise access_denied(_sentence(caller, arn, denial))


def whole_policy(policy: str, place: Place) -> str:
    """The policy with its short resources (`execute-api:/stage/GET/path`) written out; raises AwsError for what is no policy.

    Source: API Gateway Developer Guide, "API Gateway resource policy examples": API Gateway expands them when it saves a policy.
    """
    prefix = f"arn:aws:execute-api:{place.region}:{place.account}:{place.api}/"
    try:
        document = orjson.loads(policy)
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            for key in {"Resource", "NotResource"} & statement.keys():
                statement[key] = [_expanded(resource, prefix) for resource in _listed(statement[key])]
        whole = orjson.dumps(document).decode()
        read(whole, Use.RESOURCE)
    except (ValueError, KeyError, TypeError, AttributeError, MalformedPolicy) as error:
        raise bad_request(_BAD_POLICY) from error
    return whole


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _expanded(resource: str, prefix: str) -> str:
    return prefix + resource.removeprefix(_SHORT) if resource.startswith(_SHORT) else resource


def _refusal(error: AwsError) -> GatewayError:
    kind = _KINDS.get(error.code, "ACCESS_DENIED" if "AccessDenied" in error.code else "INVALID_SIGNATURE")
    if kind == "MISSING_AUTHENTICATION_TOKEN":
        return missing_token()
    return GatewayError(kind, error.message, error.code)


def _sentence(caller: Principal, arn: str, denial: Denial) -> str:
    """The account's first eight digits are masked, as AWS does."""
    who = "anonymous" if caller is ANONYMOUS else caller.arn
    parts = arn.split(":")
    parts[4] = "********" + parts[4][-4:]
    why = " with an explicit deny" if denial.explicit else ""
    return f"User: {who} is not authorized to perform: execute-api:Invoke on resource: {':'.join(parts)}{why}"
