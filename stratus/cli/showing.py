"""What there is: outputs, status, the environment of clients."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stratus.cli import running, screen
from stratus.cli.failures import Failure, bad_input
from stratus.cli.running import Running
from stratus.template.state import StateReader


def outputs(data: Path, stack: str | None, *, as_json: bool) -> None:
    """Prints the outputs of one stack or all, also while nothing runs."""
    stacks = {name: each["outputs"] for name, each in _home(data).items()}
    if stack is not None:
        if stack not in stacks:
            raise bad_input(f"There is no stack {stack} in {data}.")
        stacks = {stack: stacks[stack]}
    if as_json:
        screen.as_json(stacks[stack] if stack else stacks)
        return
    for name, values in stacks.items():
        if stack is None:
            screen.say(f"[bold]{name}[/bold]")
        screen.pairs(values)


def status(data: Path, *, as_json: bool) -> None:
    """Prints what runs, the stacks of every region, and what was kept."""
    here = running.find(data)
    regions = {folder.name: _region(folder / "stacks") for folder in _regions(data)}
    if as_json:
        process = {"pid": here.pid, "endpoint": here.endpoint, "memory_bytes": _memory(here.pid)} if here else None
        screen.as_json({"running": process, "regions": regions})
        return
    if here is None:
        screen.say(f"No Stratus runs on {data}.")
    else:
        memory = _memory(here.pid)
        size = f", {memory // 2**20} MB" if memory else ""
        screen.say(f"Stratus runs on {data}: process {here.pid}{size}, {here.http_endpoint} and {here.endpoint}")
    for region, content in regions.items():
        for name, stack in content["stacks"].items():
            screen.say(f"{region}  [bold]{name}[/bold]  {stack['status']}, {stack['resources']} resources")
        for name, kept in content["retained"].items():
            screen.say(
                f"{region}  [bold]{name}[/bold]  kept {len(kept)}: {', '.join(each['physical_id'] for each in kept)}"
            )


def environment(data: Path, *, as_json: bool) -> None:
    """Prints the variables with which the AWS CLI and the SDKs find this cloud, as its administrator."""
    here = _running(data)
    variables = {
        "AWS_ENDPOINT_URL": here.endpoint,
        "AWS_CA_BUNDLE": here.ca,
        "AWS_REGION": here.region,
        "AWS_DEFAULT_REGION": here.region,
        "AWS_ACCESS_KEY_ID": here.admin["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": here.admin["secret_access_key"],
    }
    if as_json:
        screen.as_json(variables)
        return
    for name, value in variables.items():
        screen.plain(f"export {name}={shlex.quote(value)}")
    # A token or profile of a real account would go before these keys.
    screen.plain("unset AWS_SESSION_TOKEN AWS_PROFILE")


def _running(data: Path) -> Running:
    here = running.find(data)
    if here is None:
        raise Failure(f"No Stratus runs on {data}. Start it: stratus up --data {data}")
    return here


def _home(data: Path) -> dict[str, Any]:
    """The stacks of the first region, as the ready file would have them."""
    here = running.find(data)
    if here is not None:
        return here.stacks
    found: dict[str, Any] = {}
    for reader in readers(data):
        for record in reader.stacks():
            found.setdefault(record.name, {"outputs": record.outputs})
    return found


def readers(data: Path) -> Iterator[StateReader]:
    """What each region knows of its stacks, whether Stratus runs or not."""
    for folder in _regions(data):
        if reader := StateReader.open(folder / "stacks"):
            yield reader


def _regions(data: Path) -> list[Path]:
    folder = data / "regions"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _region(folder: Path) -> dict[str, Any]:
    reader = StateReader.open(folder)
    if reader is None:
        return {"stacks": {}, "retained": {}}
    return {
        "stacks": {
            record.name: {
                "status": str(record.status),
                "resources": len(reader.resources(record.name)),
                "without_effect": [asdict(notice) for notice in record.without_effect],
            }
            for record in reader.stacks()
        },
        "retained": {
            name: [{"type": each.type, "physical_id": each.physical_id} for each in reader.retained(name)]
            for name in reader.retained_stacks()
        },
    }


def _memory(pid: int) -> int:
    """Resident bytes of a process; 0 where the system does not say."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
