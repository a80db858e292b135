"""Managed policies and their versions."""

import json

import pytest
from botocore.exceptions import ClientError

from stratus.iam.managed_policies import AWS_MANAGED
from stratus.iam.policy.document import Use, read

FIRST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}]}
SECOND = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}]}


@pytest.fixture
def iam(account):
    return account.client("iam")


@pytest.fixture
def arn(iam):
    return iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(FIRST), Description="d")["Policy"]["Arn"]


def test_given_a_policy_when_asked_for_then_told(account, iam, arn):
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert arn == account.arn("policy/p")
    assert (policy["DefaultVersionId"], policy["AttachmentCount"], policy["Description"]) == ("v1", 0, "d")
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == FIRST


def test_given_versions_when_the_default_moves_then_permissions_move_with_it(account, iam, arn):
    iam.create_user(UserName="ann")
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    ann = account.client("iam", iam.create_access_key(UserName="ann")["AccessKey"])
    ann.list_users()
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(SECOND))
    ann.list_users()
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    ann.list_roles()
    with pytest.raises(ClientError, match="AccessDenied"):
        ann.list_users()
    assert [user["UserName"] for user in iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]] == ["ann"]


def test_given_five_versions_when_a_sixth_is_wanted_then_one_must_go(iam, arn):
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(SECOND), SetAsDefault=True)
    with pytest.raises(ClientError, match="LimitExceeded"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(SECOND))
    with pytest.raises(ClientError, match="DeleteConflict"):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(SECOND))["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v6", False)


def test_given_a_policy_in_use_when_deleted_then_refused(iam, arn):
    iam.create_user(UserName="ann", PermissionsBoundary=arn)
    with pytest.raises(ClientError, match="DeleteConflict"):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_user_permissions_boundary(UserName="ann")
    iam.delete_policy(PolicyArn=arn)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_policy(PolicyArn=arn)


def test_given_awss_own_policies_when_listed_or_changed_then_shown_and_refused(iam, arn):
    pages = iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 3})
    arns = {policy["Arn"] for page in pages for policy in page["Policies"]}
    assert arns == {*AWS_MANAGED, arn}
    assert [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]] == [arn]
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.delete_policy(PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


@pytest.mark.parametrize("arn", AWS_MANAGED)
def test_given_awss_own_policies_then_each_is_a_policy(arn):
    assert read(AWS_MANAGED[arn].text, Use.IDENTITY).statements


def test_given_a_name_taken_or_a_bad_document_when_created_then_refused(iam, arn):
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        iam.create_policy(PolicyName="P", PolicyDocument=json.dumps(FIRST))
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        iam.create_policy(PolicyName="q", PolicyDocument="[]")
    with pytest.raises(ClientError, match="LimitExceeded"):
        iam.create_policy(PolicyName="q", PolicyDocument=json.dumps(FIRST | {"Id": "x" * 6200}))
