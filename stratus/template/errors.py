"""What can go wrong with a template, and where."""

Path = tuple[str | int, ...]
"""Where in a template: `("Resources", "Table", "Properties", "KeySchema", 0)`."""


class TemplateError(Exception):
    """The template cannot be used; nothing was changed. `path` names the place, `message` what is wrong and what to do."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class UnusableTemplate(Exception):  # noqa: N818 - what a person reads: the template's errors, each with its line
    """Every error found in a template, one line each: `template.yaml:12:7: Resources.Table.Properties.X: message`."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class DeploymentFailed(Exception):  # noqa: N818 - what happened to the stack
    """A resource could not be made, changed or deleted. `taken_back` says whether the stack is again as it was before."""

    def __init__(self, stack: str, logical_id: str, reason: str, *, taken_back: bool = True) -> None:
        super().__init__(f"{stack}: {logical_id}: {reason}")
        self.stack = stack
        self.logical_id = logical_id
        self.reason = reason
        self.taken_back = taken_back


def dotted(path: Path) -> str:
    """`Resources.Table.Properties.KeySchema[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
