"""Functions as the API shows them: create, read, change, list, delete, permissions, tags."""

import os
import stat
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from stratus.services.lambda_ import code
from stratus.wire.errors import AwsError

ECHO = "def handler(event, context): return event"
ROLE = "arn:aws:iam::123456789012:role/worker"
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:f"


async def refused(running: Any) -> AwsError:
    with pytest.raises(AwsError) as error:
        await running
    return error.value


def archive(*members: tuple[str, int, bytes]) -> bytes:
    """A zip of (name, unix mode, content)."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, mode, content in members:
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            made.writestr(member, content)
    return buffer.getvalue()


async def test_a_new_function_is_shown(cloud: Any) -> None:
    shown = await cloud.create("f", ECHO, MemorySize=256, Environment={"Variables": {"STAGE": "1"}}, Tags={"t": "v"})
    assert shown["ResponseMetadata"]["HTTPStatusCode"] == 201
    got = await cloud.do("GetFunction", FunctionName=ARN)
    configuration = got["Configuration"]
    assert configuration["FunctionArn"] == ARN
    assert configuration["State"] == "Active"
    assert configuration["LastUpdateStatus"] == "Successful"
    assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 10)
    assert configuration["Environment"] == {"Variables": {"STAGE": "1"}}
    assert configuration["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}
    assert got["Tags"] == {"t": "v"}


async def test_functions_survive_a_restart(make_cloud: Any) -> None:
    first = await make_cloud()
    await first.create("f", ECHO)
    await first.service.stop()
    second = await make_cloud()
    assert await second.ask("f", "still here") == "still here"


async def test_a_second_function_of_that_name_is_refused(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    error = await refused(cloud.create("f", ECHO))
    assert (error.code, error.status, error.message) == ("ResourceConflictException", 409, "Function already exist: f")


async def test_a_role_that_lambda_may_not_assume(cloud: Any) -> None:
    cloud.caller.refuse_role = True
    error = await refused(cloud.create("f", ECHO))
    assert error.code == "InvalidParameterValueException"
    assert error.message == "The role defined for the function cannot be assumed by Lambda."
    assert cloud.service.functions.get("f") is None


async def test_lambda_itself_asks_for_the_role(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    principal, service, operation, params = cloud.caller.calls[0]
    assert (principal.arn, service, operation) == ("lambda.amazonaws.com", "sts", "AssumeRole")
    assert (params["RoleArn"], params["RoleSessionName"]) == (ROLE, "f")


@pytest.mark.parametrize(
    ("params", "code_"),
    [
        ({"Timeout": 0}, "ValidationException"),
        ({"Timeout": 901}, "ValidationException"),
        ({"MemorySize": 127}, "ValidationException"),
        ({"EphemeralStorage": {"Size": 511}}, "ValidationException"),
        ({"Role": "worker"}, "ValidationException"),
        ({"Handler": "a b"}, "ValidationException"),
        ({"FunctionName": "a/b"}, "ValidationException"),
        ({"Architectures": ["mips"]}, "ValidationException"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException"),
        ({"Environment": {"Variables": {"1A": "x"}}}, "ValidationException"),
        ({"Environment": {"Variables": {"BIG": "x" * 4096}}}, "InvalidParameterValueException"),
        ({"Code": {}}, "InvalidParameterValueException"),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException"),
        ({"Code": {"ZipFile": archive(("../evil", 0o644, b""))}}, "InvalidParameterValueException"),
        ({"Code": {"ZipFile": archive(("/etc/evil", 0o644, b""))}}, "InvalidParameterValueException"),
        ({"Code": {"ZipFile": archive(("a", 0o644, b""), ("a/b", 0o644, b""))}}, "InvalidParameterValueException"),
        ({"Code": {"ZipFile": archive(("link", stat.S_IFLNK | 0o777, b"/etc"))}}, "InvalidParameterValueException"),
        ({"Code": {"LocalDirectory": "relative"}}, "InvalidParameterValueException"),
        ({"Runtime": "nodejs22.x"}, "NotImplemented"),
        ({"PackageType": "Image"}, "NotImplemented"),
        ({"Code": {"ImageUri": "x"}}, "NotImplemented"),
        ({"Layers": ["arn:aws:lambda:eu-central-1:123456789012:layer:l:1"]}, "NotImplemented"),
        ({"VpcConfig": {"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}}, "NotImplemented"),
        ({"FileSystemConfigs": [{"Arn": "a", "LocalMountPath": "/mnt/x"}]}, "NotImplemented"),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:eu-central-1:123456789012:q"}}, "NotImplemented"),
        ({"Publish": True}, "NotImplemented"),
    ],
)
async def test_what_cannot_be_made_is_refused(cloud: Any, params: dict[str, Any], code_: str) -> None:
    error = await refused(cloud.create("f", ECHO, **params))
    assert error.code == code_
    assert cloud.service.functions.all() == []
    assert not any(cloud.service.code_directory.glob("*")) or "Code" not in params


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = archive(*[(f"f{i}", 0o644, bytes(30_000_000)) for i in range(9)])
    assert len(bomb) < 1_000_000
    with pytest.raises(AwsError, match="Unzipped size must be smaller than 262144000 bytes"):
        code.unpack(bomb, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_directory_of_the_host_is_for_the_process_itself_only(cloud: Any, tmp_path: Path) -> None:
    error = await refused(_over_http(cloud, "CreateFunction", Code={"LocalDirectory": str(tmp_path)}))
    assert error.code == "AccessDeniedException"


async def _over_http(cloud: Any, operation: str, **params: Any) -> None:
    from stratus.iam.principal import ANONYMOUS
    from stratus.service import Call
    from stratus.wire.message import Headers, Request

    params = {"FunctionName": "f", "Role": ROLE, "Runtime": "python3.11", "Handler": "app.handler", **params}
    call = Call(
        "lambda", operation, params, ANONYMOUS, "eu-central-1", "1", "id", 0.0, Request("POST", "/", "", Headers())
    )
    await cloud.service.operations[operation].handler(cloud.service, call)


async def test_an_event_that_is_no_json_is_refused_at_the_door(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    error = await refused(_over_http(cloud, "Invoke", Payload=b"{"))
    assert error.code == "InvalidRequestContentException"


async def test_local_code_is_reloaded_when_it_changes(
    cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stratus.services.lambda_.invoker.RESCAN_SECONDS", 0.0)
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(e, c): return 'old'")
    await cloud.create("f", ECHO, Code={"LocalDirectory": str(folder)})
    assert await cloud.ask("f") == "old"
    (folder / "app.py").write_text("def handler(e, c): return 'brand new'")
    assert await cloud.ask("f") == "brand new"
    # AND what does not change keeps its worker
    workers = set(cloud.service.invoker.pool._workers)
    assert await cloud.ask("f") == "brand new"
    assert workers & set(cloud.service.invoker.pool._workers)


async def test_new_code_and_new_settings_reach_the_next_invocation(cloud: Any) -> None:
    await cloud.create("f", "import os\ndef handler(e, c): return os.environ.get('STAGE')")
    assert await cloud.ask("f") is None
    await cloud.do("UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {"STAGE": "1"}})
    assert await cloud.ask("f") == "1"
    await cloud.do("UpdateFunctionCode", FunctionName="f", ZipFile=archive(("app.py", 0o644, ECHO.encode())))
    assert await cloud.ask("f", "echo") == "echo"
    error = await refused(cloud.do("UpdateFunctionCode", FunctionName="f", RevisionId="old", ZipFile=b"x"))
    assert error.code == "PreconditionFailedException"


async def test_a_deleted_function_is_gone(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    await cloud.ask("f")
    await cloud.do("DeleteFunction", FunctionName="f")
    assert (await refused(cloud.invoke("f"))).code == "ResourceNotFoundException"
    # AND a new one of that name is another one
    await cloud.create("f", "def handler(e, c): return 'another'")
    assert await cloud.ask("f") == "another"


async def test_functions_are_listed_in_pages(cloud: Any) -> None:
    for name in "abc":
        await cloud.create(name, ECHO)
    first = await cloud.do("ListFunctions", MaxItems=2)
    second = await cloud.do("ListFunctions", MaxItems=2, Marker=first["NextMarker"])
    assert [each["FunctionName"] for each in first["Functions"] + second["Functions"]] == ["a", "b", "c"]
    assert "NextMarker" not in second


async def test_code_from_s3_is_fetched_as_the_caller(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package = archive(("app.py", 0o644, ECHO.encode()))
    answer = cloud.caller.call

    async def call(principal: Any, region: str, service: str, operation: str, params: Any, **rest: Any) -> Any:
        result = await answer(principal, region, service, operation, params, **rest)
        return {"Body": package} if service == "s3" else result

    monkeypatch.setattr(cloud.caller, "call", call)
    await cloud.create("f", ECHO, Code={"S3Bucket": "b", "S3Key": "k", "S3ObjectVersion": "v"})
    assert await cloud.ask("f", 1) == 1
    principal, _, _, params = next(each for each in cloud.caller.calls if each[1] == "s3")
    assert principal.arn.endswith("user/admin")
    assert params == {"Bucket": "b", "Key": "k", "VersionId": "v"}


async def test_what_a_caller_must_be_allowed(cloud: Any, make_call: Callable[..., Any]) -> None:
    def access(operation: str, **params: Any) -> list[tuple[str, str]]:
        rule = cloud.service.operations[operation].access
        return [(each.action, each.resource) for each in rule(cloud.service, make_call(operation, params))]

    assert access("Invoke", FunctionName="f") == [("lambda:InvokeFunction", ARN)]
    assert access("Invoke", FunctionName="f", Qualifier="$LATEST") == [("lambda:InvokeFunction", f"{ARN}:$LATEST")]
    assert access("CreateFunction", FunctionName="f", Role=ROLE) == [
        ("lambda:CreateFunction", ARN),
        ("iam:PassRole", ROLE),
    ]
    assert access("UpdateFunctionConfiguration", FunctionName="f", Timeout=4) == [
        ("lambda:UpdateFunctionConfiguration", ARN)
    ]
    assert ("iam:PassRole", ROLE) in access("UpdateFunctionConfiguration", FunctionName="f", Role=ROLE)


async def test_permissions_make_the_resource_policy(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    assert cloud.service.resource_policy(ARN) is None
    await cloud.do(
        "AddPermission",
        FunctionName="f",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn="arn:aws:execute-api:eu-central-1:123456789012:api/*",
    )
    policy = orjson.loads(cloud.service.resource_policy(ARN))
    assert policy["Statement"] == [
        {
            "Sid": "api",
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": ARN,
            "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:eu-central-1:123456789012:api/*"}},
        }
    ]
    again = {"FunctionName": "f", "StatementId": "api", "Action": "lambda:*", "Principal": "123456789012"}
    assert (await refused(cloud.do("AddPermission", **again))).code == "ResourceConflictException"
    assert orjson.loads((await cloud.do("GetPolicy", FunctionName="f"))["Policy"]) == policy
    await cloud.do("RemovePermission", FunctionName="f", StatementId="api")
    assert cloud.service.resource_policy(ARN) is None
    assert (await refused(cloud.do("RemovePermission", FunctionName="f", StatementId="api"))).status == 404
    assert (await refused(cloud.do("GetPolicy", FunctionName="f"))).status == 404


async def test_a_principal_that_is_none_is_refused(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    error = await refused(
        cloud.do(
            "AddPermission", FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="anyone!"
        )
    )
    assert error.code == "InvalidParameterValueException"


async def test_tags(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    await cloud.do("TagResource", Resource=ARN, Tags={"a": "1", "b": "2"})
    await cloud.do("UntagResource", Resource=ARN, TagKeys=["a"])
    assert await cloud.do("ListTags", Resource=ARN) == {"Tags": {"b": "2"}}


@pytest.mark.parametrize("name", ["f", "f:$LATEST", "function:f", "123456789012:function:f", ARN, f"{ARN}:$LATEST"])
async def test_every_form_of_a_name(cloud: Any, name: str) -> None:
    await cloud.create("f", ECHO)
    assert (await cloud.do("GetFunctionConfiguration", FunctionName=name))["FunctionName"] == "f"


async def test_versions_and_aliases_are_refused_by_name(cloud: Any) -> None:
    await cloud.create("f", ECHO)
    for params in ({"FunctionName": "f:live"}, {"FunctionName": "f", "Qualifier": "1"}):
        assert (await refused(cloud.do("Invoke", **params))).code == "NotImplemented"
    error = await refused(cloud.do("Invoke", FunctionName="f:live", Qualifier="1"))
    assert error.code == "InvalidParameterValueException"


async def test_packages_that_nobody_runs_are_deleted_at_the_next_start(make_cloud: Any) -> None:
    first = await make_cloud()
    await first.create("f", ECHO)
    await first.create("g", "def handler(e, c): return 'other'")
    await first.do("DeleteFunction", FunctionName="g")
    (first.service.code_directory / ".unfinished").mkdir()
    await first.service.stop()
    second = await make_cloud()
    assert len(list(second.service.code_directory.iterdir())) == 1
    assert await second.ask("f", 1) == 1


def test_the_signature_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before, _ = code.scan(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    (tmp_path / ".cache").write_text("x")
    assert code.scan(tmp_path)[0] == before
    os.utime(tmp_path / "a.py", ns=(1, 1))
    assert code.scan(tmp_path)[0] != before
