"""`stratus up`: the cloud in the foreground, with the applications deployed."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stratus.cli import running, screen
from stratus.cli.applications import Application
from stratus.cli.greeting import Deployment, greet
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
            deployments = work.result()
            tells = describe(cloud, deployments)
            for file in told:
                tells.write(file)
            greet(cloud, tells, deployments)
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
    cloud: "Cloud", applications: Sequence[Application], tell: screen.Tell = lambda text, done, of: None
) -> list[Deployment]:
    """Deploys each application in each region. Nothing is changed before everything was checked."""
    parts = {
        (region, app.name): cloud.stacks(region).check(app.name, app.template, app.parameters)
        for region in cloud.settings.regions
        for app in applications
    }
    deployments = []
    for region in cloud.settings.regions:
        for app in applications:
            deployment = Deployment(app.name, region)
            listener = _listener(deployment, parts[region, app.name], tell)
            deployment.result = await cloud.stacks(region).deploy(app.name, app.template, app.parameters, listener)
            deployments.append(deployment)
    await cloud.open_apis()
    return deployments


def describe(cloud: "Cloud", deployments: Sequence[Deployment]) -> Running:
    """What the ready file says."""
    regions: dict[str, dict[str, Any]] = {region: {"stacks": {}} for region in cloud.settings.regions}
    for each in deployments:
        assert each.result is not None
        regions[each.region]["stacks"][each.stack] = {"outputs": each.result.outputs}
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


def _listener(deployment: Deployment, parts: int, tell: screen.Tell) -> "Callable[[Event], None]":
    def listen(event: "Event") -> None:
        deployment.listen(event)
        tell(f"{deployment.stack}  {event.logical_id}", sum(deployment.deeds.values()), parts)

    return listen
