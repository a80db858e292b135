"""A template made ready: every error found before the first change, the resources in the order in which they can be made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stratus.template import classes, model, parameters, schema
from stratus.template.errors import Path, TemplateError, UnusableTemplate
from stratus.template.graph import creation_order
from stratus.template.intrinsics import REMOVED, Scope, Unknown
from stratus.template.limits import LIMITS
from stratus.template.model import LANGUAGE_EXTENSIONS, Resource, Template
from stratus.template.notice import Notice
from stratus.template.source import Source

_TAG_KEYS = ("aws:resourcetag/", "aws:requesttag/", "aws:tagkeys")


@dataclass(frozen=True)
class Stack:
    """Which stack a template is for; its pseudo parameters."""

    name: str
    stack_id: str
    region: str
    account: str

    @property
    def pseudo_parameters(self) -> dict[str, Any]:
        return {
            "AWS::AccountId": self.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
        }


@dataclass(frozen=True)
class Plan:
    """What is to be made. `resources` stand in creation order; `depends_on` names what each needs; `outputs` are not yet evaluated."""

    scope: Scope
    resources: Mapping[str, Resource]
    depends_on: Mapping[str, frozenset[str]]
    outputs: Mapping[str, Any]
    notices: list[Notice]
    """What is accepted and has no effect here."""


def prepare(source: Source, translated: Mapping[str, Any], given: Mapping[str, str], stack: Stack) -> Plan:
    """Checks everything that can be known before a resource exists. Raises UnusableTemplate with every error found."""
    template = model.read(translated)
    planner = _Planner(template, given, stack)
    plan = planner.plan()
    if planner.errors:
        raise UnusableTemplate(source.describe_all(planner.errors))
    return plan


@dataclass
class _Foreseen:
    """Resources before they exist: every Ref and Fn::GetAtt is unknown, and noted."""

    declared: Mapping[str, Resource]
    made: Mapping[str, Resource]
    named: set[str] = field(default_factory=set)

    def __contains__(self, logical_id: object) -> bool:
        return logical_id in self.declared

    def __iter__(self) -> Iterator[str]:
        return iter(self.declared)

    def reference(self, logical_id: str) -> Unknown:
        self._note(logical_id, ())
        return Unknown(f"<{logical_id}>")

    def attribute(self, logical_id: str, name: str, path: Path) -> Unknown:
        self._note(logical_id, path)
        resource_type = self.declared[logical_id].type
        known = classes.table().get(resource_type)
        if known is not None:
            given = sorted(
                attribute
                for attribute in schema.read_only(resource_type)
                if known.of(attribute) in ("done", "recorded")
            )
            if name not in given:
                raise TemplateError(
                    f"{resource_type} has no attribute {name!r} here; it has {', '.join(given) or 'none'}", path
                )
        return Unknown(f"<{logical_id}.{name}>")

    def _note(self, logical_id: str, path: Path) -> None:
        if logical_id not in self.made:
            raise TemplateError(
                f"{logical_id} is not made, because its condition {self.declared[logical_id].condition} is false", path
            )
        self.named.add(logical_id)


class _Planner:
    def __init__(self, template: Template, given: Mapping[str, str], stack: Stack) -> None:
        self._template = template
        self.errors = list(template.errors)
        values, errors = parameters.resolve(template.parameters, given)
        self.errors += errors
        # A parameter without a valid value still has a name: what refers to it is not wrong as well.
        known = {name: Unknown("") for name in template.parameters} | values | stack.pseudo_parameters
        extensions = LANGUAGE_EXTENSIONS in template.transforms
        bare = Scope(known, template.mappings, {}, None, extensions)
        conditions, errors = model.evaluate_conditions(template.conditions, bare)
        self.errors += errors
        self._scope = Scope(known, template.mappings, conditions, None, extensions)
        self._notices: dict[Notice, list[str]] = {}

    def plan(self) -> Plan:
        made = {
            name: each
            for name, each in self._template.resources.items()
            if self._holds(each.condition, (*each.path, "Condition"))
        }
        depends_on = {name: self._examined(resource, made) for name, resource in made.items()}
        outputs = {name: self._output(name, body, made) for name, body in self._template.outputs.items()}
        order = list(made)
        try:
            order = creation_order(depends_on)
        except TemplateError as error:
            self.errors.append(error)
        return Plan(
            scope=self._scope,
            resources={name: made[name] for name in order},
            depends_on=depends_on,
            outputs={name: value for name, value in outputs.items() if value is not REMOVED},
            notices=[replace(notice, resources=tuple(sorted(ids))) for notice, ids in self._notices.items()],
        )

    def _holds(self, condition: str | None, path: Path) -> bool:
        if condition is None:
            return True
        try:
            return self._scope.condition(condition, path)
        except TemplateError as error:
            self.errors.append(error)
            return True

    def _examined(self, resource: Resource, made: Mapping[str, Resource]) -> frozenset[str]:
        """Checks one resource; returns what it depends on."""
        foreseen = _Foreseen(self._template.resources, made)
        for name in resource.depends_on:
            if name not in self._template.resources:
                self.errors.append(TemplateError(f"there is no resource {name!r}", (*resource.path, "DependsOn")))
            elif name in made:
                foreseen.named.add(name)
        if resource.type not in classes.table():
            known = ", ".join(sorted(classes.table()))
            self.errors.append(
                TemplateError(f"Stratus does not make {resource.type}; it makes {known}", (*resource.path, "Type"))
            )
            return frozenset(foreseen.named)
        properties = self._evaluated(resource, foreseen)
        here = (*resource.path, "Properties")
        self.errors += schema.violations(resource.type, properties, here)
        notices, refused = classes.examine(resource.type, properties, here)
        self.errors += refused
        self.errors += _tag_conditions(properties, here)
        self.errors += [
            TemplateError(message, (*here, *place))
            for limit in LIMITS
            if limit.resource_type == resource.type
            for place, message in limit.broken(properties)
        ]
        for notice in notices:
            self._notices.setdefault(notice, []).append(resource.logical_id)
        return frozenset(foreseen.named)

    def _evaluated(self, resource: Resource, foreseen: _Foreseen) -> dict[str, Any]:
        scope = _with(self._scope, foreseen)
        properties: dict[str, Any] = {}
        for name, value in resource.properties.items():
            try:
                evaluated = scope.evaluate(value, (*resource.path, "Properties", name))
            except TemplateError as error:
                self.errors.append(error)
                evaluated = Unknown("")
            if evaluated is not REMOVED:
                properties[name] = evaluated
        return schema.coerced(resource.type, properties)

    def _output(self, name: str, body: Any, made: Mapping[str, Resource]) -> Any:
        path: Path = ("Outputs", name)
        if not isinstance(body, dict) or "Value" not in body:
            self.errors.append(TemplateError("an output needs a Value", path))
            return REMOVED
        if "Export" in body:
            self.errors.append(
                TemplateError("Stratus exports nothing to other stacks: leave it out", (*path, "Export"))
            )
        if not self._holds(body.get("Condition"), (*path, "Condition")):
            return REMOVED
        try:
            value = _with(self._scope, _Foreseen(self._template.resources, made)).evaluate(
                body["Value"], (*path, "Value")
            )
            if not isinstance(value, str | int | float):
                raise TemplateError("an output must be a string", (*path, "Value"))
        except TemplateError as error:
            self.errors.append(error)
        return body["Value"]


def _with(scope: Scope, resources: Any) -> Scope:
    return Scope(scope.parameters, scope.mappings, scope.conditions, resources, scope.language_extensions)


def _tag_conditions(value: Any, path: Path) -> list[TemplateError]:
    """Tags are recorded only, so a policy that decides by them must not be taken."""
    found: list[TemplateError] = []
    if isinstance(value, dict):
        for key, item in value.items():
            if str(key).lower().startswith(_TAG_KEYS):
                found.append(TemplateError("Stratus does not decide by tags: decide by names", (*path, key)))
            found += _tag_conditions(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _tag_conditions(item, (*path, index))
    return found
