"""`python -m deploy todolist --region eu-central-1 MailFrom=... MailIdentityArn=...`"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.table import Table

from deploy.preflight import preflight

ROOT = Path(__file__).resolve().parent.parent
SAM = ROOT / ".venv" / "tools" / "sam" / "bin" / "sam"


def main() -> int:
    """Exit code 0 when the stack is as the template says, 1 when the preflight stops it, else that of the SAM CLI."""
    arguments = _arguments()
    console = Console()
    app = ROOT / "apps" / arguments.app
    if not (app / "template.yaml").is_file():
        console.print(f"[red]There is no application {arguments.app}:[/] {app}/template.yaml is missing.")
        return 2
    parameters = dict(pair.split("=", 1) for pair in arguments.parameters)
    session = boto3.Session(region_name=arguments.region)
    region: str | None = session.region_name
    if region is None:
        console.print("[red]No region is set.[/] Pass REGION=..., or set one with `aws configure`.")
        return 2
    if not _clear(console, session, parameters) and not arguments.force:
        return 1
    stack = arguments.stack or arguments.app
    code = _deploy(app, stack, region, parameters)
    if code == 0:
        _print_outputs(console, session, stack)
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("app")
    parser.add_argument("parameters", nargs="*", metavar="Name=Value", type=_pair)
    parser.add_argument("--region")
    parser.add_argument("--stack", help="name of the stack (default: the application's)")
    parser.add_argument("--force", action="store_true", help="deploy although the preflight found something in the way")
    return parser.parse_args()


def _pair(text: str) -> str:
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not Name=Value")
    return text


def _clear(console: Console, session: boto3.Session, parameters: dict[str, str]) -> bool:
    try:
        findings = list(preflight(session.client, parameters))
    except BotoCoreError as error:
        console.print(f"[red]AWS cannot be reached:[/] {error}")
        return False
    for finding in findings:
        console.print(f"{'[red]in the way' if finding.blocks else '[yellow]note'}[/]  {finding.what}")
        console.print(f"            {finding.fix}", style="dim", highlight=False)
    return not any(finding.blocks for finding in findings)


def _deploy(app: Path, stack: str, region: str, parameters: dict[str, str]) -> int:
    sam = str(SAM) if SAM.exists() else shutil.which("sam") or "sam"
    build = ROOT / ".aws-sam" / app.name
    steps = [
        [sam, "build", "--template-file", str(app / "template.yaml"), "--build-dir", str(build)],
        [
            *(sam, "deploy", "--template-file", str(build / "template.yaml")),
            *("--stack-name", stack, "--region", region),
            *("--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset"),
            *(["--parameter-overrides", *(f"{k}={v}" for k, v in parameters.items())] if parameters else []),
        ],
    ]
    for step in steps:
        code = subprocess.run(step, check=False).returncode  # noqa: S603 - our own command line
        if code:
            return code
    return 0


def _print_outputs(console: Console, session: boto3.Session, stack: str) -> None:
    described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    table = Table(title=f"{stack} is up in {session.region_name}")
    table.add_column("output")
    table.add_column("value")
    for output in described.get("Outputs", []):
        table.add_row(output["OutputKey"], output["OutputValue"])
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
