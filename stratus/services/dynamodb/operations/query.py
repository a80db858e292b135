"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html"""

from typing import TYPE_CHECKING, Any

from stratus.service import Call, Result, operation
from stratus.services.dynamodb import keys
from stratus.services.dynamodb.access import on_query
from stratus.services.dynamodb.errors import invalid_parameter, validation
from stratus.services.dynamodb.expressions.condition import Condition
from stratus.services.dynamodb.expressions.key_condition import KeyCondition, KeyTest
from stratus.services.dynamodb.pages import answer, read_page, source_of, start_place
from stratus.services.dynamodb.request import Expressions, refuse_mixed
from stratus.services.dynamodb.shapes import check
from stratus.services.dynamodb.table import KeySchema
from stratus.services.dynamodb.values import Item, Value, type_of

if TYPE_CHECKING:
    from stratus.services.dynamodb.service import DynamoDb

EXPRESSIONS = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
LEGACY = ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions")


@operation("Query", on_query)
async def query(service: "DynamoDb", call: Call) -> Result:
    """A page of one partition, in the order of its sort key."""
    request = call.params
    check("dynamodb", "Query", request, LEGACY)
    refuse_mixed(request, EXPRESSIONS, LEGACY)
    expressions = Expressions(request)
    projection = expressions.projection()
    condition = expressions.condition("FilterExpression")
    key_condition = expressions.key_condition()
    if key_condition is None:
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    expressions.finish()
    table = service.table(call)
    source = source_of(table, request, projection)
    partition, where, arguments = _range(source.schema, key_condition, expressions.values)
    _refuse_keys_in_filter(source.schema, condition)
    forward = request.get("ScanIndexForward") is not False
    start = start_place(source, request)
    if start is not None:
        if start[0] != partition:
            raise validation("The provided starting key is outside query boundaries based on provided conditions")
        columns = ", ".join(f"x.{column}" for column in source.order[1:])
        marks = ", ".join("?" for _ in start[1:])
        where.append(f"({columns}) {'>' if forward else '<'} ({marks})")
        arguments.extend(start[1:])
    page = read_page(
        service.database.reader,
        source,
        where,
        arguments,
        request.get("Limit"),
        forward=forward,
        columns=source.order[1:],
    )
    return await answer(source, request, page, condition, expressions.values, projection)


def _range(schema: KeySchema, condition: KeyCondition, values: Item) -> tuple[bytes, list[str], list[Any]]:
    """The partition, and SQL for it and the range of sort keys. Raises ValidationException."""
    tests = {test.attribute: test for test in condition.tests}
    if len(tests) > 2:
        raise validation("Conditions can be of length 1 or 2 only")
    hash_test = tests.pop(schema.partition, None)
    if hash_test is None:
        raise validation(f"Query condition missed key schema element: {schema.partition}")
    sort_test = tests.pop(schema.sort, None) if schema.sort is not None else None
    if tests:
        if schema.sort is None:
            raise validation("Query key condition not supported")
        raise validation(f"Query condition missed key schema element: {schema.sort}")
    (value,) = _operands(hash_test, schema.partition_type, values)[:1]
    if hash_test.operator != "=":
        raise validation("Query key condition not supported")
    partition = keys.partition(keys.encode(schema.partition_type, value[schema.partition_type]))
    where, arguments = ["x.hash = ?"], [partition]
    if sort_test is not None:
        for clause, operand in _sort_clauses(sort_test, schema, values):
            where.append(clause)
            arguments.append(operand)
    return partition, where, arguments


def _operands(test: KeyTest, kind: str, values: Item) -> list[Value]:
    operands = [values[name] for name in test.values]
    for value in operands:
        if type_of(value) != kind:
            raise invalid_parameter("Condition parameter type does not match schema type")
        if value[kind] == "" and test.operator != "begins_with":
            raise validation(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty {'string' if kind == 'S' else 'binary'} value. Key: {test.attribute}"
            )
    return operands


def _sort_clauses(test: KeyTest, schema: KeySchema, values: Item) -> list[tuple[str, bytes]]:
    kind = schema.sort_type
    encoded = [keys.encode(kind, value[kind]) for value in _operands(test, kind, values)]
    if test.operator == "BETWEEN":
        return [("x.range >= ?", encoded[0]), ("x.range <= ?", encoded[1])]
    if test.operator != "begins_with":
        return [(f"x.range {test.operator} ?", encoded[0])]
    after = keys.after_prefix(encoded[0])
    clauses = [("x.range >= ?", encoded[0])]
    return clauses if after is None else [*clauses, ("x.range < ?", after)]


def _refuse_keys_in_filter(schema: KeySchema, condition: Condition | None) -> None:
    if condition is None:
        return
    for steps in condition.paths:
        if steps[0] in schema.names:
            raise validation(
                f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {steps[0]}"
            )
