"""What `stratus up` says when everything is up: what changed, what protects less than on AWS, the addresses, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from stratus.cli import notices, screen, trusting
from stratus.cli.naming import command, relative
from stratus.cli.running import Running

if TYPE_CHECKING:
    from stratus.cloud import Cloud
    from stratus.template.notice import Notice
    from stratus.template.stacks import Deployed
    from stratus.template.state import Event

_DEEDS = {
    "CREATE_COMPLETE": "made",
    "UPDATE_COMPLETE": "changed",
    "DELETE_COMPLETE": "deleted",
    "DELETE_SKIPPED": "kept, no longer in the template",
}


@dataclass
class Deployment:
    """One stack in one region, as its deployment went."""

    stack: str
    region: str
    deeds: dict[str, int] = field(default_factory=dict)
    result: "Deployed | None" = None

    def listen(self, event: "Event") -> None:
        if deed := _DEEDS.get(event.status):
            self.deeds[deed] = self.deeds.get(deed, 0) + 1

    @property
    def outcome(self) -> str:
        done = ", ".join(f"{count} {deed}" for deed, count in self.deeds.items())
        return f"{done} in {self.region}"


def greet(cloud: "Cloud", tells: Running, deployments: Sequence[Deployment]) -> None:
    """Says it all; a start that changed nothing says less."""
    data = cloud.settings.data
    home = {each.stack: each for each in deployments if each.region == cloud.settings.regions[0]}
    found = {name: each.result.without_effect if each.result else [] for name, each in home.items()}
    changed = [each for each in deployments if each.deeds]
    for each in changed:
        screen.say(f"[green]✓[/green] [bold]{escape(each.stack)}[/bold]: {escape(each.outcome)}")
    for each in deployments:
        for problem in each.result.problems if each.result else ():
            screen.warn(f"{each.stack}: {problem}")
    _warn(cloud, found, in_full=bool(changed))
    if changed and (summary := notices.summary(found)):
        screen.say(f"[dim]{escape(summary)}: {escape(command('notices', data))}[/dim]")
    for name, stack in tells.stacks.items():
        screen.heading(name)
        screen.pairs(stack["outputs"])
    screen.heading("Next")
    screen.pairs(_next_steps(cloud, tells))


def _warn(cloud: "Cloud", found: Mapping[str, Sequence["Notice"]], *, in_full: bool) -> None:
    data = cloud.settings.data
    missing = list(cloud.warnings)
    protections = [sentence for each in found.values() for sentence in notices.protections(each)]
    if in_full:
        missing += protections
    elif protections:
        count = "1 setting that protects" if len(protections) == 1 else f"{len(protections)} settings that protect"
        missing.append(f"{count} on AWS without effect here: {command('notices', data)}")
    screen.warn_box("Less protected here than on AWS", missing)
    if trusting.is_outdated(data, cloud.ca):
        again = command("trust", data)
        screen.warn(f"The certificate authority is not the one that was trusted: run `{again}` again.")


def _next_steps(cloud: "Cloud", tells: Running) -> dict[str, str]:
    data = cloud.settings.data
    steps = {"AWS endpoint": f"{tells.http_endpoint} or {tells.endpoint}"}
    if not (data / trusting.MARK).exists():
        steps["HTTPS"] = f"signed by {relative(Path(tells.ca))}; {command('trust', data)} makes browsers take it"
    steps["Credentials"] = f'eval "$({command("env", data)})"  for boto3 and the AWS CLI, as administrator'
    steps["Mail"] = (
        cloud.settings.smtp and f"goes to {_without_password(cloud.settings.smtp)}"
    ) or f"{relative(Path(tells.mailbox))}/new  confirmation codes arrive here"
    if request := _first_request(cloud, tells):
        steps["First request"] = request
    steps["Stop"] = f"Ctrl-C, or {command('down', data)}"
    return steps


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _first_request(cloud: "Cloud", tells: Running) -> str:
    """A request that the first REST API with an output of its address answers."""
    region = cloud.settings.regions[0]
    for name, stack in tells.stacks.items():
        for record in cloud.stacks(region).resources(name).values():
            if record.type != "AWS::ApiGateway::RestApi":
                continue
            site = cloud.addresses.localise(f"https://{record.physical_id}.execute-api.{region}.amazonaws.com")
            url = next((value for value in stack["outputs"].values() if value.startswith(f"{site}/")), None)
            path, operation = _plain_get(record.properties.get("Body", {}))
            if url and path:
                hint = "  401 until you sign in" if operation.get("security") else ""
                return f"curl -i {url.rstrip('/')}{path}{hint}"
    return ""


def _plain_get(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The first path that can be read without knowing anything."""
    for path, item in body.get("paths", {}).items():
        if "{" not in path and "get" in item:
            return path, item["get"]
    return "", {}
