"""Policy documents compiled to what a decision needs: per action the statements that name it, each with its tests.

Source: "IAM JSON policy elements" (IAM User Guide); for absent and multivalued keys "Condition operators", "Set operators for
multivalued context keys".
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from stratus.iam.policy.context import Context
from stratus.iam.policy.document import Condition, Document, StatementText, Use, read
from stratus.iam.policy.operators import NULL, OPERATORS, Quantifier, Test
from stratus.iam.policy.pattern import Patterns
from stratus.iam.policy.principals import Grant, PrincipalMatcher, Requester

ConditionTest = Callable[[Context], bool]

MAX_REMEMBERED_ACTIONS = 512


class Statement:
    """One statement. In `applies`, `requester` matters only where the policy names principals."""

    __slots__ = (
        "_actions",
        "_conditions",
        "_negated_actions",
        "_negated_resources",
        "_principals",
        "_resources",
        "allow",
    )

    def __init__(self, text: StatementText, variables: bool) -> None:
        self.allow = text.allow
        self._actions = Patterns([action.lower() for action in text.actions], variables=False)
        self._negated_actions = text.negated_actions
        self._resources = None if text.resources is None else Patterns(text.resources, variables=variables)
        self._negated_resources = text.negated_resources
        self._principals = (
            None
            if text.principals is None
            else PrincipalMatcher(text.principals, negated=text.negated_principals, allow=text.allow)
        )
        self._conditions = tuple(_compile(condition, variables, text.allow) for condition in text.conditions)

    def names(self, action: str) -> bool:
        return self._actions.match(action, _NO_CONTEXT) is not self._negated_actions

    def grant(self, requester: Requester) -> Grant:
        """How closely the statement names the requester; in a policy without principals everyone it is attached to."""
        return Grant.IDENTITY if self._principals is None else self._principals.grant(requester)

    def applies(self, resource: str, context: Context) -> bool:
        if self._resources is not None:
            # A variable without a value must widen nothing: it fails an Allow, and exempts nothing from a Deny.
            unresolved = self._negated_resources and self.allow
            if self._resources.match(resource, context, unresolved=unresolved) is self._negated_resources:
                return False
        return all(test(context) for test in self._conditions)


_NO_CONTEXT = Context()


class Policy:
    """A compiled document. Remembers, per action, which statements name it."""

    __slots__ = ("_by_action", "statements")

    def __init__(self, document: Document) -> None:
        self.statements = tuple(Statement(text, document.variables) for text in document.statements)
        self._by_action: dict[str, tuple[Statement, ...]] = {}

    def naming(self, action: str) -> tuple[Statement, ...]:
        """The statements whose Action element covers `action`, denials first."""
        found = self._by_action.get(action)
        if found is None:
            if len(self._by_action) >= MAX_REMEMBERED_ACTIONS:
                self._by_action.clear()
            name = action.lower()
            named = (statement for statement in self.statements if statement.names(name))
            found = self._by_action[action] = tuple(sorted(named, key=lambda statement: statement.allow))
        return found


@lru_cache(maxsize=1024)
def compiled(text: str, use: Use) -> Policy:
    """The compiled policy of a document. Raises MalformedPolicy."""
    return Policy(read(text, use))


def _compile(condition: Condition, variables: bool, allow: bool) -> ConditionTest:
    operator, key = condition.operator, condition.key
    if operator.name == NULL:
        return _compile_null(condition)
    tests = tuple(_tests(condition, variables))
    negated = operator.negated
    # A variable without a value must widen nothing, as above.
    unresolved = negated and allow

    def fits(value: str, context: Context) -> bool:
        return any(test(value, context, unresolved) for test in tests) is not negated

    # Several values under a plain operator are not defined by AWS. Here they can only narrow: all must fit an Allow, any a Deny.
    every = operator.quantifier is Quantifier.ALL or (operator.quantifier is Quantifier.PLAIN and allow)
    when_absent = operator.if_exists or _holds_when_absent(operator.quantifier, negated)

    def holds(context: Context) -> bool:
        values = context.values(key)
        if not values:
            return when_absent
        if len(values) == 1:
            return fits(values[0], context)
        results = (fits(value, context) for value in values)
        return all(results) if every else any(results)

    return holds


def _holds_when_absent(quantifier: Quantifier, negated: bool) -> bool:
    if quantifier is Quantifier.PLAIN:
        return negated
    return quantifier is Quantifier.ALL


def _tests(condition: Condition, variables: bool) -> Iterable[Test]:
    """A policy value that is not of the operator's type matches nothing."""
    for value in condition.values:
        try:
            yield OPERATORS[condition.operator.name].compile(value, variables)
        except ValueError:
            continue


def _compile_null(condition: Condition) -> ConditionTest:
    wanted = {value.lower() == "true" for value in condition.values if value.lower() in ("true", "false")}
    return lambda context: (not context.values(condition.key)) in wanted
