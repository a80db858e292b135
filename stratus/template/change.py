"""One change of a stack: resources brought to what the template says, one after the other; taken back when one fails.

Each step is on disk before it is done. A replaced or removed resource is deleted only once everything else has succeeded.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from stratus.template import schema
from stratus.template.errors import DeploymentFailed, Path, TemplateError
from stratus.template.graph import creation_order
from stratus.template.intrinsics import REMOVED, Scope
from stratus.template.model import Resource
from stratus.template.plan import Plan
from stratus.template.resource import ResourceType, Site
from stratus.template.resources import resource_type
from stratus.template.state import ResourceRecord, State, Step
from stratus.wire.errors import AwsError

Tell = Callable[[ResourceRecord, str, str], Awaitable[None]]
"""Told of each resource, its status in CloudFormation's words, and a reason."""


class Change:
    """Carries out a plan on a stack. One at a time for each stack."""

    def __init__(self, state: State, site: Site, tell: Tell) -> None:
        self._state = state
        self._site = site
        self._tell = tell
        self._records = state.resources(site.stack)

    async def apply(self, plan: Plan) -> dict[str, str]:
        """Makes and changes resources; returns the outputs. Raises DeploymentFailed at the first that cannot be made; see `take_back`."""
        scope = replace(plan.scope, resources=_Existing(self._records))
        for logical_id, resource in plan.resources.items():
            try:
                await self._bring(resource, scope, sorted(plan.depends_on[logical_id]))
            except AwsError as error:
                raise DeploymentFailed(self._site.stack, logical_id, f"{error.code}: {error.message}") from error
            except TemplateError as error:
                raise DeploymentFailed(self._site.stack, logical_id, error.message) from error
        return {
            name: str(self._localised(scope.evaluate(value, ("Outputs", name)))) for name, value in plan.outputs.items()
        }

    async def _bring(self, resource: Resource, scope: Scope, depends_on: list[str]) -> None:
        kind = resource_type(resource.type)
        new = ResourceRecord(
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id="",
            properties=self._desired(resource, scope),
            deletion_policy=resource.deletion_policy,
            update_replace_policy=resource.update_replace_policy,
            depends_on=depends_on,
        )
        old = self._records.get(resource.logical_id)
        if old is None:
            await self._create(kind, new, None)
        elif old.properties == new.properties:
            await self._keep(replace(new, physical_id=old.physical_id, attributes=old.attributes))
        elif kind.replaces(old.properties, new.properties):
            _refuse_same_name(kind, old, new)
            await self._create(kind, new, old)
        else:
            await self._update(kind, old, new)

    def _desired(self, resource: Resource, scope: Scope) -> dict[str, Any]:
        evaluated = scope.evaluate(dict(resource.properties), (*resource.path, "Properties"))
        return schema.coerced(resource.type, self._localised(evaluated))

    def _localised(self, value: Any) -> Any:
        """`value` with every AWS URL of ours in it replaced by where it is on this machine."""
        if isinstance(value, str):
            return self._site.addresses.localise(value) if "://" in value else value
        if isinstance(value, dict):
            return {key: self._localised(item) for key, item in value.items()}
        return [self._localised(item) for item in value] if isinstance(value, list) else value

    async def _create(self, kind: ResourceType, new: ResourceRecord, old: ResourceRecord | None) -> None:
        new = replace(new, physical_id=kind.name(self._site, new.logical_id, new.properties))
        if kind.name_property in new.properties and await kind.exists(self._site, new.physical_id):
            # Found before the step is noted: what a step made may be deleted, what was there before may not.
            raise AwsError(
                "AlreadyExists", f"Resource of type {kind.type!r} with identifier {new.physical_id!r} already exists."
            )
        await self._tell(
            new,
            "UPDATE_IN_PROGRESS" if old else "CREATE_IN_PROGRESS",
            "Requested update requires a new physical resource." if old else "",
        )
        await self._begin("replace" if old else "create", old, replace(new, target=new.properties))
        made = await kind.create(self._site, new.physical_id, new.properties)
        await self._finish(
            replace(new, physical_id=made.physical_id, attributes=made.attributes),
            "UPDATE_COMPLETE" if old else "CREATE_COMPLETE",
        )

    async def _update(self, kind: ResourceType, old: ResourceRecord, new: ResourceRecord) -> None:
        await self._tell(old, "UPDATE_IN_PROGRESS", "")
        await self._begin("update", old, replace(old, target=new.properties))
        made = await kind.update(self._site, old.physical_id, old.properties, new.properties)
        await self._finish(replace(new, physical_id=made.physical_id, attributes=made.attributes), "UPDATE_COMPLETE")

    async def _begin(self, kind: str, before: ResourceRecord | None, doing: ResourceRecord) -> None:
        await self._state.begin(self._site.stack, kind, before, doing)
        self._records[doing.logical_id] = doing

    async def _keep(self, record: ResourceRecord) -> None:
        if record != self._records[record.logical_id]:
            await self._state.finish(self._site.stack, record)
            self._records[record.logical_id] = record

    async def _finish(self, record: ResourceRecord, status: str) -> None:
        await self._state.finish(self._site.stack, record)
        self._records[record.logical_id] = record
        await self._tell(record, status, "")

    # --- the way back ---------------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Takes back the one step that a crash left half done, so that every resource is as its record says."""
        for step in reversed(self._state.steps(self._site.stack)):
            current = self._records.get(step.logical_id)
            if step.kind != "remove" and (current is None or current.target is None):
                break
            try:
                await self._take_back(step)
            except AwsError as error:
                raise DeploymentFailed(self._site.stack, step.logical_id, f"{error.code}: {error.message}") from error

    async def take_back(self) -> None:
        """Undoes every step of the change, the last first. Raises AwsError where the way back is barred."""
        for step in reversed(self._state.steps(self._site.stack)):
            await self._take_back(step)

    async def _take_back(self, step: Step) -> None:
        if step.kind != "remove":
            await self._undo(step, self._records[step.logical_id])
        await self._state.undone(self._site.stack, step)
        if step.before is None:
            del self._records[step.logical_id]
        else:
            self._records[step.logical_id] = step.before

    async def _undo(self, step: Step, current: ResourceRecord) -> None:
        kind = resource_type(current.type)
        if step.kind == "update":
            assert step.before is not None
            attempted = current.target if current.target is not None else current.properties
            await self._tell(current, "UPDATE_IN_PROGRESS", "taken back")
            await kind.update(self._site, current.physical_id, attempted, step.before.properties)
        elif current.physical_id:
            # What this very change made holds nobody's data: it goes, as with RetainExceptOnCreate.
            await self._tell(current, "DELETE_IN_PROGRESS", "taken back")
            await kind.erase(self._site, current.physical_id, current.properties)

    # --- afterwards -----------------------------------------------------------------------------------------------------------------

    async def mark_removed(self, plan: Plan) -> None:
        """Notes the resources that the template no longer has."""
        for logical_id, record in list(self._records.items()):
            if logical_id not in plan.resources:
                await self._state.begin(self._site.stack, "remove", record, None)
                del self._records[logical_id]

    async def clean_up(self) -> list[str]:
        """Deletes what was replaced or removed, or keeps it where its policy says so. Returns what could not be deleted, in words."""
        left: list[Step] = []
        for step in self._state.steps(self._site.stack):
            if step.kind in ("replace", "remove"):
                left.append(step)
            else:
                await self._state.settled(self._site.stack, step, retained=False)
        position = {
            logical_id: index for index, logical_id in enumerate(_order(step.before for step in left if step.before))
        }
        problems: list[str] = []
        for step in sorted(left, key=lambda each: position[each.logical_id], reverse=True):
            problems += await self._clean_up(step)
        return problems

    async def _clean_up(self, step: Step) -> list[str]:
        before = step.before
        assert before is not None
        policy = before.update_replace_policy if step.kind == "replace" else before.deletion_policy
        if policy != "Delete":
            await self._state.settled(self._site.stack, step, retained=True)
            await self._tell(before, "DELETE_SKIPPED", "kept, as its policy says")
            return []
        try:
            await resource_type(before.type).delete(self._site, before.physical_id, before.properties)
        except AwsError as error:
            # As on AWS: the stack is complete, what could not be deleted stays behind and is named.
            await self._state.settled(self._site.stack, step, retained=True)
            await self._tell(before, "DELETE_FAILED", error.message)
            return [f"{before.logical_id} ({before.physical_id}) could not be deleted: {error.message}"]
        await self._state.settled(self._site.stack, step, retained=False)
        await self._tell(before, "DELETE_COMPLETE", "")
        return []

    async def delete_all(self) -> None:
        """Deletes every resource, dependents first; keeps those whose policy says so. Raises DeploymentFailed."""
        for logical_id in reversed(_order(self._records.values())):
            record = self._records[logical_id]
            retained = record.deletion_policy != "Delete"
            if not retained:
                try:
                    await resource_type(record.type).delete(self._site, record.physical_id, record.properties)
                except AwsError as error:
                    await self._tell(record, "DELETE_FAILED", error.message)
                    reason = f"{error.code}: {error.message}"
                    raise DeploymentFailed(self._site.stack, logical_id, reason, taken_back=False) from error
            await self._state.removed(self._site.stack, record, retained=retained)
            await self._tell(
                record,
                "DELETE_SKIPPED" if retained else "DELETE_COMPLETE",
                "kept, as its policy says" if retained else "",
            )


class _Existing:
    """Resources as they are: what Ref and Fn::GetAtt give."""

    def __init__(self, records: Mapping[str, ResourceRecord]) -> None:
        self._records = records

    def __contains__(self, logical_id: object) -> bool:
        return logical_id in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def reference(self, logical_id: str) -> str:
        return self._records[logical_id].physical_id

    def attribute(self, logical_id: str, name: str, path: Path) -> Any:
        value = self._records[logical_id].attributes.get(name, REMOVED)
        if value is REMOVED:
            raise TemplateError(f"{logical_id} has no attribute {name} as it is configured", path)
        return value


def _order(records: Iterable[ResourceRecord]) -> list[str]:
    return creation_order({record.logical_id: record.depends_on for record in records})


def _refuse_same_name(kind: ResourceType, old: ResourceRecord, new: ResourceRecord) -> None:
    named = kind.name_property and new.properties.get(kind.name_property)
    if named and named == old.physical_id:
        raise TemplateError(
            f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {named} and update the stack again."
        )
