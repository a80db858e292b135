"""Roles, as boto3 makes and unmakes them."""

import json

import pytest
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture
def iam(account):
    return account.client("iam")


def make(iam, name="Reader", **options):
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **options)["Role"]


def refused(call, **params) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Message"]
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_given_a_role_made_when_asked_for_then_everything_is_told(account, iam):
    made = make(iam, Path="/app/", Description="d", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "b"}])
    role = iam.get_role(RoleName="Reader")["Role"]
    assert role == made
    assert role["Arn"] == account.arn("role/app/Reader")
    assert role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert (role["Description"], role["MaxSessionDuration"]) == ("d", 7200)
    assert role["Tags"] == [{"Key": "a", "Value": "b"}]


def test_given_a_role_when_the_account_is_opened_again_then_it_is_still_there(account, iam):
    make(iam, PermissionsBoundary=BASIC)
    iam.put_role_policy(RoleName="Reader", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    iam.attach_role_policy(RoleName="Reader", PolicyArn=BASIC)
    before = iam.get_role(RoleName="Reader")["Role"]
    account.reopen()
    assert iam.get_role(RoleName="Reader")["Role"] == before
    assert iam.get_role_policy(RoleName="Reader", PolicyName="p")["PolicyDocument"] == POLICY
    attached = iam.list_attached_role_policies(RoleName="Reader")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]


def test_given_a_role_when_it_is_changed_then_the_change_is_told(iam):
    make(iam)
    trust = json.loads(json.dumps(TRUST).replace("lambda", "apigateway"))
    iam.update_assume_role_policy(RoleName="Reader", PolicyDocument=json.dumps(trust))
    iam.update_role(RoleName="Reader", Description="new", MaxSessionDuration=4000)
    iam.tag_role(RoleName="Reader", Tags=[{"Key": "Env", "Value": "1"}])
    iam.tag_role(RoleName="Reader", Tags=[{"Key": "env", "Value": "2"}, {"Key": "x", "Value": ""}])
    iam.untag_role(RoleName="Reader", TagKeys=["X"])
    iam.put_role_permissions_boundary(RoleName="Reader", PermissionsBoundary=BASIC)
    role = iam.get_role(RoleName="Reader")["Role"]
    assert role["AssumeRolePolicyDocument"] == trust
    assert (role["Description"], role["MaxSessionDuration"]) == ("new", 4000)
    assert iam.list_role_tags(RoleName="Reader")["Tags"] == [{"Key": "env", "Value": "2"}]
    assert role["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BASIC}
    iam.delete_role_permissions_boundary(RoleName="Reader")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="Reader")["Role"]


def test_given_policies_on_a_role_when_they_are_taken_away_then_it_can_be_deleted(iam):
    make(iam)
    iam.put_role_policy(RoleName="Reader", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    iam.attach_role_policy(RoleName="Reader", PolicyArn=BASIC)
    assert iam.list_role_policies(RoleName="Reader")["PolicyNames"] == ["p"]
    assert refused(iam.delete_role, RoleName="Reader") == ("DeleteConflict", 409)
    iam.detach_role_policy(RoleName="Reader", PolicyArn=BASIC)
    assert refused(iam.delete_role, RoleName="Reader") == ("DeleteConflict", 409)
    iam.delete_role_policy(RoleName="Reader", PolicyName="p")
    iam.delete_role(RoleName="Reader")
    assert refused(iam.get_role, RoleName="Reader") == ("NoSuchEntity", 404)


def test_given_more_roles_than_a_page_when_listed_then_each_comes_once(iam):
    names = [f"r{number:02}" for number in range(7)]
    for name in names:
        make(iam, name, Path="/app/" if int(name[1:]) % 2 else "/")
    pages = iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 3})
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == names
    assert [role["RoleName"] for role in iam.list_roles(PathPrefix="/app/")["Roles"]] == names[1::2]


def test_given_what_is_not_there_or_not_right_then_refused_in_iams_words(account, iam):
    make(iam)
    put = {"RoleName": "Reader", "PolicyName": "p"}
    trust = {"RoleName": "Other"}
    assert refused(make, iam=iam) == ("EntityAlreadyExists", 409)
    assert refused(make, iam=iam, name="READER") == ("EntityAlreadyExists", 409)
    assert refused(iam.get_role, RoleName="reader") == ("NoSuchEntity", 404)
    assert refused(iam.get_role_policy, **put) == ("NoSuchEntity", 404)
    assert refused(iam.delete_role_policy, **put) == ("NoSuchEntity", 404)
    assert refused(iam.attach_role_policy, RoleName="Reader", PolicyArn=account.arn("policy/none")) == (
        "NoSuchEntity",
        404,
    )
    assert refused(iam.detach_role_policy, RoleName="Reader", PolicyArn=BASIC) == ("NoSuchEntity", 404)
    assert refused(iam.put_role_policy, **put, PolicyDocument="{") == ("MalformedPolicyDocument", 400)
    assert refused(iam.put_role_policy, **put, PolicyDocument=json.dumps(TRUST)) == ("MalformedPolicyDocument", 400)
    assert refused(iam.create_role, **trust, AssumeRolePolicyDocument=json.dumps(POLICY)) == (
        "MalformedPolicyDocument",
        400,
    )
    stranger = json.dumps(TRUST).replace('"Service": "lambda.amazonaws.com"', f'"AWS": "{account.arn("user/nobody")}"')
    assert refused(iam.create_role, **trust, AssumeRolePolicyDocument=stranger) == ("MalformedPolicyDocument", 400)
    big = json.dumps(POLICY | {"Id": "x" * 10_300})
    assert refused(iam.put_role_policy, **put, PolicyDocument=big) == ("LimitExceeded", 409)
    tags = [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]
    assert refused(iam.tag_role, RoleName="Reader", Tags=tags) == ("InvalidInput", 400)
    assert refused(iam.tag_role, RoleName="Reader", Tags=[{"Key": "aws:x", "Value": ""}]) == ("InvalidInput", 400)
    assert refused(iam.create_role, RoleName="a/b", AssumeRolePolicyDocument=json.dumps(TRUST)) == (
        "ValidationError",
        400,
    )
    assert refused(iam.create_group, GroupName="g") == ("NotImplemented", 501)
