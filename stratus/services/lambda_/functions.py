"""What is known of each function, on disk before it is answered."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from stratus.storage.database import Database

_SCHEMA = "CREATE TABLE IF NOT EXISTS functions (name TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID"


@dataclass(frozen=True, slots=True)
class Function:
    """One function, version $LATEST. Sizes as AWS counts them: `memory` and `ephemeral` in MB, `timeout` in seconds."""

    name: str
    arn: str
    role: str
    runtime: str
    handler: str
    code_path: str
    """The directory of its code. `watched` says that it is the author's own, reloaded when it changes."""
    watched: bool
    code_sha256: str
    code_size: int
    last_modified: str
    revision: str
    """RevisionId: new with every change of code or configuration; workers of an older one take no more work."""
    description: str = ""
    timeout: int = 3
    memory: int = 128
    ephemeral: int = 512
    architectures: tuple[str, ...] = ("x86_64",)
    environment: dict[str, str] = field(default_factory=dict)
    logging: dict[str, str] = field(default_factory=dict)
    tracing: str = "PassThrough"
    tags: dict[str, str] = field(default_factory=dict)
    reserved_concurrency: int | None = None
    policy: dict[str, Any] = field(default_factory=dict)
    """Statements of the resource policy by their Sid."""
    policy_revision: str = ""
    event_invoke: dict[str, Any] = field(default_factory=dict)
    """The EventInvokeConfig; empty when there is none."""

    @property
    def log_group(self) -> str:
        return self.logging.get("LogGroup") or f"/aws/lambda/{self.name}"


class FunctionStore:
    """The functions of a region. Reads come from memory; a write returns when it is on disk."""

    def __init__(self, directory: Path) -> None:
        self._database = Database(directory / "functions.sqlite", _SCHEMA)
        self._functions: dict[str, Function] = {}
        for (record,) in self._database.reader.execute("SELECT record FROM functions"):
            function = _from_record(record)
            self._functions[function.name] = function

    def get(self, name: str) -> Function | None:
        return self._functions.get(name)

    def all(self) -> list[Function]:
        """Every function, by name."""
        return [self._functions[name] for name in sorted(self._functions)]

    async def put(self, function: Function) -> Function:
        record = orjson.dumps(asdict(function))
        await self._database.write(
            lambda db: db.execute("INSERT OR REPLACE INTO functions VALUES (?, ?)", (function.name, record)),
            savepoint=False,
        )
        self._functions[function.name] = function
        return function

    async def change(self, name: str, **changes: Any) -> Function:
        """Writes a function with some of its fields replaced."""
        return await self.put(replace(self._functions[name], **changes))

    async def delete(self, name: str) -> None:
        await self._database.write(
            lambda db: db.execute("DELETE FROM functions WHERE name = ?", (name,)), savepoint=False
        )
        self._functions.pop(name, None)

    async def close(self) -> None:
        await self._database.close()


def _from_record(record: bytes) -> Function:
    fields = orjson.loads(record)
    fields["architectures"] = tuple(fields["architectures"])
    return Function(**fields)
