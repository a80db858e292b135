"""The order of decisions, row by row. Source: IAM User Guide, "Policy evaluation logic"."""

import json

import pytest

from stratus.iam.policy.compiled import Policy
from stratus.iam.policy.context import Context
from stratus.iam.policy.document import Use, read
from stratus.iam.policy.evaluation import Denial, Layer, Policies, decide
from stratus.iam.policy.principals import Requester

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/s"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SESSION_REQUESTER = Requester(account=ACCOUNT, direct=SESSION, identity=ROLE)
USER_REQUESTER = Requester(account=ACCOUNT, direct=USER, identity=USER)
SERVICE = Requester(service="apigateway.amazonaws.com")
ANYONE = Requester()
WEB = Requester(federated="cognito-identity.amazonaws.com")

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
DENY = ALLOW | {"Effect": "Deny"}
OTHER = ALLOW | {"Action": "s3:PutObject"}


def policy(statement: dict, use: Use = Use.IDENTITY) -> Policy:
    return Policy(read(json.dumps({"Version": "2012-10-17", "Statement": statement}), use))


def granting(principal: object, effect: str = "Allow", element: str = "Principal") -> Policy:
    return policy({"Effect": effect, "Action": "s3:GetObject", "Resource": "*", element: principal}, Use.RESOURCE)


YES, NO, ELSE = policy(ALLOW), policy(DENY), policy(OTHER)
NOT_IDENTITY = Denial(Layer.IDENTITY, explicit=False)
NOT_RESOURCE = Denial(Layer.RESOURCE, explicit=False)
NOT_BOUNDARY = Denial(Layer.BOUNDARY, explicit=False)
NOT_SESSION = Denial(Layer.SESSION, explicit=False)
NOT_TRUST = Denial(Layer.TRUST, explicit=False)

ROWS = {
    "nothing allows": (USER_REQUESTER, Policies(), NOT_IDENTITY),
    "an identity policy allows": (USER_REQUESTER, Policies(identity=[ELSE, YES]), None),
    "a denial beats an allowance": (USER_REQUESTER, Policies(identity=[YES, NO]), Denial(Layer.IDENTITY, True)),
    "another action is allowed": (USER_REQUESTER, Policies(identity=[ELSE]), NOT_IDENTITY),
    "a boundary alone gives nothing": (USER_REQUESTER, Policies(boundary=YES), NOT_IDENTITY),
    "a boundary that allows": (USER_REQUESTER, Policies(identity=[YES], boundary=YES), None),
    "a boundary that does not": (USER_REQUESTER, Policies(identity=[YES], boundary=ELSE), NOT_BOUNDARY),
    "a boundary that denies": (USER_REQUESTER, Policies(identity=[YES], boundary=NO), Denial(Layer.BOUNDARY, True)),
    "a session policy alone gives nothing": (SESSION_REQUESTER, Policies(session=[YES]), NOT_IDENTITY),
    "a session policy that does not": (SESSION_REQUESTER, Policies(identity=[YES], session=[ELSE]), NOT_SESSION),
    "one of two session policies allows": (SESSION_REQUESTER, Policies(identity=[YES], session=[ELSE, YES]), None),
    "a session policy that denies": (SESSION_REQUESTER, Policies(identity=[YES], session=[YES, NO]), Denial(Layer.SESSION, True)),
    # resource policies within the account
    "the resource names the user": (USER_REQUESTER, Policies(resource=granting({"AWS": USER})), None),
    "... past the user's boundary": (USER_REQUESTER, Policies(boundary=ELSE, resource=granting({"AWS": USER})), None),
    "... but not past a denial": (USER_REQUESTER, Policies(identity=[NO], resource=granting({"AWS": USER})), Denial(Layer.IDENTITY, True)),
    "... nor a boundary's denial": (USER_REQUESTER, Policies(boundary=NO, resource=granting({"AWS": USER})), Denial(Layer.BOUNDARY, True)),
    "the resource names the role": (SESSION_REQUESTER, Policies(resource=granting({"AWS": ROLE})), None),
    "... within the role's boundary": (SESSION_REQUESTER, Policies(boundary=ELSE, resource=granting({"AWS": ROLE})), NOT_BOUNDARY),
    "... within the session policy": (SESSION_REQUESTER, Policies(session=[ELSE], resource=granting({"AWS": ROLE})), NOT_SESSION),
    "the resource names the session": (SESSION_REQUESTER, Policies(resource=granting({"AWS": SESSION})), None),
    "... past boundary and session policy": (SESSION_REQUESTER, Policies(boundary=ELSE, session=[ELSE], resource=granting({"AWS": SESSION})), None),
    "the resource names another session": (SESSION_REQUESTER, Policies(resource=granting({"AWS": SESSION + "2"})), NOT_IDENTITY),
    "the resource names the account": (USER_REQUESTER, Policies(resource=granting({"AWS": ROOT})), NOT_IDENTITY),
    "... and an identity policy allows": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": ACCOUNT})), None),
    "the resource names everyone": (USER_REQUESTER, Policies(resource=granting("*")), None),
    "... within the boundary": (USER_REQUESTER, Policies(boundary=ELSE, resource=granting({"AWS": "*"})), NOT_BOUNDARY),
    "the resource denies the role": (SESSION_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": ROLE}, "Deny")), Denial(Layer.RESOURCE, True)),
    "the resource denies the account": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": ROOT}, "Deny")), Denial(Layer.RESOURCE, True)),
    "the resource denies someone else": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": ROLE}, "Deny")), None),
    # services, the public, web identities
    "a service without resource policy": (SERVICE, Policies(), NOT_RESOURCE),
    "the resource names the service": (SERVICE, Policies(resource=granting({"Service": SERVICE.service})), None),
    "the resource names another service": (SERVICE, Policies(resource=granting({"Service": "s3.amazonaws.com"})), NOT_RESOURCE),
    "the resource names the account, a service calls": (SERVICE, Policies(resource=granting({"AWS": ACCOUNT})), NOT_RESOURCE),
    "the public without resource policy": (ANYONE, Policies(), NOT_RESOURCE),
    "the public where everyone is named": (ANYONE, Policies(resource=granting("*")), None),
    "the public where an account is named": (ANYONE, Policies(resource=granting({"AWS": ROOT})), NOT_RESOURCE),
    "the public, denied": (ANYONE, Policies(resource=granting("*", "Deny")), Denial(Layer.RESOURCE, True)),
    "a web identity of the named provider": (WEB, Policies(resource=granting({"Federated": WEB.federated})), None),
    "a web identity of another provider": (WEB, Policies(resource=granting({"Federated": "accounts.google.com"})), NOT_RESOURCE),
    # NotPrincipal
    "denied to all but the user and its account": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": [USER, ROOT]}, "Deny", "NotPrincipal")), None),
    "denied to all but the user, its account not listed": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": USER}, "Deny", "NotPrincipal")), Denial(Layer.RESOURCE, True)),
    "denied to all but another": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": [ROLE, ROOT]}, "Deny", "NotPrincipal")), Denial(Layer.RESOURCE, True)),
    "denied to all but session, role and account": (SESSION_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": [SESSION, ROLE, ROOT]}, "Deny", "NotPrincipal")), None),
    "denied to all but the role and account": (SESSION_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": [ROLE, ROOT]}, "Deny", "NotPrincipal")), Denial(Layer.RESOURCE, True)),
    "denied to all but users, the public calls": (ANYONE, Policies(resource=granting({"AWS": ROOT}, "Deny", "NotPrincipal")), Denial(Layer.RESOURCE, True)),
    "allowed to all but the role": (SESSION_REQUESTER, Policies(resource=granting({"AWS": ROLE}, "Allow", "NotPrincipal")), NOT_IDENTITY),
    # trust policies: they alone open a role
    "no trust, whatever identity policies say": (USER_REQUESTER, Policies(identity=[YES], resource_must_grant=True), NOT_TRUST),
    "trust in another": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": ROLE}), resource_must_grant=True), NOT_TRUST),
    "trust in the user": (USER_REQUESTER, Policies(resource=granting({"AWS": USER}), resource_must_grant=True), None),
    "trust in the account, no identity policy": (USER_REQUESTER, Policies(resource=granting({"AWS": ROOT}), resource_must_grant=True), NOT_IDENTITY),
    "trust in the account and an identity policy": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": ROOT}), resource_must_grant=True), None),
    "trust in the service": (SERVICE, Policies(resource=granting({"Service": SERVICE.service}), resource_must_grant=True), None),
    "no trust in the service": (SERVICE, Policies(resource=granting({"AWS": ROOT}), resource_must_grant=True), NOT_TRUST),
    # across accounts both sides must allow
    "another account, only the resource allows": (USER_REQUESTER, Policies(resource=granting({"AWS": USER}), same_account=False), NOT_IDENTITY),
    "another account, only the identity allows": (USER_REQUESTER, Policies(identity=[YES], same_account=False), NOT_RESOURCE),
    "another account, both allow": (USER_REQUESTER, Policies(identity=[YES], resource=granting({"AWS": ROOT}), same_account=False), None),
    "another account, a session policy limits": (SESSION_REQUESTER, Policies(identity=[YES], session=[ELSE], resource=granting({"AWS": SESSION}), same_account=False), NOT_SESSION),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_given_policies_when_a_request_is_decided_then_as_documented(row):
    requester, policies, expected = ROWS[row]
    assert decide(requester, "s3:GetObject", "arn:aws:s3:::b/k", policies, Context()) == expected


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [("*", True), ("s3:*", True), ("S3:getobject", True), ("s3:Get*", True), ("s3:?etObject", True), ("*:GetObject", None), ("s3:Get", False), ("dynamodb:*", False)],
)  # fmt: skip
def test_given_an_action_pattern_then_case_does_not_matter_and_wildcards_do(pattern, matches):
    if matches is None:
        with pytest.raises(Exception, match="Vendor"):
            policy(ALLOW | {"Action": pattern})
        return
    allowed = decide(
        USER_REQUESTER,
        "s3:GetObject",
        "arn:aws:s3:::b",
        Policies(identity=[policy(ALLOW | {"Action": pattern})]),
        Context(),
    )
    assert (allowed is None) is matches


def test_given_not_action_then_everything_else_is_allowed():
    policies = Policies(identity=[policy({"Effect": "Allow", "NotAction": ["iam:*", "s3:Put*"], "Resource": "*"})])
    assert decide(USER_REQUESTER, "s3:GetObject", "arn:aws:s3:::b", policies, Context()) is None
    assert decide(USER_REQUESTER, "s3:PutObject", "arn:aws:s3:::b", policies, Context()) is not None
    assert decide(USER_REQUESTER, "iam:CreateUser", "arn:aws:iam::1:user/x", policies, Context()) is not None
