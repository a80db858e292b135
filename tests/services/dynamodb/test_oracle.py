"""Differential, property-based tests against DynamoDB Local. More examples with `-m soak`."""

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracle as oracles
import pytest
from harness import Harness
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import Oracle, same_error

from stratus.wire.errors import AwsError

pytestmark = pytest.mark.oracle

QUICK = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
LONG = settings(QUICK, max_examples=3000, derandomize=False)


class Pair:
    """Both at once: ours and the oracle."""

    def __init__(self, oracle: Oracle, directory: Path) -> None:
        self._oracle = oracle
        self._runner = asyncio.Runner()
        self._ours = self._runner.run(self._make(directory))
        self._numbers = itertools.count()
        self._table: str | None = None

    async def _make(self, directory: Path) -> Harness:
        return Harness(directory)

    def ours(self, operation: str, params: dict[str, Any]) -> tuple[str, Any]:
        try:
            return "OK", self._runner.run(self._ours(operation, **params))
        except AwsError as error:
            return error.code, {"Message": error.message} | error.members

    def theirs(self, operation: str, params: dict[str, Any]) -> tuple[str, Any]:
        status, answer = self._oracle.call(operation, params)
        return ("OK", answer) if status == 200 else (answer.pop("__type").rpartition("#")[2], answer)

    def call(self, operation: str, **params: Any) -> tuple[str, Any]:
        """The common answer; fails where the two differ."""
        ours, theirs = self.ours(operation, params), self.theirs(operation, params)
        assert ours[0] == theirs[0], (operation, params, ours, theirs)
        if ours[0] == "OK":
            assert comparable(ours[1]) == comparable(theirs[1]), (operation, params, ours[1], theirs[1])
        else:
            assert same_error(theirs[1].get("Message", ""), ours[1]["Message"]), (operation, params, ours, theirs)
            assert ours[1].get("Item") == theirs[1].get("Item"), (operation, params, ours, theirs)
        return ours

    def empty_item(self) -> str:
        """The table that single items are tested in, with the item of key ONE gone."""
        if self._table is None:
            self._table = self.table()
        for call in (self.ours, self.theirs):
            call("DeleteItem", {"TableName": self._table, "Key": ONE})
        return self._table

    def table(self) -> str:
        """A new table on both: keys pk (S) and sk (N), a local and two global indexes."""
        name = f"table-{next(self._numbers)}"
        params = definition(name)
        assert self.ours("CreateTable", params)[0] == "OK"
        assert self.theirs("CreateTable", params)[0] == "OK"
        return name

    def close(self) -> None:
        self._runner.run(self._ours.service.stop())
        self._runner.close()


def definition(name: str) -> dict[str, Any]:
    def keys(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]

    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": keys("pk", "sk"),
        "AttributeDefinitions": [
            {"AttributeName": each, "AttributeType": kind}
            for each, kind in (("pk", "S"), ("sk", "N"), ("a", "S"), ("b", "N"))
        ],
        "LocalSecondaryIndexes": [
            {"IndexName": "local", "KeySchema": keys("pk", "a"), "Projection": {"ProjectionType": "ALL"}}
        ],
        "GlobalSecondaryIndexes": [
            {"IndexName": "global", "KeySchema": keys("a", "b"), "Projection": {"ProjectionType": "ALL"}},
            {
                "IndexName": "some",
                "KeySchema": keys("a"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["c"]},
            },
        ],
    }


def comparable(answer: Any) -> Any:
    """Numbers as numbers; what has no order, sorted."""
    if isinstance(answer, dict):
        return {name: comparable(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [comparable(each) for each in answer]
    return float(answer) if isinstance(answer, int | float) and not isinstance(answer, bool) else answer


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    home = oracles.directory()
    if home is None:
        pytest.skip("DynamoDB Local (DYNAMODB_LOCAL_DIR) or Java is not here")
    running = Oracle(home)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def pair(oracle: Oracle) -> Iterator[Pair]:
    with tempfile.TemporaryDirectory() as directory:
        both = Pair(oracle, Path(directory))
        yield both
        both.close()


# Values. Few and small, so that they meet.

digits = st.sampled_from(["0", "1", "2", "-1", "1.5", "10", "-0.25", "1000", "100", "0.001", "99999999999999999999"])
words = st.sampled_from(["", "a", "b", "ab", "abc", "é", "zz", "日"])
blobs = st.sampled_from(["", "AA==", "AAE=", "/w==", "YQ=="])
scalars = st.one_of(
    words.map(lambda word: {"S": word}),
    digits.map(lambda number: {"N": number}),
    blobs.map(lambda blob: {"B": blob}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
)
sets = st.one_of(
    st.lists(words.filter(bool), min_size=1, max_size=3, unique=True).map(lambda each: {"SS": each}),
    st.lists(st.sampled_from(["1", "2", "-3", "4.5"]), min_size=1, max_size=3, unique=True).map(
        lambda each: {"NS": each}
    ),
    st.lists(blobs.filter(bool), min_size=1, max_size=3, unique=True).map(lambda each: {"BS": each}),
)
values = st.recursive(
    st.one_of(scalars, sets),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: {"L": each}),
        st.dictionaries(st.sampled_from(["x", "y", "z"]), inner, max_size=3).map(lambda each: {"M": each}),
    ),
    max_leaves=5,
)
names = st.sampled_from(["c", "d", "e", "f"])
partitions = st.sampled_from(["p", "q"])
sort_keys = st.sampled_from(["0", "1", "-1", "2.5", "1e2", "-1e-5", "12345678901234567890123456789012345678"])
keys = st.builds(lambda pk, sk: {"pk": {"S": pk}, "sk": {"N": sk}}, partitions, sort_keys)
index_attributes = st.fixed_dictionaries(
    {},
    optional={
        "a": st.sampled_from(["a", "b", "c"]).map(lambda word: {"S": word}),
        "b": st.sampled_from(["1", "2", "-7"]).map(lambda number: {"N": number}),
    },
)
attributes = st.dictionaries(names, values, max_size=4)
items = st.builds(lambda key, indexed, more: {**more, **indexed, **key}, keys, index_attributes, attributes)

# Expressions, as text: mostly well formed, sometimes not.

paths = st.one_of(
    names,
    st.sampled_from(["a", "b", "c.x", "c.y.z", "d[0]", "d[1].x", "e.x[0]", "#n", "c.#n", "name", "zz"]),
)
references = st.sampled_from([":v", ":w"])
operands = st.one_of(
    paths, paths, references, paths.map(lambda path: f"size({path})"), references.map(lambda ref: f"({ref})")
)
comparators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
simple = st.one_of(
    st.builds(lambda left, sign, right: f"{left} {sign} {right}", operands, comparators, operands),
    st.builds(lambda one, low, high: f"{one} BETWEEN {low} AND {high}", operands, operands, operands),
    st.builds(lambda one, few: f"{one} IN ({', '.join(few)})", operands, st.lists(operands, min_size=1, max_size=3)),
    st.builds(lambda path: f"attribute_exists({path})", paths),
    st.builds(lambda path: f"attribute_not_exists({path})", operands),
    st.builds(lambda path, ref: f"attribute_type({path}, {ref})", paths, operands),
    st.builds(lambda path, other: f"begins_with({path}, {other})", operands, operands),
    st.builds(lambda path, other: f"contains({path}, {other})", operands, operands),
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(lambda one, two: f"{one} AND {two}", inner, inner),
        st.builds(lambda one, two: f"{one} OR {two}", inner, inner),
        inner.map(lambda one: f"NOT {one}"),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=4,
)
TOKENS = ["a", "b.c", "d[0]", ":v", ":w", "#n", "=", "<", "<>", "(", ")", ",", "AND", "or", "NOT", "BETWEEN", "IN", "size(a)",
          "SET", "REMOVE", "add", "DELETE", "+", "-", "contains(a, :v)", "list_append(a, :v)", "1", ".", "[", "]", "$", "é"]  # fmt: skip
token_soup = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=8).map(" ".join)

set_operands = st.one_of(
    operands.filter(lambda text: not text.startswith("size")),
    st.builds(lambda path, other: f"if_not_exists({path}, {other})", paths, st.one_of(paths, references)),
    st.builds(
        lambda one, two: f"list_append({one}, {two})", st.one_of(paths, references), st.one_of(paths, references)
    ),
)
set_values = st.one_of(
    set_operands,
    st.builds(lambda one, sign, two: f"{one} {sign} {two}", set_operands, st.sampled_from("+-"), set_operands),
)
targets = paths.filter(
    lambda path: path not in ("a", "b")
)  # the oracle lets a path copy the wrong type into an index key
sections = {
    "SET": st.lists(st.builds(lambda path, value: f"{path} = {value}", targets, set_values), min_size=1, max_size=3),
    "REMOVE": st.lists(paths, min_size=1, max_size=3),
    "ADD": st.lists(st.builds(lambda path, ref: f"{path} {ref}", targets, references), min_size=1, max_size=2),
    "DELETE": st.lists(st.builds(lambda path, ref: f"{path} {ref}", targets, references), min_size=1, max_size=2),
}
updates = st.lists(st.sampled_from(list(sections)), min_size=1, max_size=3).flatmap(
    lambda kinds: st.tuples(*(sections[kind].map(lambda each, kind=kind: f"{kind} {', '.join(each)}") for kind in kinds))
).map(" ".join)  # fmt: skip


def bind(text: str, chosen: list[Any]) -> dict[str, Any]:
    """Names and values for the placeholders that `text` has."""
    bound: dict[str, Any] = {}
    if "#n" in text:
        bound["ExpressionAttributeNames"] = {"#n": "x"}
    given = {ref: value for ref, value in zip((":v", ":w"), chosen, strict=True) if ref in text}
    if given:
        bound["ExpressionAttributeValues"] = given
    return bound


two_values = st.lists(values, min_size=2, max_size=2)
ONE = {"pk": {"S": "p"}, "sk": {"N": "1"}}


def check_condition(pair: Pair, item: dict[str, Any], text: str, chosen: list[Any]) -> None:
    name = pair.empty_item()
    pair.call("PutItem", TableName=name, Item={**item, **ONE})
    pair.call(
        "DeleteItem",
        TableName=name,
        Key=ONE,
        ConditionExpression=text,
        ReturnValues="ALL_OLD",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        ReturnConsumedCapacity="INDEXES",
        **bind(text, chosen),
    )


@QUICK
@given(item=items, text=st.one_of(conditions, token_soup), chosen=two_values)
def test_a_condition_is_judged_alike(pair: Pair, item: dict[str, Any], text: str, chosen: list[Any]) -> None:
    check_condition(pair, item, text, chosen)


def check_update(pair: Pair, item: dict[str, Any], text: str, chosen: list[Any], returns: str) -> None:
    name = pair.empty_item()
    pair.call("PutItem", TableName=name, Item={**item, **ONE}, ReturnConsumedCapacity="INDEXES")
    pair.call(
        "UpdateItem",
        TableName=name,
        Key=ONE,
        UpdateExpression=text,
        ReturnValues=returns,
        ReturnConsumedCapacity="INDEXES",
        **bind(text, chosen),
    )
    pair.call("GetItem", TableName=name, Key=ONE, ReturnConsumedCapacity="TOTAL")


@QUICK
@given(
    item=items,
    text=st.one_of(updates, token_soup),
    chosen=two_values,
    returns=st.sampled_from(["ALL_OLD", "ALL_NEW", "NONE"]),
)
def test_an_update_changes_an_item_alike(
    pair: Pair, item: dict[str, Any], text: str, chosen: list[Any], returns: str
) -> None:
    check_update(pair, item, text, chosen, returns)


@settings(QUICK, max_examples=60)
@given(value=values)
def test_an_item_has_the_same_size(pair: Pair, value: Any) -> None:
    name = pair.table()
    pair.call("PutItem", TableName=name, Item={**ONE, "c": value})
    ours, theirs = (call("DescribeTable", {"TableName": name})[1]["Table"] for call in (pair.ours, pair.theirs))
    assert ours["TableSizeBytes"] == theirs["TableSizeBytes"]


# Sequences: writes and reads of one table, which must stay the same.

limits = st.one_of(st.none(), st.integers(1, 4))
indexes = st.sampled_from([None, "local", "global", "some"])


def index_key(index: str | None) -> tuple[str, str | None]:
    return {None: ("pk", "sk"), "local": ("pk", "a"), "global": ("a", "b"), "some": ("a", None)}[index]


def range_of(sort: str | None, operator: str, low: Any, high: Any) -> tuple[str, dict[str, Any]]:
    if sort is None or operator == "none":
        return "", {}
    if operator == "BETWEEN":
        return f" AND {sort} BETWEEN :l AND :h", {":l": low, ":h": high}
    if operator == "begins_with":
        return f" AND begins_with({sort}, :l)", {":l": low}
    return f" AND {sort} {operator} :l", {":l": low}


@st.composite
def queries(draw: Any) -> tuple[str, dict[str, Any]]:
    index = draw(indexes)
    hash_name, sort = index_key(index)
    hash_value = {"S": draw(partitions if hash_name == "pk" else st.sampled_from(["a", "b", "c"]))}
    numeric = sort in ("sk", "b")
    sort_values = (
        sort_keys.map(lambda each: {"N": each})
        if numeric
        else st.sampled_from(["a", "b", "c"]).map(lambda each: {"S": each})
    )
    operator = draw(st.sampled_from(["none", "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]))
    clause, more = range_of(sort, operator, draw(sort_values), draw(sort_values))
    params: dict[str, Any] = {
        "KeyConditionExpression": f"{hash_name} = :p{clause}",
        "ExpressionAttributeValues": {":p": hash_value, **more},
        "ScanIndexForward": draw(st.booleans()),
        "ReturnConsumedCapacity": draw(st.sampled_from(["TOTAL", "INDEXES"])),
    }
    if index:
        params["IndexName"] = index
    if draw(st.booleans()):
        params["Limit"] = draw(st.integers(1, 4))
    shape = draw(st.sampled_from(["all", "count", "projected", "filtered"]))
    if shape == "count":
        params["Select"] = "COUNT"
    elif shape == "projected":
        params["ProjectionExpression"] = draw(st.sampled_from(["c", "c, pk", "c.x, sk"]))
    elif shape == "filtered":
        params["FilterExpression"] = draw(st.sampled_from(["attribute_exists(c)", "size(c) > :z", "c <> :z"]))
        if ":z" in params["FilterExpression"]:
            params["ExpressionAttributeValues"][":z"] = {"N": "1"}
    return "Query", params


steps = st.lists(
    st.one_of(
        items.map(lambda item: ("PutItem", {"Item": item, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "INDEXES"})),
        items.map(lambda item: ("PutItem", {"Item": item, "ReturnConsumedCapacity": "TOTAL"})),
        keys.map(lambda key: ("DeleteItem", {"Key": key, "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "INDEXES"})),
        keys.map(lambda key: ("GetItem", {"Key": key, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"})),
        st.builds(
            lambda key, new: ("UpdateItem", {"Key": key, "UpdateExpression": f"SET {new[0]} = :n", "ExpressionAttributeValues": {":n": new[1]}, "ReturnConsumedCapacity": "INDEXES", "ReturnValues": "ALL_NEW"}),
            keys,
            st.one_of(st.tuples(names, values), st.sampled_from(["a", "b", "c"]).map(lambda word: ("a", {"S": word})), st.just(("b", {"N": "5"}))),
        ),
        st.builds(lambda key, name: ("UpdateItem", {"Key": key, "UpdateExpression": f"REMOVE {name}", "ReturnConsumedCapacity": "INDEXES"}), keys, st.sampled_from("abc")),
        queries(),
        st.builds(lambda index, limit: ("Scan", {k: v for k, v in (("IndexName", index), ("Limit", limit)) if v}), indexes, limits),
    ),
    min_size=4,
    max_size=16,
)  # fmt: skip


def check_sequence(pair: Pair, steps: list[tuple[str, dict[str, Any]]]) -> None:
    name = pair.table()
    for operation, params in steps:
        if operation in ("Query", "Scan"):
            check_pages(pair, name, operation, params)
        else:
            pair.call(operation, TableName=name, **params)


def check_pages(pair: Pair, name: str, operation: str, params: dict[str, Any]) -> None:
    """All pages: each side by its own keys; the items are the same, in the same order of the sort key."""
    asked = {"TableName": name, **params}
    results = []
    for call in (pair.ours, pair.theirs):
        pages, start = [], None
        for _ in range(60):
            code, answer = call(operation, asked | ({"ExclusiveStartKey": start} if start else {}))
            pages.append((code, answer))
            start = answer.get("LastEvaluatedKey")
            if start is None:
                break
        results.append(pages)
    ours, theirs = results
    assert [code for code, _ in ours] == [code for code, _ in theirs], (asked, ours, theirs)
    if ours[0][0] != "OK":
        assert same_error(theirs[0][1]["Message"], ours[0][1]["Message"]), (asked, ours, theirs)
        return
    for total in ("Count", "ScannedCount"):
        assert sum(page[total] for _, page in ours) == sum(page[total] for _, page in theirs), (asked, ours, theirs)
    assert in_order(params, ours) == in_order(params, theirs), (asked, ours, theirs)
    if operation == "Query":  # an empty page costs half a unit; in the oracle sometimes that, sometimes nothing
        consumed = [[page.get("ConsumedCapacity") for _, page in pages if page["ScannedCount"]] for pages in results]
        assert comparable(consumed[0]) == comparable(consumed[1]), (asked, consumed)


def in_order(params: dict[str, Any], pages: list[tuple[str, Any]]) -> Any:
    """The items as the API orders them: by sort key in a Query; the rest is no order, so sorted."""
    found = [comparable(item) for _, page in pages for item in page.get("Items", [])]
    if "KeyConditionExpression" not in params:
        return sorted(found, key=repr_sorted)
    _, sort = index_key(params.get("IndexName"))
    groups = itertools.groupby(found, key=lambda item: repr_sorted(item.get(sort)) if sort else "")
    return [sorted(group, key=repr_sorted) for _, group in groups]


def repr_sorted(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{repr_sorted(value[name])}" for name in sorted(value)) + "}"
    return "[" + ",".join(map(repr_sorted, value)) + "]" if isinstance(value, list) else repr(value)


@settings(QUICK, max_examples=40)
@given(steps=steps)
def test_a_table_and_its_indexes_read_alike(pair: Pair, steps: list[tuple[str, dict[str, Any]]]) -> None:
    check_sequence(pair, steps)


# Batches and transactions.

member_conditions = st.sampled_from(
    [None, "attribute_exists(pk)", "attribute_not_exists(pk)", "c = :n", "size(c) > :n", "pk = :p"]
)


@st.composite
def transaction_members(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["Put", "Delete", "Update", "ConditionCheck"]))
    condition = draw(member_conditions)
    member: dict[str, Any] = {"ReturnValuesOnConditionCheckFailure": draw(st.sampled_from(["ALL_OLD", "NONE"]))}
    if kind == "Put":
        member["Item"] = draw(items)
    else:
        member["Key"] = draw(keys)
    if kind == "ConditionCheck":
        condition = condition or "attribute_exists(pk)"
    given = {}
    if condition:
        member["ConditionExpression"] = condition
        given = {ref: value for ref, value in ((":n", {"N": "1"}), (":p", {"S": "p"})) if ref in condition}
    if kind == "Update":
        member["UpdateExpression"] = "SET d = :d"
        given[":d"] = draw(values)
    if given:
        member["ExpressionAttributeValues"] = given
    return {kind: member}


batch_arguments: dict[str, Any] = {
    "before": st.lists(items, max_size=4),
    "members": st.lists(transaction_members(), min_size=1, max_size=4),
    "wanted": st.lists(keys, min_size=1, max_size=4),
    "writes": st.lists(st.one_of(items.map(lambda item: {"PutRequest": {"Item": item}}), keys.map(lambda key: {"DeleteRequest": {"Key": key}})), min_size=1, max_size=5),
}  # fmt: skip


def distinct(members: list[Any]) -> list[Any]:
    """One member for each key: the oracle looks for repeated items only after the conditions, and not for every spelling."""
    by_key = {}
    for member in members:
        request = next(iter(member.values()))
        key = request.get("Key") or request["Item"]
        by_key[key["pk"]["S"], Decimal(key["sk"]["N"])] = member
    return list(by_key.values())


def check_batch(pair: Pair, before: list[Any], members: list[Any], wanted: list[Any], writes: list[Any]) -> None:
    name = pair.table()
    for item in before:
        pair.call("PutItem", TableName=name, Item=item)
    deleting = any("DeleteRequest" in write for write in writes)  # the oracle counts a missing item's deletion twice
    pair.call("BatchWriteItem", RequestItems={name: writes}, ReturnConsumedCapacity="NONE" if deleting else "INDEXES")
    members = distinct(members)
    for member in members:
        next(iter(member.values()))["TableName"] = name
    code, answer = pair.call("TransactWriteItems", TransactItems=members)
    if code == "TransactionCanceledException":
        theirs = pair.theirs("TransactWriteItems", {"TransactItems": members})[1]
        both = [
            [(each["Code"], each.get("Item")) for each in reasons["CancellationReasons"]]
            for reasons in (answer, theirs)
        ]
        assert both[0] == both[1], (members, both)
    pair.call("TransactGetItems", TransactItems=[{"Get": {"TableName": name, "Key": key}} for key in wanted])
    asked = {"RequestItems": {name: {"Keys": wanted, "ProjectionExpression": "c, d"}}}
    ours, theirs = pair.ours("BatchGetItem", asked), pair.theirs("BatchGetItem", asked)
    assert ours[0] == theirs[0], (asked, ours, theirs)
    if ours[0] == "OK":
        found = [sorted(each[1]["Responses"][name], key=repr_sorted) for each in (ours, theirs)]
        assert found[0] == found[1], (asked, ours, theirs)
    check_pages(pair, name, "Scan", {})


@settings(QUICK, max_examples=40)
@given(**batch_arguments)
def test_batches_and_transactions_are_carried_out_alike(
    pair: Pair, before: list[Any], members: list[Any], wanted: list[Any], writes: list[Any]
) -> None:
    check_batch(pair, before, members, wanted, writes)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_long_run_stays_alike(pair: Pair) -> None:
    for check, arguments in (
        (check_condition, {"item": items, "text": st.one_of(conditions, token_soup), "chosen": two_values}),
        (
            check_update,
            {
                "item": items,
                "text": st.one_of(updates, token_soup),
                "chosen": two_values,
                "returns": st.sampled_from(["ALL_OLD", "ALL_NEW", "NONE"]),
            },
        ),
        (check_sequence, {"steps": steps}),
        (check_batch, batch_arguments),
    ):
        run_long(pair, check, arguments)


def run_long(pair: Pair, check: Callable[..., None], arguments: dict[str, Any]) -> None:
    @LONG
    @given(**arguments)
    def run(**drawn: Any) -> None:
        check(pair, **drawn)

    run()
