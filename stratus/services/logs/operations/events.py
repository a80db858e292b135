"""Log events: put, get, filter.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html and API_FilterLogEvents.html
"""

import asyncio
import re
from typing import Any

from stratus.service import Call, Params, Result, operation
from stratus.services.logs.base import LogsBase, invalid, milliseconds, on_group, on_stream
from stratus.services.logs.filter_pattern import compile_pattern
from stratus.services.logs.store import Event, Group, Span, Stream
from stratus.wire.errors import AwsError

MAX_BATCH_BYTES = 1_048_576
MAX_EVENT_BYTES = 1_048_576
EVENT_OVERHEAD = 26
MAX_EVENTS = 10_000
MAX_PAGE_BYTES = 1_048_576
MAX_STREAMS = 100
TOO_NEW = 2 * 3_600_000
TOO_OLD = 14 * 86_400_000
_DAY = 86_400_000
_SLICE = 500  # rows read between two turns of the event loop
_MAX_SCANNED = 10_000  # rows looked at for one page, which may then be short or empty, as on AWS
_END_OF_TIME = 1 << 62
_PLACE = re.compile(r"([fb])/(\d{1,18})/(\d{1,18})")


class EventOperations(LogsBase):
    @operation("PutLogEvents", on_stream("logs:PutLogEvents"))
    async def put_log_events(self, call: Call) -> Result:
        group = self.require_group(call.params)
        stream = self.require_stream(group, call.params["logStreamName"])
        events = call.params["logEvents"]
        _check_batch(events)
        now = milliseconds(call.now)
        oldest = now - min(TOO_OLD, (group.retention or 14) * _DAY)
        kept = [(each["timestamp"], each["message"]) for each in events if oldest <= each["timestamp"] <= now + TOO_NEW]
        if kept:
            await self.store.put(group, stream, now, kept)
        answer: dict[str, Any] = {"nextSequenceToken": "0"}
        if len(kept) < len(events):
            answer["rejectedLogEventsInfo"] = _rejected(events, oldest, now, expires=bool(group.retention))
        return answer

    @operation("GetLogEvents", on_stream("logs:GetLogEvents"))
    async def get_log_events(self, call: Call) -> Result:
        params = call.params
        group = self.require_group(params)
        stream = self.require_stream(group, params["logStreamName"])
        forward, place = _place(params.get("nextToken"))
        if place is None:
            forward = bool(params.get("startFromHead"))
        span = Span(params.get("startTime", 0), params.get("endTime", _END_OF_TIME), place, backwards=not forward)
        found = self.store.events(group, [stream], span, params.get("limit") or MAX_EVENTS)
        found = _within_page(found)
        if not forward:
            found.reverse()
        first = last = place or (_END_OF_TIME if not forward else 0, 0)
        if found:
            first, last = (found[0].timestamp, found[0].id), (found[-1].timestamp, found[-1].id)
        return {
            "events": [{"timestamp": e.timestamp, "message": e.message, "ingestionTime": e.ingested} for e in found],
            "nextForwardToken": f"f/{last[0]}/{last[1]}",
            "nextBackwardToken": f"b/{first[0]}/{first[1]}",
        }

    @operation("FilterLogEvents", on_group("logs:FilterLogEvents"))
    async def filter_log_events(self, call: Call) -> Result:
        params = call.params
        group = self.require_group(params)
        matches = compile_pattern(params.get("filterPattern"))
        streams = self._chosen_streams(group, params)
        limit = params.get("limit") or MAX_EVENTS
        found: list[dict[str, Any]] = []
        size = scanned = 0
        _, after = _place(params.get("nextToken"))
        # endTime includes its millisecond here, and does not in GetLogEvents
        end = params.get("endTime", _END_OF_TIME) + 1
        while True:
            slice_ = self.store.events(group, streams, Span(params.get("startTime", 0), end, after), _SLICE)
            for event in slice_:
                after = (event.timestamp, event.id)
                if matches(event.message):
                    found.append(_filtered(event))
                    size += len(event.message) + EVENT_OVERHEAD
                    if len(found) == limit or size > MAX_PAGE_BYTES:
                        return _page(found, after)
            if len(slice_) < _SLICE:
                return _page(found, None)
            scanned += _SLICE
            if scanned >= _MAX_SCANNED:
                return _page(found, after)
            await asyncio.sleep(0)

    def _chosen_streams(self, group: Group, params: Params) -> list[Stream] | None:
        """The streams to look at; None for all."""
        names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix")
        if names and prefix:
            raise invalid("logStreamNamePrefix and logStreamNames cannot be given together.")
        if names:
            return [self.require_stream(group, name) for name in names]
        if prefix:
            found = self.store.streams(group, prefix, "", MAX_STREAMS + 1)
            if len(found) > MAX_STREAMS:
                raise invalid(f"More than {MAX_STREAMS} log streams have names that begin with {prefix}.")
            return found
        return None


def _check_batch(events: list[dict[str, Any]]) -> None:
    size = 0
    before = 0
    for event in events:
        length = len(event["message"].encode())
        if not length:
            raise invalid("Log event message must not be empty.")
        if length > MAX_EVENT_BYTES:
            raise invalid(f"Log event too large: {length} bytes exceeds limit of {MAX_EVENT_BYTES}")
        if event["timestamp"] < before:
            raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
        before = event["timestamp"]
        size += length + EVENT_OVERHEAD
    if size > MAX_BATCH_BYTES:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")


def _rejected(events: list[dict[str, Any]], oldest: int, now: int, *, expires: bool) -> dict[str, int]:
    """Which events were not taken: end indices are exclusive, the events are in order of time."""
    info: dict[str, int] = {}
    old = sum(event["timestamp"] < now - TOO_OLD for event in events)
    expired = sum(event["timestamp"] < oldest for event in events)
    new = sum(event["timestamp"] > now + TOO_NEW for event in events)
    if old:
        info["tooOldLogEventEndIndex"] = old
    if expires and expired:
        info["expiredLogEventEndIndex"] = expired
    if new:
        info["tooNewLogEventStartIndex"] = len(events) - new
    return info


def _place(token: str | None) -> tuple[bool, tuple[int, int] | None]:
    """Whether a token leads forward, and from which (timestamp, id)."""
    if token is None:
        return True, None
    found = _PLACE.fullmatch(token)
    if found is None:
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
    return found[1] == "f", (int(found[2]), int(found[3]))


def _within_page(events: list[Event]) -> list[Event]:
    size = 0
    for count, event in enumerate(events):
        size += len(event.message) + EVENT_OVERHEAD
        if size > MAX_PAGE_BYTES and count:
            return events[:count]
    return events


def _filtered(event: Event) -> dict[str, Any]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": str(event.id),
    }


def _page(found: list[dict[str, Any]], after: tuple[int, int] | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"events": found, "searchedLogStreams": []}
    if after is not None:
        answer["nextToken"] = f"f/{after[0]}/{after[1]}"
    return answer
