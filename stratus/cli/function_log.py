"""`stratus logs`: the log of a function, read through the API as any client would."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stratus.cli import running, screen
from stratus.cli.failures import Failure, bad_input
from stratus.cli.running import Running
from stratus.template.state import StateReader

_POLL_SECONDS = 0.5
_TYPE = "AWS::Lambda::Function"


def show(data: Path, function: str, *, minutes: int, follow: bool) -> None:
    """Prints the lines of the last `minutes`, and with `follow` those that come, until interrupted."""
    here = running.find(data)
    if here is None:
        raise Failure(f"No Stratus runs on {data}. Start it: stratus up --data {data}")
    group = _group(here, _physical_name(data, here.region, function))
    client = _client(here, "logs")
    since = int((time.time() - minutes * 60) * 1000)
    seen: set[str] = set()
    try:
        while True:
            for event in _events(client, group, since):
                if event["eventId"] not in seen:
                    seen.add(event["eventId"])
                    since = max(since, event["timestamp"])
                    _print(event)
            if not follow:
                return
            if len(seen) > 10_000:
                seen = {event["eventId"] for event in _events(client, group, since)}
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _physical_name(data: Path, region: str, function: str) -> str:
    """The name of a function that is given by name or by logical id."""
    reader = StateReader.open(data / "regions" / region / "stacks")
    records = (
        [record for stack in (reader.stacks() if reader else []) for record in reader.resources(stack.name).values()]
        if reader
        else []
    )
    functions = {record.physical_id: record.logical_id for record in records if record.type == _TYPE}
    named = [name for name, logical_id in functions.items() if function in (name, logical_id)]
    if len(named) == 1:
        return named[0]
    if len(named) > 1:
        raise bad_input(f"{function} is {' and '.join(named)}; name one of them.")
    raise bad_input(f"There is no function {function}; there are {', '.join(sorted(functions)) or 'none'}.")


def _group(here: Running, name: str) -> str:
    configuration = _client(here, "lambda").get_function_configuration(FunctionName=name)
    return str(configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}")


def _client(here: Running, service: str) -> Any:
    import boto3

    return boto3.session.Session(
        aws_access_key_id=here.admin["access_key_id"],
        aws_secret_access_key=here.admin["secret_access_key"],
        region_name=here.region,
    ).client(service, endpoint_url=here.http_endpoint)


def _events(client: Any, group: str, since: int) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
        yield from page["events"]


def _print(event: dict[str, Any]) -> None:
    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
    screen.plain(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}  {event['message'].rstrip()}")
