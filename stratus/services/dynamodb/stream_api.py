"""Amazon DynamoDB Streams: reading the records of a table's changes.

Each stream has one shard, which is open while the stream is enabled. Iterators hold for 15 minutes.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import Any

import orjson

from stratus.service import Access, Call, Result, Service, operation
from stratus.services.dynamodb.access import on_arn, on_everything
from stratus.services.dynamodb.answer import array, join
from stratus.services.dynamodb.errors import validation
from stratus.services.dynamodb.service import DynamoDb
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.streams import (
    RETENTION_SECONDS,
    Record,
    Stream,
    all_streams,
    sequence_number,
    sequence_text,
)
from stratus.services.dynamodb.values import normalise_item
from stratus.wire.errors import AwsError

MAX_RECORDS = 1000
MAX_STREAMS = 100
ITERATOR_SECONDS = 15 * 60
TTL_IDENTITY = b'{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}'


def _of_iterator(service: "DynamoDbStreams", call: Call) -> Iterable[Access]:
    yield Access("dynamodb:GetRecords", _decode(call.params.get("ShardIterator"))[0])


class DynamoDbStreams(Service):
    """Made beside the DynamoDB of its region, whose file it reads."""

    name = "dynamodbstreams"
    wire_json = True

    def __init__(self, dynamodb: DynamoDb) -> None:
        self._dynamodb = dynamodb

    @operation("ListStreams", on_everything("dynamodb:ListStreams"))
    async def list_streams(self, call: Call) -> Result:
        request = call.params
        check("dynamodbstreams", "ListStreams", request)
        wanted = request.get("TableName")
        found = [stream for stream in self._streams() if wanted in (None, stream.table_name)]
        arns = [self._arn(stream) for stream in found]
        after = request.get("ExclusiveStartStreamArn")
        start = arns.index(after) + 1 if after in arns else 0
        limit = min(request.get("Limit") or MAX_STREAMS, MAX_STREAMS)
        shown = [
            {"StreamArn": arn, "TableName": stream.table_name, "StreamLabel": stream.label}
            for stream, arn in zip(found, arns, strict=True)
        ][start : start + limit]
        answer: dict[str, Any] = {"Streams": shown}
        if start + limit < len(found):
            answer["LastEvaluatedStreamArn"] = shown[-1]["StreamArn"]
        return answer

    @operation("DescribeStream", on_arn("dynamodb:DescribeStream", "StreamArn"))
    async def describe_stream(self, call: Call) -> Result:
        request = call.params
        check("dynamodbstreams", "DescribeStream", request)
        stream = self._stream(request["StreamArn"])
        bounds = {"StartingSequenceNumber": sequence_text(stream.first)}
        if stream.disabled is not None:
            bounds["EndingSequenceNumber"] = sequence_text(int(stream.disabled * 1_000_000))
        shard = {"ShardId": _shard_id(stream), "SequenceNumberRange": bounds}
        return {
            "StreamDescription": {
                "StreamArn": request["StreamArn"],
                "StreamLabel": stream.label,
                "StreamStatus": "ENABLED" if stream.disabled is None else "DISABLED",
                "StreamViewType": stream.view,
                "CreationRequestDateTime": stream.created,
                "TableName": stream.table_name,
                "KeySchema": stream.key_schema,
                "Shards": [] if request.get("ExclusiveStartShardId") == shard["ShardId"] else [shard],
            }
        }

    @operation("GetShardIterator", on_arn("dynamodb:GetShardIterator", "StreamArn"))
    async def get_shard_iterator(self, call: Call) -> Result:
        request = call.params
        check("dynamodbstreams", "GetShardIterator", request)
        stream = self._stream(request["StreamArn"])
        if request["ShardId"] != _shard_id(stream):
            raise AwsError("ResourceNotFoundException", "Shard does not exist")
        start = self._start(request, stream)
        return {"ShardIterator": _encode(request["StreamArn"], start, call.now)}

    def _start(self, request: dict[str, Any], stream: Stream) -> int:
        kind, given = request["ShardIteratorType"], request.get("SequenceNumber")
        if kind == "TRIM_HORIZON":
            return 0
        if kind == "LATEST":
            return self._dynamodb.log.next_sequence()
        if given is None or not given.isdigit():
            raise validation("One or more parameter values were invalid: Invalid SequenceNumber")
        number = sequence_number(given)
        if number < self._dynamodb.log.horizon:
            raise _trimmed()
        return number if kind == "AT_SEQUENCE_NUMBER" else number + 1

    @operation("GetRecords", _of_iterator)
    async def get_records(self, call: Call) -> Result:
        """Up to 1,000 records or 1 MB, and the iterator to go on with (none at the end of a stream that was disabled)."""
        request = call.params
        check("dynamodbstreams", "GetRecords", request)
        arn, start, made = _decode(request["ShardIterator"])
        if call.now > made + ITERATOR_SECONDS:
            raise AwsError("ExpiredIteratorException", "Iterator expired")
        stream = self._stream(arn)
        if 0 < start < self._dynamodb.log.horizon:
            raise _trimmed()
        limit = request.get("Limit") or MAX_RECORDS
        records = self._dynamodb.log.read(self._dynamodb.database.reader, stream.id, start, limit)
        following = records[-1].sequence + 1 if records else start
        ended = stream.disabled is not None and not records
        return join(
            {
                "Records": array(self._render(record, stream, call.region) for record in records),
                "NextShardIterator": None if ended else _encode(arn, following, call.now),
            }
        )

    def _render(self, record: Record, stream: Stream, region: str) -> bytes:
        images = {"Keys": record.keys, "NewImage": record.new, "OldImage": record.old}
        size = sum(normalise_item(orjson.loads(image)) for image in images.values() if image is not None)
        change = {
            "ApproximateCreationDateTime": record.sequence // 1_000_000,
            **images,
            "SequenceNumber": sequence_text(record.sequence),
            "SizeBytes": size,
            "StreamViewType": stream.view,
        }
        return join(
            {
                "eventID": f"{stream.id:08x}{record.sequence:024x}",
                "eventName": record.event,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": region,
                "dynamodb": join(change),
                "userIdentity": TTL_IDENTITY if record.expired else None,
            }
        )

    def _streams(self) -> list[Stream]:
        oldest = self._dynamodb.clock.now() - RETENTION_SECONDS
        every = all_streams(self._dynamodb.database.reader)
        return [stream for stream in every if stream.disabled is None or stream.disabled > oldest]

    def _arn(self, stream: Stream) -> str:
        surroundings = self._dynamodb.surroundings
        table = f"arn:aws:dynamodb:{surroundings.region}:{surroundings.account}:table/{stream.table_name}"
        return f"{table}/stream/{stream.label}"

    def _stream(self, arn: str) -> Stream:
        for stream in self._streams():
            if self._arn(stream) == arn:
                return stream
        raise AwsError("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")


def _shard_id(stream: Stream) -> str:
    return f"shardId-{stream.first:020d}-{stream.id:08x}"


def _encode(arn: str, start: int, now: float) -> str:
    """An iterator says where to go on and when it was made. It is no secret: GetRecords is authorised on its stream."""
    return urlsafe_b64encode(orjson.dumps([arn, start, now])).decode()


def _decode(iterator: Any) -> tuple[str, int, float]:
    try:
        arn, start, made = orjson.loads(urlsafe_b64decode(iterator))
        return str(arn), int(start), float(made)
    except (ValueError, TypeError):
        raise validation("Invalid ShardIterator") from None


def _trimmed() -> AwsError:
    return AwsError(
        "TrimmedDataAccessException",
        "The operation attempted to read past the oldest stream record in a shard.",
    )
