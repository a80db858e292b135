"""The commands and their options."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from stratus.cli.failures import bad_input, explained
from stratus.cli.naming import DEFAULT_DATA

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Stratus runs serverless applications from their own AWS SAM templates, on one machine.",
)

Data = Annotated[
    Path, typer.Option("--data", envvar="STRATUS_DATA", help="The directory that holds everything.", file_okay=False)
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def run() -> None:
    """Runs the command; an exception that means something to a person is a sentence, and an exit code."""
    try:
        app(prog_name="stratus")
    except Exception as error:
        failure = explained(error)
        if failure is None:
            raise
        from stratus.cli import screen

        screen.fail(str(failure))
        raise SystemExit(failure.code) from None


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"stratus {version('stratus-cloud')}")
        raise typer.Exit


@app.callback()
def _main(
    asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The options before a command."""


@app.command()
def up(
    apps: Annotated[
        list[str] | None,
        typer.Argument(metavar="[APP]...", help="Folders below apps/, or paths of folders with a template."),
    ] = None,
    data: Data = DEFAULT_DATA,
    port_base: Annotated[
        int, typer.Option(min=1, max=65_516, help="All ports lie in N..N+19; N is the AWS endpoint.")
    ] = 4566,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written when everything is up: addresses, outputs, the administrator's key.")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="A region to run; may be repeated. The first one is the home.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="A template parameter, Key=Value or app.Key=Value; may be repeated.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; loopback unless told otherwise.")] = "127.0.0.1",
    public_url: Annotated[
        str | None, typer.Option(help="Scheme and name under which the world reaches this machine.")
    ] = None,
    cert: Annotated[
        Path | None, typer.Option(help="The certificate chain to serve, PEM.", exists=True, dir_okay=False)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, PEM.", exists=True, dir_okay=False)] = None,
    smtp: Annotated[
        str | None, typer.Option(help="Where mail goes, smtp://user:password@host:port; else to a Maildir.")
    ] = None,
) -> None:
    """Start the cloud and deploy applications; stays in the foreground."""
    from stratus.cli import applications, running
    from stratus.cli.up import Wanted, run
    from stratus.cli.up import up as start

    if ready_file and not running.is_locked(data):
        ready_file.unlink(missing_ok=True)  # left by one that was killed
    if (cert is None) != (key is None):
        raise bad_input("--cert and --key go together.")
    found = applications.find(apps or [], parameter or [])
    settings = _settings(
        data=data,
        port_base=port_base,
        host=host,
        regions=tuple(dict.fromkeys(region)) if region else None,
        public_url=public_url,
        certificate=cert,
        key=key,
        smtp=smtp,
        names=_names(host, public_url),
    )
    run(start(Wanted(settings, found, ready_file)))


@app.command()
def down(
    stacks: Annotated[
        list[str] | None, typer.Argument(metavar="[STACK]...", help="With --delete: the stacks to delete.")
    ] = None,
    data: Data = DEFAULT_DATA,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the stacks named; what their templates retain is kept.")
    ] = False,
) -> None:
    """Stop the cloud. With --delete, delete stacks; retained data stays, and it says where."""
    from stratus.cli import ending

    if delete and not stacks:
        raise bad_input("Name the stacks to delete: stratus down --delete STACK.")
    if stacks and not delete:
        raise bad_input("Stacks are stopped all together; to delete one: stratus down --delete STACK.")
    ending.stop(data)
    if stacks:
        ending.delete(data, stacks)


@app.command()
def erase(
    stack: Annotated[str, typer.Argument(help="The stack whose data shall go for ever.")],
    data: Data = DEFAULT_DATA,
    confirm: Annotated[
        str | None, typer.Option(metavar="STACK", help="The stack's name once more, instead of being asked.")
    ] = None,
) -> None:
    """Delete a stack with everything it kept: tables, buckets, users. There is no way back."""
    from stratus.cli import ending

    ending.erase(data, stack, confirm)


@app.command()
def outputs(
    stack: Annotated[str | None, typer.Argument(help="One stack; else all.")] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Print the outputs of the stacks."""
    from stratus.cli import showing

    showing.outputs(data, stack, as_json=json)


@app.command()
def status(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Say what runs, which stacks there are, and what was kept of stacks that are gone."""
    from stratus.cli import showing

    showing.status(data, as_json=json)


@app.command()
def notices(
    stack: Annotated[str | None, typer.Argument(help="One stack; else all.")] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Say which settings of the templates have no effect on one machine, and why."""
    from stratus.cli import notices

    notices.show(data, stack, as_json=json)


@app.command()
def logs(
    function: Annotated[str, typer.Argument(help="A function: its name, or its logical id in a template.")],
    data: Data = DEFAULT_DATA,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing as lines come.")] = False,
    since: Annotated[int, typer.Option(help="How many minutes back.", min=0)] = 10,
) -> None:
    """Print the log of a function."""
    from stratus.cli import function_log

    function_log.show(data, function, minutes=since, follow=follow)


def env(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Print what the AWS CLI and the SDKs need: eval "$(stratus env)"."""
    from stratus.cli import showing

    showing.environment(data, as_json=json)


app.command("env")(env)
app.command("credentials")(env)


@app.command()
def trust(
    data: Data = DEFAULT_DATA,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take it out again.")] = False,
) -> None:
    """Make this machine's browsers trust the authority that signs our certificates."""
    from stratus.cli import trusting

    trusting.uninstall(data) if uninstall else trusting.install(data)


def _names(host: str, public_url: str | None) -> tuple[str, ...]:
    """What the server certificate must name besides this machine: how the world calls it, and the address it listens on."""
    public = urlsplit(public_url or "").hostname
    listening = host if host not in ("0.0.0.0", "::", "") else None  # noqa: S104 - compared, not bound
    return tuple(dict.fromkeys(name for name in (public, listening) if name))


def _settings(**given: Any) -> Any:
    """Cloud settings; what is None keeps its default."""
    from stratus.cloud import Settings

    return Settings(**{name: value for name, value in given.items() if value is not None})
