"""What a caller must be allowed, with DynamoDB's own condition keys.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stratus.service import Access, AccessRule, Call
from stratus.services.dynamodb.expressions import syntax
from stratus.services.dynamodb.expressions.scope import paths_in
from stratus.services.dynamodb.numbers import canonical
from stratus.services.dynamodb.table import Table
from stratus.wire.errors import AwsError

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

Request = dict[str, Any]


def table_arn(call: Call, name: Any) -> str:
    """The ARN of a table of this account and region; an ARN that was given stays as it is."""
    if isinstance(name, str) and name.startswith("arn:"):
        return name
    return f"arn:aws:dynamodb:{call.region}:{call.account}:table/{name if isinstance(name, str) else '*'}"


def on_everything(action: str) -> AccessRule:
    return lambda service, call: (Access(action, "*"),)


def on_table(action: str) -> AccessRule:
    return lambda service, call: (Access(action, table_arn(call, call.params.get("TableName"))),)


def on_arn(action: str, parameter: str) -> AccessRule:
    return lambda service, call: (Access(action, str(call.params.get(parameter))),)


def on_item(action: str, part: str) -> AccessRule:
    """For actions on one item; `part` (`Key`, `Item`) holds its keys."""

    def rule(service: "DynamoDb", call: Call) -> Iterable[Access]:
        request = call.params
        return (item_access(service, call, action, request, request.get(part)),)

    return rule


def item_access(
    service: "DynamoDb", call: Call, action: str, request: Request, item: Any, enclosing: str | None = None
) -> Access:
    """Access to one item in `request["TableName"]`, whose keys `item` holds."""
    name = request.get("TableName")
    context = _context(request, _attributes(request, item if isinstance(item, dict) else {}))
    table = service.table_or_none(name)
    leading = None if table is None else _leading_key(table, item)
    if leading is not None:
        context["dynamodb:LeadingKeys"] = (leading,)
    if enclosing is not None:
        context["dynamodb:EnclosingOperation"] = (enclosing,)
    return Access(action, table_arn(call, name), context)


def on_query(service: "DynamoDb", call: Call) -> Iterable[Access]:
    """Query needs the index, where it names one, and shows the partition key of its condition."""
    request = call.params
    context = _context(request, _attributes(request, {}))
    context["dynamodb:Select"] = (_select(request),)
    leading = _queried_key(service, request)
    if leading is not None:
        context["dynamodb:LeadingKeys"] = (leading,)
    yield Access("dynamodb:Query", _table_or_index(call), context)


def on_scan(service: "DynamoDb", call: Call) -> Iterable[Access]:
    request = call.params
    context = _context(request, _attributes(request, {}))
    context["dynamodb:Select"] = (_select(request),)
    yield Access("dynamodb:Scan", _table_or_index(call), context)


def on_batch_get(service: "DynamoDb", call: Call) -> Iterable[Access]:
    """BatchGetItem is one action on each table, with the keys of all its items."""
    for name, part in _items(call.params.get("RequestItems")):
        keys = part.get("Keys") if isinstance(part, dict) else None
        given = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
        attributes = {name for key in given for name in key}
        context = _context(call.params, attributes | set(_attributes(part if isinstance(part, dict) else {}, {})))
        _add_leading(service, context, name, given)
        yield Access("dynamodb:BatchGetItem", table_arn(call, name), context)


def on_batch_write(service: "DynamoDb", call: Call) -> Iterable[Access]:
    """BatchWriteItem is one action on each table, with the keys of all its items."""
    for name, writes in _items(call.params.get("RequestItems")):
        given = [item for item in map(_written, writes if isinstance(writes, list) else ()) if item is not None]
        context = _context(call.params, {attribute for item in given for attribute in item})
        _add_leading(service, context, name, given)
        yield Access("dynamodb:BatchWriteItem", table_arn(call, name), context)


_TRANSACTION_ACTIONS = {
    "Get": ("dynamodb:GetItem", "Key"),
    "Put": ("dynamodb:PutItem", "Item"),
    "Update": ("dynamodb:UpdateItem", "Key"),
    "Delete": ("dynamodb:DeleteItem", "Key"),
    "ConditionCheck": ("dynamodb:ConditionCheckItem", "Key"),
}


def on_transaction(service: "DynamoDb", call: Call) -> Iterable[Access]:
    """A transaction needs, for each of its items, what the single operation needs."""
    members = call.params.get("TransactItems")
    for member in members if isinstance(members, list) else ():
        for kind, request in _items(member):
            if kind in _TRANSACTION_ACTIONS and isinstance(request, dict):
                action, part = _TRANSACTION_ACTIONS[kind]
                yield item_access(service, call, action, request, request.get(part), call.operation)


def _table_or_index(call: Call) -> str:
    arn = table_arn(call, call.params.get("TableName"))
    index = call.params.get("IndexName")
    return arn if index is None else f"{arn}/index/{index}"


def _context(request: Request, attributes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    context = {}
    names = tuple(attributes)
    if names:
        context["dynamodb:Attributes"] = names
    for parameter in ("ReturnValues", "ReturnConsumedCapacity"):
        value = request.get(parameter)
        if isinstance(value, str):
            context[f"dynamodb:{parameter}"] = (value,)
    return context


def _select(request: Request) -> str:
    """What is read when the request does not say, as the API documents for `Select`."""
    given = request.get("Select")
    if isinstance(given, str):
        return given
    if request.get("ProjectionExpression") is not None or request.get("AttributesToGet") is not None:
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_PROJECTED_ATTRIBUTES" if request.get("IndexName") is not None else "ALL_ATTRIBUTES"


def _attributes(request: Request, item: dict[str, Any]) -> Iterable[str]:
    """Every top-level attribute that a request names."""
    found = item.keys()
    extra: set[str] = set()
    names = request.get("ExpressionAttributeNames")
    for parameter, given in request.items():
        if parameter in _EXPRESSIONS and isinstance(given, str):
            for name in top_level_names(parameter, given):
                extra.add(str(names.get(name, name)) if isinstance(names, dict) else name)
        elif parameter in _LEGACY and isinstance(given, dict | list):
            extra.update(str(name) for name in given)
    return found | extra if extra else found


_EXPRESSIONS = frozenset(
    {"ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "UpdateExpression"}
)
_LEGACY = frozenset({"AttributesToGet", "Expected", "AttributeUpdates", "KeyConditions", "QueryFilter", "ScanFilter"})


@lru_cache(maxsize=2048)
def top_level_names(parameter: str, text: str) -> frozenset[str]:
    """First steps of the paths in an expression, placeholders as they are; nothing where it is malformed: the
    operation itself refuses it."""
    try:
        return frozenset(str(path.steps[0]) for path in _paths(parameter, text))
    except syntax.ExpressionError:
        return frozenset()


def _paths(parameter: str, text: str) -> Iterator[syntax.Path]:
    if parameter == "ProjectionExpression":
        yield from syntax.parse_projection(text)
    elif parameter == "UpdateExpression":
        for section in syntax.parse_update(text):
            for action in section.actions:
                yield action.path
                if action.operand is not None:
                    yield from paths_in(action.operand)
    else:
        yield from paths_in(syntax.parse_condition(text))


def _leading_key(table: Table, item: Any) -> str | None:
    value = item.get(table.schema.partition) if isinstance(item, dict) else None
    return _text(value) if isinstance(value, dict) else None


def _add_leading(service: "DynamoDb", context: dict[str, tuple[str, ...]], name: str, items: list[Any]) -> None:
    table = service.table_or_none(name)
    leading = () if table is None else tuple(key for item in items if (key := _leading_key(table, item)) is not None)
    if leading:
        context["dynamodb:LeadingKeys"] = leading


def _text(value: dict[str, Any]) -> str:
    """A key as policies compare it. Members that the operation would drop (unknown types, nulls) must not hide the real one."""
    for kind in ("S", "N", "B"):
        content = value.get(kind)
        if isinstance(content, str):
            return _canonical(content) if kind == "N" else content
    return ""


def _canonical(number: str) -> str:
    try:
        return canonical(number)
    except AwsError:
        return number


def _written(write: Any) -> dict[str, Any] | None:
    for kind, part in (("PutRequest", "Item"), ("DeleteRequest", "Key")):
        request = write.get(kind) if isinstance(write, dict) else None
        if isinstance(request, dict) and isinstance(request.get(part), dict):
            item: dict[str, Any] = request[part]
            return item
    return None


def _queried_key(service: "DynamoDb", request: Request) -> str | None:
    """The partition key value that a Query's condition fixes; None where it is malformed."""
    table = service.table_or_none(request.get("TableName"))
    if table is None:
        return None
    index = next((each for each in table.indexes if each.name == request.get("IndexName")), None)
    partition = (index or table).schema.partition
    text, values = request.get("KeyConditionExpression"), request.get("ExpressionAttributeValues")
    names = request.get("ExpressionAttributeNames")
    if isinstance(text, str) and isinstance(values, dict):
        for name, reference in equalities(text):
            resolved = names.get(name, name) if isinstance(names, dict) else name
            value = values.get(reference)
            if resolved == partition and isinstance(value, dict):
                return _text(value)
    return None


@lru_cache(maxsize=2048)
def equalities(text: str) -> tuple[tuple[str, str], ...]:
    """`name = :value` (either way round) wherever a conjunction has it."""
    try:
        return tuple(_equalities(syntax.parse_condition(text)))
    except syntax.ExpressionError:
        return ()


def _equalities(node: Any) -> Iterator[tuple[str, str]]:
    node = syntax.without_parentheses(node)
    if not isinstance(node, syntax.Operator):
        return
    operands = [syntax.without_parentheses(operand) for operand in node.operands]
    if node.name == "AND":
        for operand in operands:
            yield from _equalities(operand)
    elif node.name == "=":
        if isinstance(operands[0], syntax.ValueRef):
            operands.reverse()
        if isinstance(operands[0], syntax.Path) and isinstance(operands[1], syntax.ValueRef):
            yield str(operands[0].steps[0]), operands[1].name


def _items(mapping: Any) -> Iterable[tuple[str, Any]]:
    return mapping.items() if isinstance(mapping, dict) else ()
