"""APIs, their deployments (snapshots) and stages: in memory for reading, in SQLite before a change is acknowledged."""

import sqlite3
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from stratus.storage.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS api (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deployment (
    api TEXT NOT NULL REFERENCES api ON DELETE CASCADE, id TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (api, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stage (
    api TEXT NOT NULL REFERENCES api ON DELETE CASCADE, name TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (api, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

Document = dict[str, Any]
Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deployment:
    """An API as it was when it was deployed."""

    id: str
    description: str | None
    created: float
    settings: Settings
    document: Document


@dataclass(frozen=True, slots=True)
class Stage:
    """A name under which a deployment takes requests. `methods` are settings by `setting_key`."""

    name: str
    deployment: str
    created: float
    updated: float
    description: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    log_destination: str | None = None
    log_format: str | None = None
    tracing: bool = False
    cache_size: str | None = None
    documentation_version: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """One REST API. `document` is its OpenAPI description, `settings` what the API's own properties say."""

    id: str
    created: float
    settings: Settings
    document: Document
    deployments: dict[str, Deployment] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)


class State:
    """All APIs of one region. Reads are plain dictionary look-ups; a write returns when it is on disk."""

    def __init__(self, directory: Path) -> None:
        self._database = Database(directory / "apigateway.sqlite", _SCHEMA)
        self.apis: dict[str, Api] = {}
        self.account: dict[str, str] = dict(self._database.reader.execute("SELECT name, value FROM account"))
        for id_, data in self._database.reader.execute("SELECT id, data FROM api"):
            self.apis[id_] = Api(id_, **orjson.loads(data))
        for api, id_, data in self._database.reader.execute("SELECT api, id, data FROM deployment"):
            self.apis[api].deployments[id_] = Deployment(id_, **orjson.loads(data))
        for api, name, data in self._database.reader.execute("SELECT api, name, data FROM stage"):
            self.apis[api].stages[name] = Stage(name, **orjson.loads(data))

    async def close(self) -> None:
        await self._database.close()

    async def save_api(self, api: Api) -> None:
        data = {"created": api.created, "settings": api.settings, "document": api.document}
        await self._run(
            "INSERT INTO api VALUES (?1, ?2) ON CONFLICT DO UPDATE SET data = ?2", api.id, orjson.dumps(data)
        )
        current = self.apis.get(api.id, api)
        self.apis[api.id] = replace(api, deployments=current.deployments, stages=current.stages)

    async def delete_api(self, api: str) -> None:
        await self._run("DELETE FROM api WHERE id = ?", api)
        self.apis.pop(api, None)

    async def save_deployment(self, api: str, deployment: Deployment) -> None:
        data = {key: value for key, value in asdict(deployment).items() if key != "id"}
        await self._run(
            "INSERT INTO deployment VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET data = ?3",
            api,
            deployment.id,
            orjson.dumps(data),
        )
        self.apis[api].deployments[deployment.id] = deployment

    async def delete_deployment(self, api: str, deployment: str) -> None:
        await self._run("DELETE FROM deployment WHERE api = ? AND id = ?", api, deployment)
        self.apis[api].deployments.pop(deployment, None)

    async def save_stage(self, api: str, stage: Stage) -> None:
        data = {key: value for key, value in asdict(stage).items() if key != "name"}
        await self._run(
            "INSERT INTO stage VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET data = ?3",
            api,
            stage.name,
            orjson.dumps(data),
        )
        self.apis[api].stages[stage.name] = stage

    async def delete_stage(self, api: str, stage: str) -> None:
        await self._run("DELETE FROM stage WHERE api = ? AND name = ?", api, stage)
        self.apis[api].stages.pop(stage, None)

    async def save_account(self, name: str, value: str | None) -> None:
        if value is None:
            await self._run("DELETE FROM account WHERE name = ?", name)
            self.account.pop(name, None)
        else:
            await self._run("INSERT INTO account VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2", name, value)
            self.account[name] = value

    async def _run(self, statement: str, *values: object) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(statement, values)

        await self._database.write(work)
