"""How a person would type what we tell them to."""

import os
import shlex
import shutil
import sys
from pathlib import Path

DEFAULT_DATA = Path(".stratus")


def command(words: str, data: Path) -> str:
    """`stratus env`, with the path of this very `stratus` where the shell would not find it, and `--data` where it is needed."""
    own = Path(sys.argv[0])
    found = shutil.which("stratus")
    is_found = found is not None and own.exists() and Path(found).samefile(own)
    name = "stratus" if is_found or own.name != "stratus" else relative(own)
    usual = Path(os.environ.get("STRATUS_DATA", DEFAULT_DATA))
    where = "" if data.absolute() == usual.absolute() else f" --data {shlex.quote(str(data))}"
    return f"{name} {words}{where}"


def relative(path: Path) -> str:
    """A path from here where that is shorter."""
    path, here = path.absolute(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
