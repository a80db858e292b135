"""The process may die before or after any call: the next `up` ends where an undisturbed one would, and data is kept."""

import contextlib

import pytest

from stratus.template.errors import DeploymentFailed
from stratus.wire.errors import AwsError

KINDS = ("table", "role", "function")


def changed(bench):
    """The application with another policy, another key of the table and another handler."""
    text = bench.application.replace("dynamodb:GetItem", "dynamodb:Query").replace("app.handler", "app.main")
    return text.replace("AttributeName: pk", "AttributeName: id")


def inventory(bench):
    """How many of each kind exist, and what the stack says it has."""
    records = bench.stacks.resources("app")
    return {kind: len(bench.cloud.names(kind)) for kind in KINDS}, {
        name: record.properties for name, record in records.items()
    }


async def crash(bench, template, at, *, after):
    """Dies at call number `at`; True if it did, False if the deployment was over before."""
    bench.cloud.crash_at, bench.cloud.crash_after_effect = len(bench.cloud.calls) + at, after
    died = True
    with contextlib.suppress(BaseException):
        await bench.up(template)
        died = False
    bench.cloud.crash_at = None
    await bench.restart()
    return died


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(4))
async def test_a_crash_in_the_first_up_leaves_nothing_twice(bench, at, after):
    assert await crash(bench, bench.application, at, after=after)

    outputs = await bench.up(bench.application)

    counts, _ = inventory(bench)
    assert counts == {"table": 1, "role": 1, "function": 1}
    assert outputs["TableName"] == bench.physical("Table") == bench.cloud.names("table")[0]
    assert bench.statuses() == {"app": "CREATE_COMPLETE"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(6))
async def test_a_crash_in_a_change_is_carried_on_by_the_next_up(bench, at, after):
    await bench.up(bench.application)
    first_table = bench.physical("Table")
    assert await crash(bench, changed(bench), at, after=after) == (at < 4)

    await bench.up(changed(bench))

    counts, properties = inventory(bench)
    assert counts == {"table": 2, "role": 1, "function": 1}, "the old table is retained"
    assert [record.physical_id for record in bench.stacks.retained("app")] == [first_table]
    assert properties["Table"]["KeySchema"][0]["AttributeName"] == "id"
    assert properties["Function"]["Handler"] == "app.main"
    assert "dynamodb:Query" in bench.cloud.made("iam:PutRolePolicy")[-1]["PolicyDocument"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(4))
async def test_going_back_after_a_crash_keeps_the_table_that_holds_the_data(bench, at, after):
    await bench.up(bench.application)
    first_table = bench.physical("Table")
    before = inventory(bench)
    await crash(bench, changed(bench), at, after=after)

    bench.cloud.failures["lambda:UpdateFunctionConfiguration"] = AwsError("ServiceException", "full")
    with pytest.raises(DeploymentFailed):
        await bench.up(changed(bench))

    assert inventory(bench) == before
    assert bench.cloud.names("table") == [first_table]
    assert bench.physical("Table") == first_table


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(3))
async def test_a_crash_while_cleaning_up_is_cleaned_up_later(bench, at, after):
    await bench.up(bench.application)
    assert await crash(bench, bench.table_only, at, after=after)

    await bench.up(bench.table_only)

    assert inventory(bench)[0] == {"table": 1, "role": 0, "function": 0}
    assert bench.statuses() == {"app": "UPDATE_COMPLETE"}


async def test_a_crash_never_deletes_a_table_that_was_there_before_under_the_same_name(bench):
    """GIVEN a retained table with a name of its own WHEN a new stack that wants the name dies THEN the table is still there."""
    named = bench.table_only.replace("BillingMode", "TableName: todos\n      BillingMode")
    bench.cloud.existing["table", "todos"] = {"TableArn": "arn", "data": "years of it"}

    await crash(bench, named, 0, after=False)
    with pytest.raises(DeploymentFailed, match="already exists"):
        await bench.up(named)

    assert bench.cloud.existing["table", "todos"]["data"] == "years of it"
    assert "dynamodb:DeleteTable" not in bench.cloud.operations()
