"""A template file with its local files put in and SAM translated, remembered by content: a start without changes imports no translator."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stratus.template import local_files, source
from stratus.template.errors import UnusableTemplate
from stratus.template.model import SAM
from stratus.template.source import Source

MAX_KEPT = 50


@dataclass(frozen=True)
class Translation:
    """A CloudFormation template and where it comes from. `digest` is of everything that went into it."""

    file: Path
    content: dict[str, Any]
    digest: str

    @cached_property
    def source(self) -> Source:
        """The file as written, to say where an error stands."""
        return source.load(self.file)


class Translations:
    """Translates templates; keeps the results in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def translate(self, file: Path, parameters: Mapping[str, str], region: str) -> Translation:
        """Raises UnusableTemplate."""
        file = file.resolve()
        own = local_files.digest(file)
        if not own:
            source.load(file)  # says why it cannot be read
        kept = (
            self._directory
            / f"template-{_digest(str(file), own, sorted(parameters.items()), region, _versions())}.json"
        )
        remembered = self._recall(kept)
        if remembered is None:
            content, read = _translated(source.load(file), parameters, region)
            remembered = {"content": content, "read": read}
            self._keep(kept, remembered)
        return Translation(
            file, remembered["content"], _digest(own, remembered["read"], remembered["content"], _versions())
        )

    def _recall(self, kept: Path) -> dict[str, Any] | None:
        try:
            remembered: dict[str, Any] = json.loads(kept.read_bytes())
        except (OSError, ValueError):
            return None
        unchanged = all(local_files.digest(Path(file)) == digest for file, digest in remembered["read"].items())
        return remembered if unchanged else None

    def _keep(self, kept: Path, remembered: dict[str, Any]) -> None:
        # Only a cache: where it cannot be written, the next start takes a second longer.
        with contextlib.suppress(OSError):
            handle, temporary = tempfile.mkstemp(dir=self._directory, prefix="template-", suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(remembered, stream)
            Path(temporary).replace(kept)
            for old in sorted(self._directory.glob("template-*"), key=lambda each: each.stat().st_mtime)[:-MAX_KEPT]:
                old.unlink()


def _translated(written: Source, parameters: Mapping[str, str], region: str) -> tuple[dict[str, Any], dict[str, str]]:
    files = local_files.resolve(written.content, written.file.parent)
    if files.errors:
        raise UnusableTemplate(written.describe_all(files.errors))
    transforms = files.content.get("Transform")
    if transforms != SAM and not (isinstance(transforms, list) and SAM in transforms):
        return files.content, files.read
    from stratus.template import sam  # most of a second

    content, errors = sam.translate(files.content, parameters, region)
    if errors:
        raise UnusableTemplate(written.describe_all(errors))
    return content, files.read


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _versions() -> str:
    return f"{version('stratus-cloud')}, {version('aws-sam-translator')}"
