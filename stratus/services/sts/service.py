"""The STS API. Source: AWS Security Token Service API Reference (2011-06-15)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from stratus.iam.credentials import Credentials
from stratus.iam.entities import Role
from stratus.iam.gate import Iam
from stratus.iam.policy.document import MalformedPolicy, Use, read
from stratus.iam.policy.principals import Requester
from stratus.iam.principal import ContextValues, Kind, Principal
from stratus.service import Access, Call, Params, Service, Surroundings, operation
from stratus.services.sts.web_identity import IssuerKeys, verify
from stratus.wire.errors import AwsError, not_implemented

DEFAULT_DURATION = 3600
CHAINED_DURATION = 3600
MAX_PACKED = 2048
_REFUSED = (
    "Tags",
    "TransitiveTagKeys",
    "SourceIdentity",
    "SerialNumber",
    "TokenCode",
    "ProvidedContexts",
    "ProviderId",
)


def _assume_role(service: "StsService", call: Call) -> Iterable[Access]:
    _refuse(call)
    context = _session_keys(call.params)
    if "ExternalId" in call.params:
        context["sts:ExternalId"] = (call.params["ExternalId"],)
    yield Access("sts:AssumeRole", call.params["RoleArn"], context)


def _nothing(service: "StsService", call: Call) -> Iterable[Access]:
    """Whoever is believed may ask who they are: no permission is needed, and none can be taken away."""
    return ()


class StsService(Service):
    """Temporary credentials. `issuers` gives the keys that web identity tokens are verified with."""

    name = "sts"

    def __init__(self, surroundings: Surroundings, iam: Iam, issuers: IssuerKeys) -> None:
        self._surroundings = surroundings
        self._iam = iam
        self._issuers = issuers

    def resource_policy(self, resource: str) -> str | None:
        """What guards a role against being assumed: its trust policy."""
        role = self._iam.directory.role_of(resource)
        return None if role is None else self._iam.directory.trust(role)

    @operation("AssumeRole", _assume_role)
    async def assume_role(self, call: Call) -> Params:
        role = self._role(call)
        seconds = _duration(call.params, role)
        if call.principal.kind is Kind.ROLE_SESSION and seconds > CHAINED_DURATION:
            raise _invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        return self._begin(call, role, seconds, {})

    @operation("AssumeRoleWithWebIdentity", None)
    async def assume_role_with_web_identity(self, call: Call) -> Params:
        """The token takes the place of credentials, so its trust is evaluated here: by the same policy, as the same action."""
        _refuse(call)
        now = self._surroundings.clock.now()
        identity = verify(call.params["WebIdentityToken"], self._issuers, now)
        role = self._iam.directory.role_of(call.params["RoleArn"])
        action = "sts:AssumeRoleWithWebIdentity"
        requester = Requester(federated=identity.provider)
        keys = {**identity.context, **_session_keys(call.params)}
        if role is None or not self._iam.trusts(
            role, requester, action, keys, region=call.region, request=call.request
        ):
            raise AwsError("AccessDenied", f"Not authorized to perform {action}", 403)
        answer = self._begin(call, role, _duration(call.params, role), identity.context)
        return answer | {
            "SubjectFromWebIdentityToken": identity.subject,
            "Audience": identity.audience,
            "Provider": identity.provider,
        }

    @operation("GetCallerIdentity", _nothing)
    async def get_caller_identity(self, call: Call) -> Params:
        principal = call.principal
        return {"UserId": principal.context["aws:userid"][0], "Account": principal.account, "Arn": principal.arn}

    def _role(self, call: Call) -> Role:
        role = self._iam.directory.role_of(call.params["RoleArn"])
        if role is None:
            raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRole", 403)
        return role

    def _begin(self, call: Call, role: Role, seconds: int, context: ContextValues) -> Params:
        policy, arns = self._session_policies(call.params)
        name = call.params["RoleSessionName"]
        now = self._surroundings.clock.now()
        credentials, principal = self._iam.sessions.begin(
            role, name, now, seconds, policy=policy, policy_arns=arns, context=context
        )
        answer: Params = {"Credentials": _shown(credentials), "AssumedRoleUser": _assumed(principal)}
        if policy is not None or arns:
            answer["PackedPolicySize"] = _packed(policy, arns)
        return answer

    def _session_policies(self, params: Params) -> tuple[str | None, tuple[str, ...]]:
        policy: str | None = params.get("Policy")
        arns = tuple(given["arn"] for given in params.get("PolicyArns", []))
        if policy is not None:
            try:
                read(policy, Use.IDENTITY)
            except MalformedPolicy as error:
                raise AwsError("MalformedPolicyDocument", str(error), 400) from error
        for arn in arns:
            if self._iam.directory.policy(arn) is None:
                raise AwsError("NoSuchEntity", f"Policy {arn} was not found.", 404)
        if len(arns) > 10:
            raise _invalid("The session policies exceed the limit of 10 managed policies.")
        if _packed(policy, arns) > 100:
            raise AwsError(
                "PackedPolicyTooLarge",
                f"Packed policy consumes {_packed(policy, arns)}% of allotted space, please use smaller policy.",
                400,
            )
        return policy, arns


def _packed(policy: str | None, arns: tuple[str, ...]) -> int:
    """How much of the room for session policies is taken, in per cent."""
    size = len((policy or "").encode()) + sum(map(len, arns))
    return -(-size * 100 // MAX_PACKED)


def _session_keys(params: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {"sts:RoleSessionName": (params["RoleSessionName"],)}


def _refuse(call: Call) -> None:
    for member in _REFUSED:
        if call.params.get(member):
            raise not_implemented("sts", f"{call.operation} with {member}")


def _duration(params: Params, role: Role) -> int:
    seconds = params.get("DurationSeconds", DEFAULT_DURATION)
    if seconds > role.max_session:
        raise _invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return int(seconds)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message, 400)


def _shown(credentials: Credentials) -> Params:
    assert credentials.expiration is not None
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": datetime.fromtimestamp(credentials.expiration, UTC),
    }


def _assumed(principal: Principal) -> Params:
    return {"AssumedRoleId": principal.context["aws:userid"][0], "Arn": principal.arn}
