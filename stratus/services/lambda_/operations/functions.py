"""Functions: create, read, change, list, delete."""

import asyncio
import uuid
from collections.abc import Iterable
from typing import Any

from stratus.service import Access, Call, Params, Result, operation
from stratus.services.lambda_ import code, configuration, names
from stratus.services.lambda_.base import LambdaBase, conflict, on_function, timestamp
from stratus.services.lambda_.functions import Function
from stratus.wire.errors import AwsError, not_implemented

_NOT_ASSUMABLE = "The role defined for the function cannot be assumed by Lambda."
MAX_PAGE = 50


def _create_access(service: LambdaBase, call: Call) -> Iterable[Access]:
    yield Access("lambda:CreateFunction", service.arn(names.parse(call.params["FunctionName"]).name))
    yield _pass_role(call.params["Role"])


def _update_access(service: LambdaBase, call: Call) -> Iterable[Access]:
    yield Access("lambda:UpdateFunctionConfiguration", service.arn(names.parse(call.params["FunctionName"]).name))
    if "Role" in call.params:
        yield _pass_role(call.params["Role"])


def _list_access(service: LambdaBase, call: Call) -> Iterable[Access]:
    del service, call
    yield Access("lambda:ListFunctions", "*")


def _pass_role(role: str) -> Access:
    return Access("iam:PassRole", role, {"iam:PassedToService": ("lambda.amazonaws.com",)})


class FunctionOperations(LambdaBase):
    @operation("CreateFunction", _create_access)
    async def create_function(self, call: Call) -> Result:
        """A local directory is run where it lies with `Code={"LocalDirectory": "/path"}`, which only a caller inside the process may say."""
        params = call.params
        name = names.parse(params["FunctionName"]).name
        fields = configuration.read(params)
        if "Runtime" not in params or "Handler" not in params:
            raise code.invalid(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
        self._refuse_existing(name)
        await self._check_role(fields["role"], name)
        package = await self._fetch(call, params["Code"])
        self._refuse_existing(name)
        function = Function(
            name=name,
            arn=self.arn(name),
            code_path=str(package.path),
            watched=package.watched,
            code_sha256=package.sha256,
            code_size=package.size,
            last_modified=timestamp(call.now),
            revision=str(uuid.uuid4()),
            tags=params.get("Tags") or {},
            **fields,
        )
        return _created(await self.functions.put(function))

    @operation("UpdateFunctionCode", on_function("lambda:UpdateFunctionCode"))
    async def update_function_code(self, call: Call) -> Result:
        function = self.require(call)
        configuration.refuse_unknown(call.params)
        _check_revision(function, call.params)
        package = await self._fetch(call, call.params)
        if call.params.get("DryRun"):
            return configuration.answer(function)
        return await self._changed(
            call,
            function,
            code_path=str(package.path),
            watched=package.watched,
            code_sha256=package.sha256,
            code_size=package.size,
            **({"architectures": tuple(call.params["Architectures"])} if "Architectures" in call.params else {}),
        )

    @operation("UpdateFunctionConfiguration", _update_access)
    async def update_function_configuration(self, call: Call) -> Result:
        function = self.require(call)
        fields = configuration.read(call.params)
        _check_revision(function, call.params)
        if fields.get("role", function.role) != function.role:
            await self._check_role(fields["role"], function.name)
        return await self._changed(call, function, **fields)

    @operation("GetFunction", on_function("lambda:GetFunction"))
    async def get_function(self, call: Call) -> Result:
        """Without `Code.Location`: the package is not kept for download."""
        function = self.require(call)
        answer: dict[str, Any] = {"Configuration": configuration.answer(function), "Code": {"RepositoryType": "S3"}}
        if function.tags:
            answer["Tags"] = function.tags
        if function.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return answer

    @operation("GetFunctionConfiguration", on_function("lambda:GetFunctionConfiguration"))
    async def get_function_configuration(self, call: Call) -> Result:
        return configuration.answer(self.require(call))

    @operation("ListFunctions", _list_access)
    async def list_functions(self, call: Call) -> Result:
        if call.params.get("MasterRegion") not in (None, "ALL"):
            raise not_implemented("lambda", "Lambda@Edge (MasterRegion)")
        size = min(call.params.get("MaxItems") or MAX_PAGE, MAX_PAGE)
        marker = call.params.get("Marker") or ""
        later = [function for function in self.functions.all() if function.name > marker]
        answer: dict[str, Any] = {"Functions": [configuration.answer(function) for function in later[:size]]}
        if len(later) > size:
            answer["NextMarker"] = later[size - 1].name
        return answer

    @operation("DeleteFunction", on_function("lambda:DeleteFunction"))
    async def delete_function(self, call: Call) -> Result:
        function = self.require(call)
        await self.functions.delete(function.name)
        self.invoker.retire(function.name)
        return {"StatusCode": 204, "ResponseMetadata": {"HTTPStatusCode": 204}}

    def _refuse_existing(self, name: str) -> None:
        if self.functions.get(name) is not None:
            raise conflict(f"Function already exist: {name}")

    async def _changed(self, call: Call, function: Function, **fields: Any) -> dict[str, Any]:
        changed = await self.functions.change(
            function.name, **fields, last_modified=timestamp(call.now), revision=str(uuid.uuid4())
        )
        self.invoker.retire(function.name)
        return configuration.answer(changed)

    async def _check_role(self, role: str, name: str) -> None:
        try:
            await self.invoker.credentials.assume(role, name)
        except AwsError as error:
            if error.code in ("AccessDenied", "AccessDeniedException", "NoSuchEntity"):
                raise code.invalid(_NOT_ASSUMABLE) from error
            raise

    async def _fetch(self, call: Call, source: Params) -> code.Code:
        """The code that a request brings or names."""
        if source.get("ImageUri"):
            raise not_implemented("lambda", "functions from container images")
        if "LocalDirectory" in source:
            if call.request is not None:
                raise AwsError("AccessDeniedException", "LocalDirectory is for `stratus up` alone.", 403)
            return await _in_thread(code.local, source["LocalDirectory"])
        if source.get("S3Bucket") and source.get("S3Key"):
            return await _in_thread(code.unpack, await self._fetch_object(call, source), self.code_directory)
        archive = source.get("ZipFile")
        if not archive:
            raise code.invalid("Please provide a source for function code.")
        if len(archive) > code.MAX_ZIP:
            raise AwsError(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {code.MAX_ZIP} bytes for the function code",
                413,
            )
        return await _in_thread(code.unpack, archive, self.code_directory)

    async def _fetch_object(self, call: Call, source: Params) -> bytes:
        wanted = {"Bucket": source["S3Bucket"], "Key": source["S3Key"]}
        if source.get("S3ObjectVersion"):
            wanted["VersionId"] = source["S3ObjectVersion"]
        try:
            found = await self.surroundings.caller.call(call.principal, call.region, "s3", "GetObject", wanted)
        except AwsError as error:
            raise code.invalid(
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
            ) from error
        return await code.read_body(found["Body"])


def _created(function: Function) -> dict[str, Any]:
    return {**configuration.answer(function), "ResponseMetadata": {"HTTPStatusCode": 201}}


def _check_revision(function: Function, params: Params) -> None:
    wanted = params.get("RevisionId")
    if wanted and wanted != function.revision:
        raise AwsError(
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId",
            412,
            members={"Type": "User"},
        )


async def _in_thread(work: Any, *arguments: Any) -> code.Code:
    found: code.Code = await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
    return found
