"""Who calls, and whether they may: the one place where requests are authenticated and accesses are authorised."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from stratus.clock import Clock
from stratus.iam.access import Access
from stratus.iam.credentials import BadSeal, Credentials, Vault, new_secret, unique_id
from stratus.iam.directory import Directory
from stratus.iam.entities import AccessKey, Role, User
from stratus.iam.failures import Failure, Family, access_denied, failure, family_of
from stratus.iam.policy.compiled import compiled
from stratus.iam.policy.context import Context
from stratus.iam.policy.document import Use
from stratus.iam.policy.evaluation import Denial, Layer, Policies, decide
from stratus.iam.policy.principals import Requester
from stratus.iam.principal import ANONYMOUS, ContextValues, Kind, Principal
from stratus.iam.sessions import Sessions
from stratus.iam.sigv4.canonical import Fields, fields_of
from stratus.iam.sigv4.claim import Claim, read_claim
from stratus.iam.sigv4.payload import s3_body, s3_payload_hash, sha256_of
from stratus.iam.sigv4.verify import check_window, verify
from stratus.wire.message import Body, BytesBody, Request

ADMINISTRATOR = "admin"
ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
MAX_BODY = 16 * 1024 * 1024
MAX_REMEMBERED_DECISIONS = 2048
LONGEST_ARN = 2048
_SECRET_PURPOSE = "secret of "  # noqa: S105 - what the vault binds a sealed secret to
_SIGNING_NAMES = {"dynamodbstreams": "dynamodb", "sesv2": "ses"}
_NO_KEYS: ContextValues = {}

ResourcePolicyOf = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A caller that is believed. `region` is the one that was signed for (None for an unsigned request).

    `body` replaces the request's: for S3 it checks hashes and chunk signatures while it is read, and raises AwsError before it ends
    when anything is wrong; `aws-chunked` is decoded (then it is a `TrailedBody`). For other services it is whole and checked already.
    `context` holds the condition keys that come with the way of signing (`s3:authType` ...).
    """

    principal: Principal
    region: str | None
    body: Body
    context: ContextValues = field(default_factory=dict)


class Iam:
    """Authentication and authorisation of one account. Make it with `Iam.open`."""

    def __init__(self, directory: Directory, vault: Vault, clock: Clock, wall_clock: Callable[[], float]) -> None:
        self.directory = directory
        self.sessions = Sessions(vault, directory)
        self._vault = vault
        self._clock = clock
        self._wall_clock = wall_clock
        self._users: dict[str, tuple[str, Principal]] = {}
        self._decisions: dict[tuple[object, ...], Denial | None] = {}
        self._remembered_at = -1

    @classmethod
    async def open(cls, folder: Path, clock: Clock, *, wall_clock: Callable[[], float] = time.time) -> "Iam":
        """Opens `folder` (made, mode 0700, where it is not there). On the first run it draws the account id and makes the
        administrator: a user `admin` with AdministratorAccess and a random key. Who took those from the administrator finds them made
        again at the next start: as on AWS, nobody can be locked out of their own account.

        `clock` judges when temporary credentials end; `wall_clock` the dates of signatures. Raises UnusableKeyError.
        """
        iam = cls(*_files(folder), clock, wall_clock)
        await iam._ensure_administrator()
        return iam

    async def close(self) -> None:
        await self.directory.close()

    @property
    def account(self) -> str:
        """The account's id, 12 digits, drawn on the first run."""
        return self.directory.account

    @property
    def administrator(self) -> Credentials:
        """The administrator's key: the one made on the first run, until the administrator replaces it."""
        key = self._administrator_keys()[0]
        return Credentials(key.name, self._secret(key))

    @property
    def administrator_principal(self) -> Principal:
        """The administrator as a caller inside the process (the template engine)."""
        user = self.directory.user(ADMINISTRATOR)
        assert user is not None, "made at each start"
        return self._user_principal(user, "")

    def new_access_key(self, user: str, now: float) -> tuple[AccessKey, Credentials]:
        """A random key for `user`, not saved yet, and what its holder signs with."""
        key_id, secret = unique_id("AKIA"), new_secret()
        sealed = self._vault.seal(_SECRET_PURPOSE + key_id, secret)
        return AccessKey(name=key_id, user=user, sealed=sealed, created=now), Credentials(key_id, secret)

    async def authenticate(
        self, request: Request, service: str, *, region: str | None = None, body_limit: int = MAX_BODY
    ) -> Authenticated:
        """Who sent `request` to `service` (botocore's name, or `execute-api`).

        Signature Version 4 in the Authorization header or the query. `region` is the one that must have been signed for; None takes
        any. For S3 the body is left unread and an unsigned request is the anonymous caller's; for every other service the body is
        read whole, at most `body_limit` bytes, and an unsigned request is refused.

        Raises AwsError as `service` words it: unsigned, unreadable, unknown key, bad or expired token, wrong scope, out of its time
        window, a header not under the signature, another body, a wrong signature; BodyTooLarge and BodyIncomplete where the body is
        read. Source: IAM User Guide, "AWS Signature Version 4 for API requests".
        """
        family = family_of(service)
        fields = fields_of(request.headers.fields)
        claim = read_claim(request, fields, family)
        if claim is None:
            if family is not Family.S3:
                raise failure(family, Failure.MISSING)
            body = s3_body(request, fields, s3_payload_hash(None, fields), None, None)
            return Authenticated(ANONYMOUS, None, body)
        signing_name = _SIGNING_NAMES.get(service, service)
        check_window(claim, family, signing_name, region, self._wall_clock())
        secret, principal = self._holder(claim, family)
        if family is Family.S3:
            payload_hash = s3_payload_hash(claim, fields)
            key = verify(request, fields, claim, payload_hash, secret, family)
            body = s3_body(request, fields, payload_hash, claim, key)
            return Authenticated(principal, claim.region, body, self._s3_keys(claim, fields))
        data = await request.body.read(body_limit)
        verify(request, fields, claim, await sha256_of(data), secret, family)
        return Authenticated(principal, claim.region, BytesBody(data))

    def authorise(
        self,
        service: str,
        principal: Principal,
        accesses: Iterable[Access],
        resource_policy_of: ResourcePolicyOf,
        *,
        region: str,
        request: Request | None = None,
        context: ContextValues = _NO_KEYS,
    ) -> None:
        """That `principal` is allowed every one of `accesses`; otherwise raises AwsError, as `service` says access denied.

        `resource_policy_of(arn)` gives the JSON text of the policy on a resource, or None. `context` adds condition keys of the call
        (`Authenticated.context`, `aws:SourceArn` ...); keys of the caller, the time and the request are added here.
        """
        for access in accesses:
            denial = self.denial(principal, access, resource_policy_of, region=region, request=request, context=context)
            if denial is not None:
                raise access_denied(family_of(service), _sentence(service, principal, access, denial))

    def allows(
        self,
        principal: Principal,
        access: Access,
        resource_policy_of: ResourcePolicyOf,
        *,
        region: str,
        request: Request | None = None,
        context: ContextValues = _NO_KEYS,
    ) -> bool:
        """Whether one more access would be allowed (`Call.allows`)."""
        return (
            self.denial(principal, access, resource_policy_of, region=region, request=request, context=context) is None
        )

    def denial(
        self,
        principal: Principal,
        access: Access,
        resource_policy_of: ResourcePolicyOf,
        *,
        region: str,
        request: Request | None = None,
        context: ContextValues = _NO_KEYS,
    ) -> Denial | None:
        """The decision on one access: None, or which kind of policy denies it.

        One that read no condition key is remembered until the next change of the account.
        """
        text = resource_policy_of(access.resource)
        caller = (principal.kind, principal.arn, principal.account, principal.identity, principal.session_policies)
        question = (access.action, access.resource, text, caller)
        self._forget_after_changes()
        if question in self._decisions:
            return self._decisions[question]
        keys = Context(
            lambda: self._request_keys(request, region),
            context,
            access.context,
            principal.context,
            lambda: _principal_keys(principal),
        )
        decision = self._decide(principal, access, text, keys)
        if not keys.was_read and len(access.resource) <= LONGEST_ARN:
            if len(self._decisions) >= MAX_REMEMBERED_DECISIONS:
                self._decisions.clear()
            self._decisions[question] = decision
        return decision

    def _decide(self, principal: Principal, access: Access, text: str | None, keys: Context) -> Denial | None:
        trust = access.action.startswith(_TRUST_ACTIONS)
        permissions = self.directory.permissions(principal.identity)
        policies = Policies(
            identity=permissions.policies,
            boundary=permissions.boundary,
            session=[compiled(policy, Use.IDENTITY) for policy in principal.session_policies],
            resource=None if text is None else compiled(text, Use.TRUST if trust else Use.RESOURCE),
            resource_must_grant=trust,
            same_account=principal.account in ("", self.account),
        )
        return decide(_requester(principal), access.action, access.resource, policies, keys)

    def trusts(
        self,
        role: Role,
        requester: Requester,
        action: str,
        context: ContextValues,
        *,
        region: str,
        request: Request | None = None,
    ) -> bool:
        """Whether `role`'s trust policy lets one that brings no AWS credentials (a web identity) perform `action` on it."""
        policies = Policies(resource=compiled(self.directory.trust(role), Use.TRUST), resource_must_grant=True)
        keys = Context(lambda: self._request_keys(request, region), context)
        return decide(requester, action, role.arn(self.account), policies, keys) is None

    def _holder(self, claim: Claim, family: Family) -> tuple[str, Principal]:
        """The secret and the principal of the key that the claim names."""
        if claim.token is not None:
            try:
                session = self.sessions.read(claim.token)
            except BadSeal:
                raise failure(family, Failure.BAD_TOKEN) from None
            if session.access_key_id != claim.access_key_id:
                raise failure(family, Failure.BAD_TOKEN)
            if session.expires <= self._clock.now():
                raise failure(family, Failure.EXPIRED_TOKEN)
            return session.secret, session.principal
        key = self.directory.access_key(claim.access_key_id)
        if key is None or not key.active:
            raise failure(family, Failure.UNKNOWN_KEY)
        return self._user(key)

    def _user(self, key: AccessKey) -> tuple[str, Principal]:
        self._forget_after_changes()
        found = self._users.get(key.name)
        if found is None:
            user = self.directory.user(key.user)
            assert user is not None, "a key goes with its user"
            found = self._users[key.name] = self._secret(key), self._user_principal(user, key.name)
        return found

    def _forget_after_changes(self) -> None:
        if self._remembered_at != self.directory.version:
            self._users.clear()
            self._decisions.clear()
            self._remembered_at = self.directory.version

    def _user_principal(self, user: User, key_id: str) -> Principal:
        arn = user.arn(self.account)
        context = {"aws:userid": (user.id,), "aws:username": (user.name,)}
        context |= {f"aws:PrincipalTag/{tag}": (value,) for tag, value in user.tags.items()}
        return Principal(Kind.USER, arn, self.account, identity=arn, access_key_id=key_id, context=context)

    def _secret(self, key: AccessKey) -> str:
        return str(self._vault.unseal(_SECRET_PURPOSE + key.name, key.sealed))

    def _administrator_keys(self) -> list[AccessKey]:
        return [key for key in self.directory.access_keys(ADMINISTRATOR) if key.active]

    async def _ensure_administrator(self) -> None:
        now = self._clock.now()
        account = self.account or f"{secrets.randbelow(9 * 10**11) + 10**11}"
        user = self.directory.user(ADMINISTRATOR) or User(name=ADMINISTRATOR, id=unique_id("AIDA"), created=now)
        if ADMINISTRATOR_ACCESS not in user.attached:
            user = replace(user, attached=(*user.attached, ADMINISTRATOR_ACCESS))
        keys = [] if self._administrator_keys() else [self.new_access_key(ADMINISTRATOR, now)[0]]
        if keys or user != self.directory.user(ADMINISTRATOR):
            await self.directory.save(user, *keys, settings={"account": account})

    def _request_keys(self, request: Request | None, region: str) -> Mapping[str, tuple[str, ...]]:
        now = int(self._clock.now())
        keys = {
            "aws:CurrentTime": (_iso(now),),
            "aws:EpochTime": (str(now),),
            "aws:RequestedRegion": (region,),
            "aws:ViaAWSService": ("false",),
            "aws:SecureTransport": ("true",),
        }
        if request is not None:
            keys["aws:SecureTransport"] = ("true" if request.secure else "false",)
            keys["aws:SourceIp"] = (request.client,)
            for key, header in (("aws:UserAgent", "user-agent"), ("aws:Referer", "referer")):
                value = request.headers.get(header)
                if value is not None:
                    keys[key] = (value,)
        return keys

    def _s3_keys(self, claim: Claim, fields: Fields) -> ContextValues:
        """Source: "Amazon S3 Signature Version 4 authentication specific policy keys" (Amazon S3 API Reference)."""
        keys = {
            "s3:authType": ("REST-QUERY-STRING" if claim.presigned else "REST-HEADER",),
            "s3:signatureversion": ("AWS4-HMAC-SHA256",),
            "s3:signatureAge": (str(max(0, int((self._wall_clock() - claim.moment) * 1000))),),
        }
        payload_hash = fields.get("x-amz-content-sha256")
        if payload_hash is not None:
            keys["s3:x-amz-content-sha256"] = (payload_hash,)
        return keys


def _files(folder: Path) -> tuple[Directory, Vault]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = Directory(folder / "iam.sqlite")
    return directory, Vault.open(folder / "key", first_run=not directory.account)


_TRUST_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


def _requester(principal: Principal) -> Requester:
    if principal.kind is Kind.SERVICE:
        return Requester(service=principal.arn)
    if principal.kind is Kind.ANONYMOUS:
        return Requester()
    return Requester(account=principal.account, direct=principal.arn, identity=principal.identity)


@lru_cache(maxsize=4)
def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_TYPES = {Kind.USER: "User", Kind.ROLE_SESSION: "AssumedRole", Kind.SERVICE: "Service", Kind.ANONYMOUS: "Anonymous"}


def _principal_keys(principal: Principal) -> ContextValues:
    """Source: "AWS global condition context keys" (IAM User Guide)."""
    if principal.kind is Kind.SERVICE:
        return {"aws:PrincipalIsAWSService": ("true",), "aws:PrincipalServiceName": (principal.arn,)}
    keys = {"aws:PrincipalIsAWSService": ("false",), "aws:PrincipalType": (_TYPES[principal.kind],)}
    if principal.identity:
        keys["aws:PrincipalArn"] = (principal.identity,)
        keys["aws:PrincipalAccount"] = (principal.account,)
    return keys


def _sentence(service: str, principal: Principal, access: Access, denial: Denial) -> str:
    """Source: "Troubleshoot access denied error messages" (IAM User Guide)."""
    if service == "s3" and principal.kind is Kind.ANONYMOUS:
        return "Access Denied"
    resource = f'"{access.resource}"' if service == "s3" else access.resource
    if denial.explicit:
        reason = f"with an explicit deny in {_article(denial.layer)} {denial.layer.value}"
    else:
        reason = f"because no {denial.layer.value} allows the {access.action} action"
    return f"User: {principal.arn} is not authorized to perform: {access.action} on resource: {resource} {reason}"


def _article(layer: Layer) -> str:
    return "an" if layer is Layer.IDENTITY else "a"
