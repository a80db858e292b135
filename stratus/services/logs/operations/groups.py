"""Log groups and streams: create, describe, keep for so long, tag, delete."""

from collections.abc import Iterable
from typing import Any

from stratus.service import Access, Call, Params, Result, operation
from stratus.services.logs.base import (
    MAX_PAGE,
    LogsBase,
    invalid,
    milliseconds,
    name_in_arn,
    on_group,
    on_stream,
    on_tagged,
)
from stratus.services.logs.store import Group, Stream
from stratus.wire.errors import AwsError, not_implemented

RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
MAX_TAGS = 50


def _describe_access(service: LogsBase, call: Call) -> Iterable[Access]:
    yield Access(
        "logs:DescribeLogGroups", f"{service.group_arn(call.params.get('logGroupNamePrefix', ''))}:log-stream:"
    )


class GroupOperations(LogsBase):
    @operation("CreateLogGroup", on_group("logs:CreateLogGroup"))
    async def create_log_group(self, call: Call) -> Result:
        params = call.params
        if params.get("kmsKeyId"):
            raise not_implemented("logs", "kmsKeyId")
        if params.get("logGroupClass", "STANDARD") != "STANDARD" or params.get("deletionProtectionEnabled"):
            raise not_implemented("logs", "log group classes other than STANDARD, and deletion protection")
        if not await self.store.create_group(params["logGroupName"], milliseconds(call.now), params.get("tags") or {}):
            raise _exists("group")
        return None

    @operation("DeleteLogGroup", on_group("logs:DeleteLogGroup"))
    async def delete_log_group(self, call: Call) -> Result:
        await self.store.delete_group(self.require_group(call.params))
        return None

    @operation("DescribeLogGroups", _describe_access)
    async def describe_log_groups(self, call: Call) -> Result:
        params = call.params
        if params.get("logGroupIdentifiers") or params.get("includeLinkedAccounts"):
            raise not_implemented("logs", "DescribeLogGroups with logGroupIdentifiers or includeLinkedAccounts")
        limit = params.get("limit") or MAX_PAGE
        found = self.store.groups(
            params.get("logGroupNamePrefix", ""),
            params.get("logGroupNamePattern", ""),
            params.get("nextToken", ""),
            limit + 1,
        )
        answer: dict[str, Any] = {"logGroups": [self._describe(group) for group in found[:limit]]}
        if len(found) > limit:
            answer["nextToken"] = found[limit - 1].name
        return answer

    @operation("PutRetentionPolicy", on_group("logs:PutRetentionPolicy"))
    async def put_retention_policy(self, call: Call) -> Result:
        group = self.require_group(call.params)
        days = call.params["retentionInDays"]
        if days not in RETENTION_DAYS:
            raise invalid(f"retentionInDays must be one of {', '.join(map(str, RETENTION_DAYS))}.")
        await self.store.change_group(group, retention=days, tags=group.tags)
        return None

    @operation("DeleteRetentionPolicy", on_group("logs:DeleteRetentionPolicy"))
    async def delete_retention_policy(self, call: Call) -> Result:
        group = self.require_group(call.params)
        await self.store.change_group(group, retention=None, tags=group.tags)
        return None

    @operation("CreateLogStream", on_stream("logs:CreateLogStream"))
    async def create_log_stream(self, call: Call) -> Result:
        group = self.require_group(call.params)
        if not await self.store.create_stream(group, call.params["logStreamName"], milliseconds(call.now)):
            raise _exists("stream")
        return None

    @operation("DeleteLogStream", on_stream("logs:DeleteLogStream"))
    async def delete_log_stream(self, call: Call) -> Result:
        group = self.require_group(call.params)
        await self.store.delete_stream(self.require_stream(group, call.params["logStreamName"]))
        return None

    @operation("DescribeLogStreams", on_group("logs:DescribeLogStreams"))
    async def describe_log_streams(self, call: Call) -> Result:
        group = self.require_group(call.params)
        limit = call.params.get("limit") or MAX_PAGE
        by_time = call.params.get("orderBy") == "LastEventTime"
        found, token = (self._by_time if by_time else self._by_name)(group, call.params, limit)
        answer: dict[str, Any] = {"logStreams": [self._describe_stream(group, stream) for stream in found]}
        if token:
            answer["nextToken"] = token
        return answer

    @operation("TagResource", on_tagged("logs:TagResource"))
    async def tag_resource(self, call: Call) -> Result:
        group = self._tagged(call.params)
        tags = {**group.tags, **call.params["tags"]}
        if len(tags) > MAX_TAGS:
            raise AwsError("TooManyTagsException", f"A resource can have no more than {MAX_TAGS} tags.")
        await self.store.change_group(group, retention=group.retention, tags=tags)
        return None

    @operation("UntagResource", on_tagged("logs:UntagResource"))
    async def untag_resource(self, call: Call) -> Result:
        group = self._tagged(call.params)
        tags = {key: value for key, value in group.tags.items() if key not in call.params["tagKeys"]}
        await self.store.change_group(group, retention=group.retention, tags=tags)
        return None

    @operation("ListTagsForResource", on_tagged("logs:ListTagsForResource"))
    async def list_tags_for_resource(self, call: Call) -> Result:
        return {"tags": self._tagged(call.params).tags}

    def _tagged(self, params: Params) -> Group:
        return self.require_group({"logGroupName": name_in_arn(params["resourceArn"])})

    def _by_name(self, group: Group, params: Params, limit: int) -> tuple[list[Stream], str | None]:
        if params.get("descending"):
            raise not_implemented("logs", "DescribeLogStreams in descending order of names")
        found = self.store.streams(group, params.get("logStreamNamePrefix", ""), params.get("nextToken", ""), limit + 1)
        return found[:limit], found[limit - 1].name if len(found) > limit else None

    def _by_time(self, group: Group, params: Params, limit: int) -> tuple[list[Stream], str | None]:
        if params.get("logStreamNamePrefix"):
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        token = params.get("nextToken", "0")
        if not token.isdecimal() or len(token) > 12:
            raise invalid("The specified nextToken is invalid.")
        offset = int(token)
        found = self.store.latest_streams(group, offset, limit + 1, descending=bool(params.get("descending")))
        return found[:limit], str(offset + limit) if len(found) > limit else None

    def _describe(self, group: Group) -> dict[str, Any]:
        """Without storedBytes, which AWS itself only estimates."""
        arn = self.group_arn(group.name)
        shown: dict[str, Any] = {
            "logGroupName": group.name,
            "creationTime": group.created,
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "logGroupArn": arn,
            "logGroupClass": "STANDARD",
        }
        if group.retention is not None:
            shown["retentionInDays"] = group.retention
        return shown

    def _describe_stream(self, group: Group, stream: Stream) -> dict[str, Any]:
        shown = {
            "logStreamName": stream.name,
            "creationTime": stream.created,
            "arn": f"{self.group_arn(group.name)}:log-stream:{stream.name}",
            "firstEventTimestamp": stream.first,
            "lastEventTimestamp": stream.last,
            "lastIngestionTime": stream.ingested,
        }
        return {name: value for name, value in shown.items() if value is not None}


def _exists(what: str) -> AwsError:
    return AwsError("ResourceAlreadyExistsException", f"The specified log {what} already exists")
