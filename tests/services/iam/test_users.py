"""Users and their keys: what a user may do is what policies say, and a key ends when it is told to."""

import json

import pytest
from botocore.exceptions import ClientError

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def iam(account):
    return account.client("iam")


@pytest.fixture
def ann(account, iam):
    """A user with no policy; her own client for a service."""
    iam.create_user(UserName="ann", Path="/team/")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return lambda service: account.client(service, key)


def policy(*actions, effect="Allow", resource="*", **more) -> str:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def denied(call, **params) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == "AccessDenied"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return error.value.response["Error"]["Message"]


def test_given_the_first_run_when_the_administrator_asks_then_they_are_who_they_are(account):
    identity = account.client("sts").get_caller_identity()
    assert identity["Arn"] == account.arn("user/admin")
    assert identity["Account"] == account.iam.account
    assert len(identity["Account"]) == 12
    assert identity["UserId"].startswith("AIDA")


def test_given_a_restart_then_account_and_administrator_are_the_same(account):
    before = (account.iam.account, account.iam.administrator)
    account.reopen()
    assert (account.iam.account, account.iam.administrator) == before
    assert (account.folder / "key").stat().st_mode & 0o777 == 0o600
    assert account.folder.stat().st_mode & 0o777 == 0o700


def test_given_a_key_when_the_data_are_searched_then_its_secret_is_not_in_clear(account):
    secret = account.iam.administrator.secret_access_key.encode()
    account.reopen()
    assert all(secret not in path.read_bytes() for path in account.folder.iterdir())


def test_given_no_policy_when_a_user_calls_then_denied_in_awss_words(account, ann):
    me = account.arn("user/team/ann")
    assert ann("sts").get_caller_identity()["Arn"] == me
    assert denied(ann("iam").get_user) == (
        f"User: {me} is not authorized to perform: iam:GetUser on resource: {me} "
        "because no identity-based policy allows the iam:GetUser action"
    )


def test_given_a_policy_on_her_own_user_when_she_calls_then_only_that_is_allowed(account, iam, ann):
    own = f"arn:aws:iam::{account.iam.account}:user/team/${{aws:username}}"
    iam.put_user_policy(
        UserName="ann", PolicyName="self", PolicyDocument=policy("iam:GetUser", "iam:*AccessKey*", resource=own)
    )
    assert ann("iam").get_user()["User"]["UserName"] == "ann"
    assert len(ann("iam").list_access_keys()["AccessKeyMetadata"]) == 1
    denied(ann("iam").get_user, UserName="admin")
    denied(ann("iam").create_access_key, UserName="admin")
    denied(ann("iam").list_users)


def test_given_an_allowance_and_a_denial_when_she_calls_then_denied(iam, ann):
    iam.attach_user_policy(UserName="ann", PolicyArn=ADMIN)
    assert ann("iam").list_users()["Users"]
    iam.put_user_policy(UserName="ann", PolicyName="no", PolicyDocument=policy("iam:List*", effect="Deny"))
    assert denied(ann("iam").list_users).endswith("with an explicit deny in an identity-based policy")
    iam.delete_user_policy(UserName="ann", PolicyName="no")
    assert ann("iam").list_users()["Users"]


def test_given_a_boundary_when_she_has_every_permission_then_she_has_what_both_allow(account, iam, ann):
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=policy("iam:ListUsers"))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=ADMIN)
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=boundary)
    assert ann("iam").list_users()["Users"]
    assert denied(ann("iam").list_roles).endswith("because no permissions boundary allows the iam:ListRoles action")


def test_given_a_condition_on_attached_policies_when_she_attaches_another_then_denied(iam, ann):
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    only = policy("iam:AttachUserPolicy", Condition={"ArnEquals": {"iam:PolicyARN": basic}})
    iam.put_user_policy(UserName="ann", PolicyName="attach", PolicyDocument=only)
    ann("iam").attach_user_policy(UserName="ann", PolicyArn=basic)
    denied(ann("iam").attach_user_policy, UserName="ann", PolicyArn=ADMIN)


def test_given_a_removed_permission_when_she_calls_again_then_denied_at_once(iam, ann):
    iam.attach_user_policy(UserName="ann", PolicyArn=ADMIN)
    client = ann("iam")
    client.list_users()
    iam.detach_user_policy(UserName="ann", PolicyArn=ADMIN)
    denied(client.list_users)


def test_given_a_key_when_it_is_switched_off_then_it_is_refused_until_it_is_on(iam, ann):
    key = iam.list_access_keys(UserName="ann")["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.update_access_key(UserName="ann", AccessKeyId=key, Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        ann("sts").get_caller_identity()
    iam.update_access_key(UserName="ann", AccessKeyId=key, Status="Active")
    assert ann("sts").get_caller_identity()


def test_given_two_keys_when_a_third_is_wanted_then_the_quota_says_no(iam, ann):
    iam.create_access_key(UserName="ann")
    with pytest.raises(ClientError, match="Cannot exceed quota for AccessKeysPerUser: 2"):
        iam.create_access_key(UserName="ann")


def test_given_a_user_when_everything_of_theirs_is_gone_then_they_can_be_deleted(account, iam, ann):
    with pytest.raises(ClientError, match="must delete access keys first"):
        iam.delete_user(UserName="ann")
    for key in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="ann")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_user(UserName="ann")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        ann("sts").get_caller_identity()


def test_given_another_users_key_when_named_with_a_user_then_it_is_not_found(iam, ann, account):
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.delete_access_key(UserName="ann", AccessKeyId=account.iam.administrator.access_key_id)
