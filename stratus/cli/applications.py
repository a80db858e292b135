"""Applications: folders with a template, and the parameters they run with on one machine."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stratus.cli.failures import bad_input

TEMPLATE_NAMES = ("template.yaml", "template.yml", "template.json")
PARAMETER_FILE = "one-machine"
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True)
class Application:
    """One application: its stack's name, its template and its parameters."""

    name: str
    template: Path
    parameters: Mapping[str, str]


def find(names: Sequence[str], parameters: Sequence[str]) -> list[Application]:
    """The applications asked for; all under `apps/` where none was named. `parameters` are `Key=Value` or `app.Key=Value`.

    Raises Failure.
    """
    templates = [_template(name) for name in names] if names else _all()
    found: dict[str, Path] = {}
    for template in templates:
        name = template.parent.name
        if not _STACK_NAME.fullmatch(name):
            raise bad_input(
                f"{template.parent}: a stack's name is made of letters, digits and hyphens, so the folder's must be."
            )
        if found.setdefault(name, template) != template:
            raise bad_input(f"{template} and {found[name]} would both be the stack {name}; rename one folder.")
    given = [_parameter(each) for each in parameters]
    used: set[int] = set()
    applications = [
        Application(name, template, _parameters(name, template, given, used)) for name, template in found.items()
    ]
    for index, (scope, key, _) in enumerate(given):
        if index not in used:
            wanted = f"the application {scope}" if scope else "these applications"
            raise bad_input(f"--parameter {key}: {wanted} have no such parameter.")
    return applications


def _template(name: str) -> Path:
    for folder in (Path(name), *(apps / name for apps in _folders())):
        if folder.is_file():
            return folder.resolve()
        for template in TEMPLATE_NAMES:
            if (folder / template).is_file():
                return (folder / template).resolve()
    raise bad_input(f"There is no application {name}: neither a folder with a template.yaml nor one below {_places()}.")


def _all() -> list[Path]:
    for apps in _folders():
        templates = [
            (each / name).resolve()
            for each in sorted(apps.iterdir())
            for name in TEMPLATE_NAMES
            if (each / name).is_file()
        ]
        if templates:
            return templates
    raise bad_input(f"No application was named, and there is none below {_places()}.")


def _folders() -> list[Path]:
    """Where applications are looked for: here, and beside the source of Stratus."""
    candidates = [Path("apps"), Path(__file__).parent.parent.parent / "apps"]
    return [folder for folder in candidates if folder.is_dir()]


def _places() -> str:
    return " or ".join(str(folder) for folder in _folders()) or "./apps"


def _parameter(text: str) -> tuple[str, str, str]:
    """`app.Key=Value` as (app, Key, Value); app is empty for `Key=Value`."""
    name, equals, value = text.partition("=")
    scope, _, key = name.rpartition(".")
    if not equals or not key:
        raise bad_input(f"--parameter {text}: write it as Key=Value, or as application.Key=Value.")
    return scope, key, value


def _parameters(name: str, template: Path, given: list[tuple[str, str, str]], used: set[int]) -> dict[str, str]:
    values = _from_file(template.parent / "parameters")
    if given:
        from stratus.template.source import load

        declared = load(template).content.get("Parameters") or {}
        for index, (scope, key, value) in enumerate(given):
            if scope == name or (not scope and key in declared):
                values[key] = value
                used.add(index)
    return values


def _from_file(folder: Path) -> dict[str, str]:
    """The application's parameters for one machine, as `sam deploy` would take them; none where there is no such file."""
    for suffix, parse in ((".json", json.loads), (".yaml", yaml.safe_load), (".toml", tomllib.loads)):
        file = folder / f"{PARAMETER_FILE}{suffix}"
        if not file.is_file():
            continue
        try:
            content = parse(file.read_text(encoding="utf-8"))
        except (ValueError, yaml.YAMLError, OSError) as error:
            raise bad_input(f"{file}: {error}") from error
        values = content.get("Parameters") if isinstance(content, dict) else None
        if not isinstance(values, dict) or not all(isinstance(value, str | int | float) for value in values.values()):
            raise bad_input(f'{file}: must hold {{"Parameters": {{"Key": "Value"}}}}.')
        return {str(key): _text(value) for key, value in values.items()}
    return {}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
