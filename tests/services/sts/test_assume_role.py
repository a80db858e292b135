"""Who may be what: trust policies really evaluated, sessions really limited."""

import json

import pytest
from botocore.exceptions import ClientError

from stratus.iam.principal import ANONYMOUS, service_principal
from stratus.wire.errors import AwsError

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, action="sts:AssumeRole", **more) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


@pytest.fixture
def iam(account):
    return account.client("iam")


@pytest.fixture
def role(account, iam):
    """`role(trust policy, name)` makes a role that may do everything; gives its ARN."""

    def make(policy: str, name: str = "Worker", **options) -> str:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy, **options)["Role"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=ADMIN)
        return arn

    return make


@pytest.fixture
def ann(account, iam):
    iam.create_user(UserName="ann")
    return account.client("sts", iam.create_access_key(UserName="ann")["AccessKey"])


def refused(call, **params) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**params)
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_given_trust_in_the_user_when_she_assumes_the_role_then_she_is_its_session(account, ann, role):
    arn = role(trust({"AWS": account.arn("user/ann")}))
    answer = ann.assume_role(RoleArn=arn, RoleSessionName="s1", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account.iam.account}:assumed-role/Worker/s1"
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert answer["Credentials"]["Expiration"].timestamp() == pytest.approx(account.clock.now() + 900, abs=1)
    identity = account.client("sts", answer["Credentials"]).get_caller_identity()
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert account.client("iam", answer["Credentials"]).list_users()["Users"]


def test_given_a_session_when_the_account_is_opened_again_then_it_still_works_until_its_end(account, ann, role):
    keys = ann.assume_role(
        RoleArn=role(trust({"AWS": account.arn("user/ann")})), RoleSessionName="s1", DurationSeconds=900
    )["Credentials"]
    account.reopen()
    client = account.client("sts", keys)
    client.get_caller_identity()
    account.clock.advance(901)
    assert refused(client.get_caller_identity) == ("ExpiredToken", 403)


def test_given_trust_in_the_account_when_no_identity_policy_allows_then_denied(account, iam, ann, role):
    arn = role(trust({"AWS": account.arn("root")}))
    assert refused(ann.assume_role, RoleArn=arn, RoleSessionName="s1") == ("AccessDenied", 403)
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
    iam.put_user_policy(UserName="ann", PolicyName="assume", PolicyDocument=document(allow))
    assert ann.assume_role(RoleArn=arn, RoleSessionName="s1")


def test_given_every_permission_when_the_role_does_not_trust_then_denied(account, role):
    arn = role(trust({"Service": "lambda.amazonaws.com"}))
    admin = account.client("sts")
    with pytest.raises(ClientError) as error:
        admin.assume_role(RoleArn=arn, RoleSessionName="s1")
    assert error.value.response["Error"]["Message"] == (
        f"User: {account.arn('user/admin')} is not authorized to perform: sts:AssumeRole on resource: {arn} "
        "because no role trust policy allows the sts:AssumeRole action"
    )


@pytest.mark.parametrize("arn", ["role/None", "role/wrong/path/Worker", "user/admin", "role/worker"])
def test_given_a_role_that_is_not_there_then_denied_and_not_told(account, role, arn):
    role(trust({"AWS": account.arn("user/admin")}))
    assert refused(account.client("sts").assume_role, RoleArn=account.arn(arn), RoleSessionName="s1") == (
        "AccessDenied",
        403,
    )


def test_given_an_external_id_in_the_trust_when_it_is_wrong_or_missing_then_denied(account, ann, role):
    arn = role(trust({"AWS": account.arn("user/ann")}, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))
    assert refused(ann.assume_role, RoleArn=arn, RoleSessionName="s1") == ("AccessDenied", 403)
    assert refused(ann.assume_role, RoleArn=arn, RoleSessionName="s1", ExternalId="guess") == ("AccessDenied", 403)
    assert ann.assume_role(RoleArn=arn, RoleSessionName="s1", ExternalId="secret")


def test_given_a_session_name_in_the_trust_when_it_is_another_then_denied(account, ann, role):
    condition = {"StringLike": {"sts:RoleSessionName": "${aws:username}"}}
    arn = role(trust({"AWS": account.arn("user/ann")}, Condition=condition))
    assert refused(ann.assume_role, RoleArn=arn, RoleSessionName="bob") == ("AccessDenied", 403)
    assert ann.assume_role(RoleArn=arn, RoleSessionName="ann")


def test_given_a_trust_taken_back_when_assumed_again_then_denied(account, iam, ann, role):
    arn = role(trust({"AWS": account.arn("user/ann")}))
    ann.assume_role(RoleArn=arn, RoleSessionName="s1")
    iam.update_assume_role_policy(RoleName="Worker", PolicyDocument=trust({"AWS": account.arn("user/admin")}))
    assert refused(ann.assume_role, RoleArn=arn, RoleSessionName="s1") == ("AccessDenied", 403)


def test_given_trust_in_a_user_who_was_deleted_when_another_of_the_name_comes_then_denied(account, iam, ann, role):
    arn = role(trust({"AWS": account.arn("user/ann")}))
    unique_id = iam.get_user(UserName="ann")["User"]["UserId"]
    for key in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="ann")
    iam.create_user(UserName="ann")
    other = account.client("sts", iam.create_access_key(UserName="ann")["AccessKey"])
    assert refused(other.assume_role, RoleArn=arn, RoleSessionName="s1") == ("AccessDenied", 403)
    shown = iam.get_role(RoleName="Worker")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": [unique_id]}
    iam.update_assume_role_policy(RoleName="Worker", PolicyDocument=trust({"AWS": account.arn("user/ann")}))
    assert other.assume_role(RoleArn=arn, RoleSessionName="s1")


def test_given_a_session_when_its_role_is_deleted_then_it_is_nobody(account, iam, ann, role):
    keys = ann.assume_role(RoleArn=role(trust({"AWS": account.arn("user/ann")})), RoleSessionName="s1")["Credentials"]
    iam.detach_role_policy(RoleName="Worker", PolicyArn=ADMIN)
    iam.delete_role(RoleName="Worker")
    assert refused(account.client("sts", keys).get_caller_identity) == ("InvalidClientTokenId", 403)


def test_given_sessions_revoked_by_their_issue_time_when_they_call_then_denied(account, iam, ann, role):
    keys = ann.assume_role(RoleArn=role(trust({"AWS": account.arn("user/ann")})), RoleSessionName="s1")["Credentials"]
    client = account.client("iam", keys)
    client.list_users()
    revoke = EVERYTHING | {
        "Effect": "Deny",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}},
    }
    iam.put_role_policy(RoleName="Worker", PolicyName="AWSRevokeOlderSessions", PolicyDocument=document(revoke))
    assert refused(client.list_users) == ("AccessDenied", 403)


def test_given_session_policies_when_the_session_calls_then_only_what_they_allow_too(account, iam, ann, role):
    arn = role(trust({"AWS": account.arn("user/ann")}))
    roles = iam.create_policy(PolicyName="roles", PolicyDocument=document(EVERYTHING | {"Action": "iam:ListRoles"}))[
        "Policy"
    ]["Arn"]
    users = document(EVERYTHING | {"Action": "iam:ListUsers"})
    answer = ann.assume_role(RoleArn=arn, RoleSessionName="s1", Policy=users, PolicyArns=[{"arn": roles}])
    client = account.client("iam", answer["Credentials"])
    assert 0 < answer["PackedPolicySize"] < 100
    client.list_users()
    client.list_roles()
    with pytest.raises(ClientError, match="because no session policy allows the iam:ListPolicies action"):
        client.list_policies()
    iam.delete_policy(PolicyArn=roles)
    with pytest.raises(ClientError, match="with an explicit deny in a session policy"):
        client.list_users()


def test_given_a_duration_past_the_roles_limit_then_refused(account, ann, role):
    arn = role(trust({"AWS": account.arn("user/ann")}), MaxSessionDuration=3600)
    assert refused(ann.assume_role, RoleArn=arn, RoleSessionName="s1", DurationSeconds=3601) == ("ValidationError", 400)


def test_given_a_session_that_assumes_another_role_then_an_hour_is_the_limit(account, ann, role):
    first = role(trust({"AWS": account.arn("user/ann")}), "First", MaxSessionDuration=43200)
    second = role(trust({"AWS": first}), "Second", MaxSessionDuration=43200)
    keys = ann.assume_role(RoleArn=first, RoleSessionName="s1", DurationSeconds=43200)["Credentials"]
    chained = account.client("sts", keys)
    assert refused(chained.assume_role, RoleArn=second, RoleSessionName="s2", DurationSeconds=3601) == (
        "ValidationError",
        400,
    )
    assert chained.assume_role(RoleArn=second, RoleSessionName="s2", DurationSeconds=3600)


@pytest.mark.parametrize(
    "extra",
    [
        {"Tags": [{"Key": "a", "Value": "b"}]},
        {"SourceIdentity": "ann"},
        {"SerialNumber": "x" * 9, "TokenCode": "123456"},
    ],
)
def test_given_what_we_do_not_do_then_refused_by_name(account, ann, role, extra):
    arn = role(trust({"AWS": account.arn("user/ann")}))
    assert refused(ann.assume_role, RoleArn=arn, RoleSessionName="s1", **extra) == ("NotImplemented", 501)
    assert refused(ann.get_session_token) == ("NotImplemented", 501)


def test_given_bad_session_policies_then_refused(account, ann, role):
    arn = role(trust({"AWS": account.arn("user/ann")}))
    call = {"RoleArn": arn, "RoleSessionName": "s1"}
    assert refused(ann.assume_role, **call, Policy="{}") == ("MalformedPolicyDocument", 400)
    assert refused(ann.assume_role, **call, PolicyArns=[{"arn": account.arn("policy/none")}]) == ("NoSuchEntity", 404)


def test_given_a_service_when_the_role_trusts_it_then_it_assumes_the_role(account, role):
    arn = role(
        trust(
            {"Service": "lambda.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": account.iam.account}}
        )
    )
    params = {"RoleArn": arn, "RoleSessionName": "function"}
    context = {"aws:SourceAccount": (account.iam.account,)}
    answer = account.call(service_principal("lambda.amazonaws.com"), "sts", "AssumeRole", params, context=context)
    assert answer["Credentials"]["SessionToken"]
    for principal, keys in [
        (service_principal("lambda.amazonaws.com"), {}),
        (service_principal("apigateway.amazonaws.com"), context),
        (ANONYMOUS, context),
    ]:
        with pytest.raises(AwsError) as error:
            account.call(principal, "sts", "AssumeRole", params, context=keys)
        assert error.value.code == "AccessDenied"
