"""`stratus up`: the cloud in the foreground, with the applications deployed."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from stratus.cli import running, screen, trusting
from stratus.cli.applications import Application
from stratus.cli.running import Running

if TYPE_CHECKING:
    from stratus.cloud import Cloud, Settings
    from stratus.template.state import Event


@dataclass(frozen=True)
class Wanted:
    """What to run."""

    settings: "Settings"
    applications: Sequence[Application]
    ready_file: Path | None


def run(coroutine: Any) -> Any:
    """Runs it on uvloop where there is one."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coroutine)


async def up(wanted: Wanted) -> None:
    """Starts the cloud, deploys, says that it is ready, and stays until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    from stratus.cloud import Cloud

    cloud = Cloud(wanted.settings)
    told = [wanted.settings.data / running.FILE, *([wanted.ready_file] if wanted.ready_file else [])]
    try:
        with screen.progress("Starting") as tell:
            await cloud.start()
            work = asyncio.ensure_future(deploy_all(cloud, wanted.applications, tell))
            await _first(work, stopping)
        if not stopping.is_set():
            tells = describe(cloud, work.result())
            for file in told:
                tells.write(file)
            _greet(cloud, tells)
            await stopping.wait()
    finally:
        for file in told:
            file.unlink(missing_ok=True)
        with screen.progress("Stopping"):
            await cloud.stop()


async def _first(work: "asyncio.Future[Any]", stopping: asyncio.Event) -> None:
    """Waits for `work`, or breaks it off when it is time to stop: what it left half done is settled at the next start."""
    waiting = asyncio.ensure_future(stopping.wait())
    await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not work.done():
        work.cancel()
        await asyncio.wait([work])


async def deploy_all(
    cloud: "Cloud", applications: Sequence[Application], tell: Callable[[str], None] = lambda text: None
) -> dict[str, dict[str, Mapping[str, str]]]:
    """Deploys each application in each region; returns {region: {stack: outputs}}. Nothing is changed before everything was checked."""
    regions = cloud.settings.regions
    for region in regions:
        for app in applications:
            cloud.stacks(region).check(app.name, app.template, app.parameters)
    outputs: dict[str, dict[str, Mapping[str, str]]] = {region: {} for region in regions}
    for region in regions:
        for app in applications:
            deployed = await cloud.stacks(region).deploy(
                app.name, app.template, app.parameters, _listener(app.name, tell)
            )
            outputs[region][app.name] = deployed.outputs
            if deployed.changed:
                _tell_changes(app.name, region, deployed.notices if region == regions[0] else [], deployed.problems)
    await cloud.open_apis()
    return outputs


def describe(cloud: "Cloud", outputs: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Running:
    """What the ready file says."""
    regions = {
        region: {"stacks": {name: {"outputs": dict(values)} for name, values in stacks.items()}}
        for region, stacks in outputs.items()
    }
    first = cloud.settings.regions[0]
    return Running(
        endpoint=cloud.addresses.https_endpoint,
        ca=str(cloud.ca.resolve()),
        region=first,
        admin={
            "access_key_id": cloud.administrator.access_key_id,
            "secret_access_key": cloud.administrator.secret_access_key,
        },
        mailbox=str(cloud.mailbox.resolve()),
        stacks=regions[first]["stacks"],
        regions=regions,
        http_endpoint=cloud.addresses.endpoint,
        pid=os.getpid(),
        port_base=cloud.settings.port_base,
    )


def _listener(stack: str, tell: Callable[[str], None]) -> "Callable[[Event], None]":
    def listen(event: "Event") -> None:
        tell(f"{stack}: {event.logical_id} {event.status.lower().replace('_', ' ')}")
        if not screen.out.is_terminal and event.status.endswith(("COMPLETE", "FAILED", "SKIPPED")):
            screen.plain(
                f"{stack}: {event.logical_id} {event.type} {event.status}{' ' + event.reason if event.reason else ''}"
            )

    return listen


def _tell_changes(stack: str, region: str, notices: Sequence[str], problems: Sequence[str]) -> None:
    screen.say(f"[green]{stack}[/green] is deployed in {region}.")
    if notices:
        screen.say("Recorded, without effect on one machine:")
        for notice in notices:
            screen.say(f"  {escape(notice)}")
    for problem in problems:
        screen.warn(f"{stack}: {problem}")


def _greet(cloud: "Cloud", tells: Running) -> None:
    for warning in cloud.warnings:
        screen.warn(warning)
    if trusting.is_outdated(cloud.settings.data, cloud.ca):
        screen.warn("The certificate authority is not the one that was trusted: run `stratus trust` again.")
    for name, stack in tells.stacks.items():
        screen.say(f"\n[bold]{name}[/bold]")
        screen.pairs(stack["outputs"])
    screen.say(f"\nAWS endpoint  {tells.http_endpoint} and {tells.endpoint} (authority: {tells.ca})")
    screen.say(f"Mail          {tells.mailbox}")
    screen.say('Use it with the AWS CLI and boto3:  eval "$(stratus env)".  Stop with Ctrl-C or `stratus down`.')
