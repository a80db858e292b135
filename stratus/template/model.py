"""The sections of a CloudFormation template, read into what they mean and checked for shape.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stratus.template.errors import Path, TemplateError
from stratus.template.intrinsics import Scope

SAM = "AWS::Serverless-2016-10-31"
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"

_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Transform",
    "Globals",
}
_RESOURCE_KEYS = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "CreationPolicy",
    "Metadata",
}
_DELETION_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
MAX_RESOURCES = 500
MAX_OUTPUTS = 200


@dataclass(frozen=True)
class Resource:
    """One entry of Resources, not yet evaluated."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...]
    condition: str | None
    deletion_policy: str
    update_replace_policy: str

    @property
    def path(self) -> Path:
        return ("Resources", self.logical_id)


@dataclass(frozen=True)
class Template:
    """A whole template. Errors found on the way are in `errors`; what they touch is left out of the rest."""

    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Any]
    transforms: tuple[str, ...]
    errors: list[TemplateError] = field(default_factory=list)


def read(content: Mapping[str, Any]) -> Template:
    """Reads the sections of a template."""
    errors = [TemplateError(_refusal(section), (section,)) for section in content if section not in _SECTIONS]
    sections: dict[str, dict[str, Any]] = {}
    for name in ("Parameters", "Mappings", "Conditions", "Resources", "Outputs"):
        section = content.get(name) or {}
        if not isinstance(section, dict):
            errors.append(TemplateError("must be a mapping", (name,)))
            section = {}
        sections[name] = section
    transforms = _transforms(content.get("Transform"), errors)
    if not sections["Resources"]:
        errors.append(TemplateError("a template needs at least one resource", ("Resources",)))
    for name, limit in (("Resources", MAX_RESOURCES), ("Outputs", MAX_OUTPUTS)):
        if len(sections[name]) > limit:
            errors.append(TemplateError(f"CloudFormation allows {limit}, there are {len(sections[name])}", (name,)))
    resources: dict[str, Resource] = {}
    for logical_id, body in sections["Resources"].items():
        try:
            resources[logical_id] = _resource(logical_id, body)
        except TemplateError as error:
            errors.append(error)
    return Template(
        parameters=sections["Parameters"],
        mappings=sections["Mappings"],
        conditions=sections["Conditions"],
        resources=resources,
        outputs=sections["Outputs"],
        transforms=transforms,
        errors=errors,
    )


def evaluate_conditions(conditions: Mapping[str, Any], scope: Scope) -> tuple[dict[str, bool], list[TemplateError]]:
    """The truth of each condition, and what is wrong with those that have none."""
    known: dict[str, bool] = {}
    errors: list[TemplateError] = []
    waiting = dict(conditions)
    while waiting:
        ready = [name for name, value in waiting.items() if not (_named_conditions(value) & waiting.keys())]
        if not ready:
            name = next(iter(waiting))
            errors.append(
                TemplateError(
                    f"these conditions name each other in a circle: {', '.join(waiting)}", ("Conditions", name)
                )
            )
            break
        for name in ready:
            value = waiting.pop(name)
            inner = Scope(scope.parameters, scope.mappings, known, None, scope.language_extensions)
            try:
                known[name] = inner.condition(value, ("Conditions", name))
            except TemplateError as error:
                errors.append(error)
                known[name] = True  # what names it is not wrong as well
    return known, errors


def _named_conditions(value: Any) -> set[str]:
    if isinstance(value, dict):
        here = {value["Condition"]} if isinstance(value.get("Condition"), str) else set()
        return here.union(*(_named_conditions(item) for item in value.values())) | _if_condition(value)
    if isinstance(value, list):
        return set().union(*(_named_conditions(item) for item in value))
    return set()


def _if_condition(value: dict[str, Any]) -> set[str]:
    arguments = value.get("Fn::If")
    return {arguments[0]} if isinstance(arguments, list) and arguments and isinstance(arguments[0], str) else set()


def _transforms(value: Any, errors: list[TemplateError]) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [] if value is None else [value]
    if any(name not in (SAM, LANGUAGE_EXTENSIONS) for name in names):
        errors.append(TemplateError(f"Stratus runs no macros but {SAM} and {LANGUAGE_EXTENSIONS}", ("Transform",)))
    return tuple(name for name in names if isinstance(name, str))


def _refusal(section: str) -> str:
    if section == "Rules":
        return "Stratus does not check Rules: use AllowedValues and AllowedPattern"
    if section == "Hooks":
        return "Stratus has no hooks: leave them out"
    return f"a template has no such section; it has {', '.join(sorted(_SECTIONS))}"


def _resource(logical_id: str, body: Any) -> Resource:
    path: Path = ("Resources", logical_id)
    if not _LOGICAL_ID.fullmatch(logical_id):
        raise TemplateError("a logical id is made of letters and digits", path)
    if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
        raise TemplateError("a resource needs a Type", path)
    for key in body:
        if key not in _RESOURCE_KEYS:
            raise TemplateError(
                f"a resource has no such attribute; it has {', '.join(sorted(_RESOURCE_KEYS))}", (*path, key)
            )
    if "CreationPolicy" in body:
        raise TemplateError("Stratus waits for no signals: leave CreationPolicy out", (*path, "CreationPolicy"))
    properties = body.get("Properties") or {}
    if not isinstance(properties, dict):
        raise TemplateError("must be a mapping", (*path, "Properties"))
    condition = body.get("Condition")
    if condition is not None and not isinstance(condition, str):
        raise TemplateError("must be the name of a condition", (*path, "Condition"))
    return Resource(
        logical_id=logical_id,
        type=body["Type"],
        properties=properties,
        depends_on=_depends_on(body.get("DependsOn"), path),
        condition=condition,
        deletion_policy=_policy(body, "DeletionPolicy", path),
        update_replace_policy=_policy(body, "UpdateReplacePolicy", path),
    )


def _depends_on(value: Any, path: Path) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(name, str) for name in names):
        raise TemplateError("must be the name of a resource or a list of them", (*path, "DependsOn"))
    return tuple(names)


def _policy(body: dict[str, Any], key: str, path: Path) -> str:
    value = body.get(key, "Delete")
    if (
        not isinstance(value, str)
        or value not in _DELETION_POLICIES
        or (key == "UpdateReplacePolicy" and value == "RetainExceptOnCreate")
    ):
        raise TemplateError(f"must be Delete or Retain, not {value!r}", (*path, key))
    if value == "Snapshot":
        raise TemplateError("Stratus makes no snapshots: use Retain", (*path, key))
    return value
