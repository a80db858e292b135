"""Checks on what CreateTable and UpdateTable define, in AWS's words.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from typing import Any

from stratus.services.dynamodb.errors import invalid_parameter, validation

MAX_LOCAL_INDEXES = 5
MAX_GLOBAL_INDEXES = 20
MAX_PROJECTED_ATTRIBUTES = 100

Definition = dict[str, Any]


def check_key_schema(elements: list[dict[str, str]], defined: list[str]) -> None:
    names = [element["AttributeName"] for element in elements]
    if len(names) > len(defined):
        raise validation("Invalid KeySchema: Some index key attribute have no definition")
    if any(name not in defined for name in names):
        raise invalid_parameter(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(defined)}]"
        )
    if len(set(names)) != len(names):
        raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if elements[0]["KeyType"] != "HASH":
        raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(elements) > 1 and elements[1]["KeyType"] != "RANGE":
        raise validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def check_table(request: Definition) -> None:
    """Raises ValidationException where keys, definitions and indexes do not fit together."""
    defined = [each["AttributeName"] for each in request["AttributeDefinitions"]]
    if len(set(defined)) != len(defined):
        raise invalid_parameter("Duplicate AttributeName in AttributeDefinitions")
    check_billing(request)
    check_key_schema(request["KeySchema"], defined)
    local, global_ = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    if local is not None:
        _check_local(request, local, defined)
    if global_ is not None:
        if not global_:
            raise invalid_parameter("List of GlobalSecondaryIndexes is empty")
        if len(global_) > MAX_GLOBAL_INDEXES:
            raise invalid_parameter(f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}")
        for index in global_:
            check_global_index(index, defined, request.get("BillingMode"))
    indexes = [*(local or ()), *(global_ or ())]
    check_names_and_projections(indexes)
    _check_all_used(request["KeySchema"], indexes, defined)


def check_billing(request: Definition) -> None:
    throughput = request.get("ProvisionedThroughput")
    if request.get("BillingMode") == "PAY_PER_REQUEST":
        if throughput is not None:
            raise invalid_parameter(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
    elif throughput is None:
        raise invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )


def _check_local(request: Definition, local: list[Definition], defined: list[str]) -> None:
    if not local:
        raise invalid_parameter("List of LocalSecondaryIndexes is empty")
    if len(request["KeySchema"]) != 2:
        raise invalid_parameter(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    if len(local) > MAX_LOCAL_INDEXES:
        raise invalid_parameter(f"Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL_INDEXES}")
    table_hash = request["KeySchema"][0]["AttributeName"]
    for index in local:
        check_key_schema(index["KeySchema"], defined)
        if len(index["KeySchema"]) != 2:
            raise invalid_parameter(f"Index KeySchema does not have a range key for index: {index['IndexName']}")
        index_hash = index["KeySchema"][0]["AttributeName"]
        if index_hash != table_hash:
            raise invalid_parameter(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                f"{index['IndexName']}. index hash key: {index_hash}, table hash key: {table_hash}"
            )


def check_global_index(index: Definition, defined: list[str], billing: str | None) -> None:
    check_key_schema(index["KeySchema"], defined)
    if billing == "PAY_PER_REQUEST" and index.get("ProvisionedThroughput") is not None:
        raise invalid_parameter(
            f"ProvisionedThroughput should not be specified for index: {index['IndexName']} "
            "when BillingMode is PAY_PER_REQUEST"
        )


def check_names_and_projections(indexes: list[Definition]) -> None:
    seen: set[str] = set()
    projected = 0
    for index in indexes:
        projection = index["Projection"]
        kind, extra = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
        if kind is None:
            raise invalid_parameter("Unknown ProjectionType: null")
        if extra is not None and kind != "INCLUDE":
            raise invalid_parameter(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
        if extra is None and kind == "INCLUDE":
            raise invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        if index["IndexName"] in seen:
            raise invalid_parameter(f"Duplicate index name: {index['IndexName']}")
        seen.add(index["IndexName"])
        projected += len(extra or ())
    if projected > MAX_PROJECTED_ATTRIBUTES:
        raise invalid_parameter(f"Number of NonKeyAttributes exceeds per-table limit of {MAX_PROJECTED_ATTRIBUTES}")


def _check_all_used(keys: list[dict[str, str]], indexes: list[Definition], defined: list[str]) -> None:
    used = {each["AttributeName"] for schema in (keys, *(index["KeySchema"] for index in indexes)) for each in schema}
    if set(defined) == used:
        return
    if not indexes:
        raise invalid_parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise invalid_parameter(
        f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
        f"keys used: [{', '.join(sorted(used))}]"
    )
