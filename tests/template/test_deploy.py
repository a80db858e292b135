"""The first `up` creates, a later one applies the difference, and nothing is half made."""

import json

import pytest

from stratus.template.errors import DeploymentFailed, UnusableTemplate
from stratus.wire.errors import AwsError


async def test_first_up_creates_in_the_order_of_dependencies_and_gives_outputs(bench):
    outputs = await bench.up(bench.application)

    assert bench.cloud.operations() == [
        "dynamodb:CreateTable",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "lambda:CreateFunction",
    ]
    table = bench.physical("Table")
    assert table.startswith("app-Table-")
    assert outputs == {
        "TableName": table,
        "FunctionArn": f"arn:aws:lambda:eu-central-1:123456789012:function:{bench.physical('Function')}",
        "Url": "http://localhost:4566",
    }
    (function,) = bench.cloud.made("lambda:CreateFunction")
    assert function["Environment"]["Variables"] == {"TABLE": table, "ISSUER": "http://localhost:4566"}
    assert function["Code"] == {"LocalDirectory": str(bench.directory)}
    assert function["Role"] == f"arn:aws:iam::123456789012:role/{bench.physical('Role')}"
    (policy,) = bench.cloud.made("iam:PutRolePolicy")
    statement = json.loads(policy["PolicyDocument"])["Statement"][0]
    assert statement["Resource"] == f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}"
    assert bench.statuses() == {"app": "CREATE_COMPLETE"}


async def test_an_unchanged_template_changes_nothing_also_after_a_restart(bench):
    outputs = await bench.up(bench.application)
    bench.cloud.calls.clear()
    await bench.restart()

    assert await bench.up(bench.application) == outputs
    assert bench.cloud.calls == []


async def test_a_later_up_changes_only_what_differs(bench):
    await bench.up(bench.application)
    bench.cloud.calls.clear()

    await bench.up(bench.application.replace("dynamodb:GetItem", "dynamodb:Query"))

    assert bench.cloud.operations() == ["iam:PutRolePolicy", "iam:GetRole"]
    assert bench.statuses() == {"app": "UPDATE_COMPLETE"}


async def test_a_replaced_table_is_kept_where_its_policy_says_so_and_what_names_it_follows(bench):
    await bench.up(bench.application)
    before = bench.physical("Table")

    await bench.up(bench.application.replace("AttributeName: pk", "AttributeName: id"))

    after = bench.physical("Table")
    assert after != before
    assert bench.cloud.names("table") == [before, after]
    assert [record.physical_id for record in bench.stacks.retained("app")] == [before]
    (configuration,) = bench.cloud.made("lambda:UpdateFunctionConfiguration")
    assert configuration["Environment"]["Variables"]["TABLE"] == after


async def test_a_resource_that_left_the_template_is_deleted_after_everything_else(bench):
    await bench.up(bench.application)
    bench.cloud.calls.clear()

    await bench.up(bench.table_only)

    assert bench.cloud.operations() == ["lambda:DeleteFunction", "iam:DeleteRolePolicy", "iam:DeleteRole"]
    assert list(bench.stacks.resources("app")) == ["Table"]


async def test_a_failure_on_the_first_up_leaves_nothing(bench):
    bench.cloud.failures["lambda:CreateFunction"] = AwsError("InvalidParameterValueException", "no such handler")

    with pytest.raises(DeploymentFailed, match="Function: InvalidParameterValueException: no such handler"):
        await bench.up(bench.application)

    assert bench.cloud.existing == {}
    assert bench.stacks.resources("app") == {}
    assert bench.statuses() == {"app": "ROLLBACK_COMPLETE"}


async def test_a_failure_on_a_later_up_brings_the_old_state_back_and_keeps_data(bench):
    await bench.up(bench.application)
    before = bench.stacks.resources("app")
    bench.cloud.failures["lambda:UpdateFunctionConfiguration"] = AwsError("ServiceException", "full")
    changed = bench.application.replace("dynamodb:GetItem", "dynamodb:Query").replace(
        "AttributeName: pk", "AttributeName: id"
    )

    with pytest.raises(DeploymentFailed, match="full"):
        await bench.up(changed)

    assert bench.stacks.resources("app") == before
    assert bench.cloud.names("table") == [before["Table"].physical_id]
    assert "dynamodb:GetItem" in bench.cloud.made("iam:PutRolePolicy")[-1]["PolicyDocument"]
    assert bench.statuses() == {"app": "UPDATE_ROLLBACK_COMPLETE"}


async def test_errors_are_all_told_with_their_places_before_anything_is_made(bench):
    broken = bench.application.replace("!GetAtt Role.Arn", "!GetAtt Rolle.Arn").replace("KeyType: HASH", "KeyTyp: HASH")

    with pytest.raises(UnusableTemplate) as caught:
        await bench.up(broken)

    lines = "\n".join(caught.value.lines)
    assert (
        "template.yaml:10:7: Resources.Function.Properties.Role.Fn::GetAtt: there is no parameter or resource 'Rolle'; did you mean 'Role'?"
        in lines
    )
    assert "Resources.Table.Properties.KeySchema[0]: 'KeyType' is missing" in lines
    assert bench.cloud.calls == []
    assert bench.stacks.stacks() == []
