"""JSON Schemas of what the API takes and answers, from the pydantic models that check it."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from todolist.rules import ids
from todolist.rules.models import Batch, ListPatch, NewList, NewTodo, TodoPatch

Schema = dict[str, Any]

_MOMENT: Schema = {"type": "string", "format": "date-time", "description": "UTC, milliseconds."}
_VERSION: Schema = {"type": "integer", "minimum": 0, "description": "Grows with every write of the user."}
_TEXT: Schema = {"type": "string"}
_CURSOR: Schema = {"type": ["string", "null"], "description": "Send it for the next page; null on the last."}


def bodies() -> dict[str, Schema]:
    """The schemas of request bodies by name, in JSON Schema 2020-12, references to #/components/schemas."""
    models: Any = [(model, "validation") for model in (NewTodo, TodoPatch, NewList, ListPatch, Batch)]
    _, found = models_json_schema(models, ref_template="#/components/schemas/{model}")
    schemas: dict[str, Schema] = {name: _plain(schema) for name, schema in found["$defs"].items()}
    for name in ("TodoPatch", "ListPatch"):
        for member in schemas[name]["properties"].values():
            member.pop("default", None)  # a patch has no defaults: what is left out stays
    return schemas


def answers() -> dict[str, Schema]:
    """The schemas of answers by name."""
    made = bodies()["NewTodo"]["properties"]
    todo = {name: {key: value for key, value in made[name].items() if key != "default"} for name in made}
    todo |= {"id": {"type": "string", "pattern": ids.TODO_PATTERN}, "position": _TEXT, "version": _VERSION}
    todo |= {"doneAt": {**_MOMENT, "type": ["string", "null"]}, "createdAt": _MOMENT, "updatedAt": _MOMENT}
    listed = {"id": {"type": "string", "pattern": ids.LIST_PATTERN}, "name": _TEXT, "position": _TEXT}
    listed |= {"createdAt": _MOMENT, "updatedAt": _MOMENT, "version": _VERSION}
    job = {"id": _TEXT, "kind": {"enum": ["delete-list", "erase-account"]}, "status": {"enum": ["running", "done"]}}
    job |= {"processed": {"type": "integer"}, "createdAt": _MOMENT, "updatedAt": _MOMENT}
    deleted = _object({"todos": _many(_TEXT), "lists": _many(_TEXT)})
    changed = {"todos": _many(_ref("Todo")), "lists": _many(_ref("List")), "deleted": deleted}
    me = {"id": _TEXT, "identityId": _TEXT, "folder": _TEXT, "email": {"type": ["string", "null"]}}
    me |= {"version": _VERSION, "todos": {"type": "integer"}, "lists": {"type": "integer"}}
    me["limits"] = _object({"todos": {"type": "integer"}, "lists": {"type": "integer"}})
    result: Schema = {
        "type": "object",
        "properties": {
            "status": {"type": "integer"},
            "id": {"type": ["string", "null"]},
            "todo": _ref("Todo"),
            "problem": _ref("Problem"),
        },
        "required": ["status", "id"],
    }
    return {
        "Todo": _object(todo),
        "TodoPage": _object({"todos": _many(_ref("Todo")), "version": _VERSION, "cursor": _CURSOR}),
        "BatchResult": result,
        "BatchResults": _object({"results": _many(_ref("BatchResult")), "version": _VERSION}),
        "List": _object(listed),
        "Lists": _object({"lists": _many(_ref("List")), "version": _VERSION}),
        "Changes": _object({**changed, "version": _VERSION, "cursor": _CURSOR}),
        "Me": _object(me),
        "Job": _object(job),
        "Problem": _problem(),
    }


def draft4(schema: Any) -> Any:
    """A body's schema as API Gateway takes it: JSON Schema draft 4 inside OpenAPI 3.0.1.

    A member that may be null keeps its bounds but not its type, because OpenAPI 3.0 cannot say null as draft 4 does;
    the function checks the rest.
    """
    if isinstance(schema, list):
        return [draft4(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        bounds = {key: value for key, value in options[0].items() if key != "type"}
        return draft4({key: value for key, value in schema.items() if key != "anyOf"} | bounds)
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
    dropped = {"default", "const", "examples"}
    return {key: draft4(value) for key, value in schema.items() if key not in dropped}


def _plain(schema: Any, *, is_properties: bool = False) -> Any:
    """Without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(value, is_properties=key == "properties" and not is_properties)
        for key, value in schema.items()
        if is_properties or key != "title"
    }


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _problem() -> Schema:
    place = _object({"pointer": _TEXT, "detail": _TEXT})
    members: dict[str, Schema] = {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}
    schema = _object(members)
    schema["properties"] = {**members, "errors": _many(place), "reason": _TEXT}
    schema["description"] = "RFC 9457; detail says what to change, errors or reason where."
    schema["required"] = ["type", "title", "detail"]  # what API Gateway refuses for another cause has no status
    return schema
