"""Stopping the cloud, deleting stacks, erasing what they kept."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stratus.cli import running, screen
from stratus.cli.failures import Failure, bad_input
from stratus.cli.up import run

if TYPE_CHECKING:
    from stratus.cloud import Cloud
    from stratus.template.state import ResourceRecord

_PATIENCE_SECONDS = 60.0


def stop(data: Path) -> None:
    """Asks the Stratus that runs on `data` to stop, and waits until it has."""
    found = running.find(data)
    if found is None:
        if running.is_locked(data):
            raise Failure(f"A Stratus on {data} is just starting or stopping; try again.")
        screen.say(f"No Stratus runs on {data}.")
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while running.is_locked(data):
        if time.monotonic() > deadline:
            raise Failure(f"Stratus (process {found.pid}) has not stopped within {_PATIENCE_SECONDS:.0f} seconds.")
        time.sleep(0.05)
    screen.say("Stopped. `stratus up` brings everything back.")


def delete(data: Path, stacks: Sequence[str]) -> None:
    """Deletes stacks in every region that has them; says what is kept and where."""
    run(_delete(data, stacks))


def erase(data: Path, stack: str, confirmed: str | None) -> None:
    """Deletes a stack and all that it kept, once its name was typed."""
    if running.is_locked(data):
        raise Failure("Stop Stratus first: stratus down.")
    if confirmed is None:
        screen.say(f"This erases {stack} with all its tables, files and users in {data}. There is no way back.")
        confirmed = screen.out.input("Type the stack's name to go on: ")
    if confirmed != stack:
        raise bad_input("That is not the stack's name; nothing was erased.")
    run(_erase(data, stack))


async def _delete(data: Path, stacks: Sequence[str]) -> None:
    async with _opened(data) as cloud:
        for stack in stacks:
            regions = [region for region in cloud.settings.regions if cloud.stacks(region).stack(stack)]
            if not regions:
                raise bad_input(f"There is no stack {stack} in {data}.")
            for region in regions:
                with screen.progress(f"Deleting {stack} in {region}"):
                    kept = await cloud.stacks(region).delete(stack)
                _tell_kept(data, stack, region, kept)


async def _erase(data: Path, stack: str) -> None:
    async with _opened(data) as cloud:
        found = False
        for region in cloud.settings.regions:
            stacks = cloud.stacks(region)
            if stacks.stack(stack) or stacks.retained(stack):
                found = True
                with screen.progress(f"Erasing {stack} in {region}"):
                    await stacks.erase(stack)
        if not found:
            raise bad_input(f"There is no stack {stack} in {data}, and none left anything there.")
    screen.say(f"{stack} is erased.")


def _tell_kept(data: Path, stack: str, region: str, kept: "Sequence[ResourceRecord]") -> None:
    screen.say(f"{stack} is deleted in {region}.")
    if kept:
        screen.say(f"Kept, as the template says, in {data}:")
        screen.pairs({record.physical_id: record.type for record in kept})
        screen.say(f"To erase that too: stratus erase {stack}")


@contextlib.asynccontextmanager
async def _opened(data: Path) -> "AsyncIterator[Cloud]":
    """The cloud of `data`, with the regions that it has, while nobody else uses it."""
    from stratus.cloud import Cloud, Settings

    folder = data / "regions"
    regions = tuple(sorted(each.name for each in folder.iterdir())) if folder.is_dir() else ()
    if not regions:
        raise bad_input(f"There are no stacks in {data}.")
    cloud = Cloud(Settings(data=data, regions=regions))
    try:
        await cloud.start(listen=False)
        yield cloud
    finally:
        await asyncio.shield(cloud.stop())
