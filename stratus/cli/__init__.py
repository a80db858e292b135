"""The `stratus` command. This module stays light: what a command needs is imported when it runs."""


def main() -> None:
    """The entry point; exit codes are those of `stratus.cli.failures`."""
    from stratus.cli.app import run

    run()
