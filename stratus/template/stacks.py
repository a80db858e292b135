"""The stacks of one region: deployed from templates, kept on disk, deleted."""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from stratus.clock import Clock
from stratus.iam.principal import Principal
from stratus.service import Caller
from stratus.template import plan as planning
from stratus.template.change import Change
from stratus.template.errors import DeploymentFailed, TemplateError, UnusableTemplate
from stratus.template.notice import Notice
from stratus.template.resource import Ports, Site
from stratus.template.resources import resource_type
from stratus.template.state import Event, ResourceRecord, StackRecord, State, Status
from stratus.template.translation import Translation, Translations
from stratus.wire.errors import AwsError

Listener = Callable[[Event], None]


@dataclass(frozen=True)
class Deployed:
    """A stack after `deploy`. `without_effect` is what it names in vain on one machine, `problems` say what could not be cleaned up."""

    outputs: dict[str, str]
    changed: bool
    without_effect: list[Notice] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Stacks:
    """Deploys templates in one region, calling the services as `principal`.

    `directory` holds what is known of the stacks; `caches` holds translated templates and may be shared by regions.
    """

    def __init__(
        self,
        directory: Path,
        *,
        region: str,
        account: str,
        clock: Clock,
        caller: Caller,
        principal: Principal,
        addresses: Ports,
        caches: Path,
    ) -> None:
        self._state = State(directory)
        self._region = region
        self._account = account
        self._clock = clock
        self._caller = caller
        self._principal = principal
        self._addresses = addresses
        self._translations = Translations(caches)

    async def close(self) -> None:
        await self._state.close()

    # --- reading ------------------------------------------------------------------------------------------------------------------

    def stacks(self) -> list[StackRecord]:
        return self._state.stacks()

    def stack(self, name: str) -> StackRecord | None:
        return self._state.stack(name)

    def resources(self, name: str) -> dict[str, ResourceRecord]:
        return self._state.resources(name)

    def retained(self, name: str) -> list[ResourceRecord]:
        return self._state.retained(name)

    def events(self, name: str) -> list[Event]:
        return self._state.events(name)

    def retained_stacks(self) -> list[str]:
        return self._state.retained_stacks()

    # --- changing -----------------------------------------------------------------------------------------------------------------

    async def deploy(
        self, name: str, template: Path, parameters: Mapping[str, str], listener: Listener = lambda event: None
    ) -> Deployed:
        """Creates the stack `name` from a template file, or changes it by the difference.

        Raises UnusableTemplate before anything was changed, DeploymentFailed after everything was taken back.
        """
        translation = self._translations.translate(template, parameters, self._region)
        before = self._state.stack(name)
        fingerprint = self._fingerprint(translation.digest, parameters)
        if before and _is_complete(before, fingerprint):
            return Deployed(before.outputs, changed=False, without_effect=before.without_effect)
        stack_id = before.stack_id if before else self._new_stack_id(name)
        plan = self._plan(translation, name, stack_id, parameters)
        now = self._clock.now()
        first = before is None or before.status in (Status.CREATING, Status.CREATE_FAILED)
        record = StackRecord(
            name, stack_id, Status.CREATING if first else Status.UPDATING, before.created if before else now, now
        )
        if before:
            record = replace(record, outputs=before.outputs, without_effect=before.without_effect)
        change = Change(self._state, self._site(name), self._teller(name, listener))
        return await self._carry_out(
            change, plan, record, fingerprint, cleaning=before is not None and before.status is Status.CLEANING
        )

    def check(self, name: str, template: Path, parameters: Mapping[str, str]) -> int:
        """Finds every error that can be found before anything is changed; how many resources to go through. Raises UnusableTemplate."""
        translation = self._translations.translate(template, parameters, self._region)
        before = self._state.stack(name)
        if before and _is_complete(before, self._fingerprint(translation.digest, parameters)):
            return 0
        stack_id = before.stack_id if before else self._new_stack_id(name)
        return len(self._plan(translation, name, stack_id, parameters).resources)

    async def _carry_out(
        self, change: Change, plan: planning.Plan, record: StackRecord, fingerprint: str, *, cleaning: bool
    ) -> Deployed:
        if cleaning:
            await change.clean_up()
        first = record.status is Status.CREATING
        await self._state.save_stack(record)
        try:
            await change.settle()
            outputs = await change.apply(plan)
        except Exception as error:
            await self._take_back(change, record, error)
            raise
        done = replace(
            record,
            outputs=outputs,
            without_effect=plan.notices,
            fingerprint=fingerprint,
            updated=self._clock.now(),
        )
        await change.mark_removed(plan)
        await self._state.save_stack(replace(done, status=Status.CLEANING))
        problems = await change.clean_up()
        await self._state.save_stack(replace(done, status=Status.CREATED if first else Status.UPDATED))
        return Deployed(outputs, changed=True, without_effect=plan.notices, problems=problems)

    async def _take_back(self, change: Change, record: StackRecord, cause: Exception) -> None:
        first = record.status is Status.CREATING
        try:
            await change.take_back()
        except AwsError as error:
            await self._state.save_stack(replace(record, status=Status.ROLLBACK_FAILED))
            where = cause.logical_id if isinstance(cause, DeploymentFailed) else "?"
            why = cause.reason if isinstance(cause, DeploymentFailed) else str(cause)
            reason = f"{why}; and taking the change back failed too: {error.message}"
            raise DeploymentFailed(record.name, where, reason, taken_back=False) from cause
        await self._state.save_stack(replace(record, status=Status.CREATE_FAILED if first else Status.UPDATE_FAILED))

    async def delete(self, name: str, listener: Listener = lambda event: None) -> list[ResourceRecord]:
        """Deletes a stack; returns what is kept because its policy says so. Raises KeyError if there is no such stack, DeploymentFailed."""
        record = self._state.stack(name)
        if record is None:
            raise KeyError(name)
        change = Change(self._state, self._site(name), self._teller(name, listener))
        await self._state.save_stack(replace(record, status=Status.DELETING, fingerprint=""))
        await change.settle()
        await change.clean_up()
        await change.delete_all()
        await self._state.forget(name)
        return self._state.retained(name)

    async def erase(self, name: str, listener: Listener = lambda event: None) -> int:
        """Deletes a stack and everything that it kept, with all data; returns how many kept resources went. Raises KeyError, DeploymentFailed."""
        if self._state.stack(name) is not None:
            await self.delete(name, listener)
        elif not self._state.retained(name):
            raise KeyError(name)
        site, erased = self._site(name), 0
        for record in self._state.retained(name):
            try:
                await resource_type(record.type).erase(site, record.physical_id, record.properties)
            except AwsError as error:
                reason = f"{error.code}: {error.message}"
                raise DeploymentFailed(name, record.logical_id, reason, taken_back=False) from error
            await self._state.erased(name, record)
            erased += 1
        return erased

    # --- helpers ------------------------------------------------------------------------------------------------------------------

    def _plan(self, translation: Translation, name: str, stack_id: str, parameters: Mapping[str, str]) -> planning.Plan:
        stack = planning.Stack(name, stack_id, self._region, self._account)
        plan = planning.prepare(translation.source, translation.content, parameters, stack)
        existing = self._state.resources(name)
        errors = [
            TemplateError(
                f"update of resource type is not permitted (it is {existing[logical_id].type}): rename it",
                (*each.path, "Type"),
            )
            for logical_id, each in plan.resources.items()
            if logical_id in existing and existing[logical_id].type != each.type
        ]
        if errors:
            raise UnusableTemplate(translation.source.describe_all(errors))
        return plan

    def _new_stack_id(self, name: str) -> str:
        return f"arn:aws:cloudformation:{self._region}:{self._account}:stack/{name}/{uuid.uuid4()}"

    def _site(self, name: str) -> Site:
        return Site(self._caller, self._principal, self._region, self._account, name, self._addresses)

    def _teller(self, name: str, listener: Listener) -> Callable[[ResourceRecord, str, str], Awaitable[None]]:
        async def tell(record: ResourceRecord, status: str, reason: str) -> None:
            event = Event(self._clock.now(), record.logical_id, record.type, status, reason)
            await self._state.add_event(name, event)
            listener(event)

        return tell

    def _fingerprint(self, template: str, parameters: Mapping[str, str]) -> str:
        # Addresses stand in what was evaluated: where the ports or the scheme change, the stack changes too.
        parts = [
            template,
            sorted(parameters.items()),
            self._addresses.localise(f"https://s3.{self._region}.amazonaws.com"),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _is_complete(stack: StackRecord, fingerprint: str) -> bool:
    return stack.fingerprint == fingerprint and stack.status in (Status.CREATED, Status.UPDATED)
