"""Tags of a function."""

from collections.abc import Iterable

from stratus.service import Access, AccessRule, Call, Result, operation
from stratus.services.lambda_ import names
from stratus.services.lambda_.base import LambdaBase
from stratus.services.lambda_.code import invalid
from stratus.services.lambda_.functions import Function

MAX_TAGS = 50


def _on_resource(action: str) -> AccessRule:
    def access(service: LambdaBase, call: Call) -> Iterable[Access]:
        yield Access(action, service.arn(names.parse(call.params["Resource"]).name))

    return access


class TagOperations(LambdaBase):
    @operation("TagResource", _on_resource("lambda:TagResource"))
    async def tag_resource(self, call: Call) -> Result:
        function = self._tagged(call)
        tags = {**function.tags, **call.params["Tags"]}
        if len(tags) > MAX_TAGS:
            raise invalid(f"A function can have no more than {MAX_TAGS} tags.")
        await self.functions.change(function.name, tags=tags)
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}

    @operation("UntagResource", _on_resource("lambda:UntagResource"))
    async def untag_resource(self, call: Call) -> Result:
        function = self._tagged(call)
        tags = {key: value for key, value in function.tags.items() if key not in call.params["TagKeys"]}
        await self.functions.change(function.name, tags=tags)
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}

    @operation("ListTags", _on_resource("lambda:ListTags"))
    async def list_tags(self, call: Call) -> Result:
        return {"Tags": self._tagged(call).tags}

    def _tagged(self, call: Call) -> Function:
        return self.require_named(names.parse(call.params["Resource"]).name)
