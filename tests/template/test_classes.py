"""The committed table leaves no property of CloudFormation's schemas out, and says the same as the schemas, the code and the document."""

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stratus.template.classes import examine, table
from stratus.template.resources import resource_types
from stratus.template.schema import read_only, schema_of

TYPES = sorted(table())


def tool(name: str) -> ModuleType:
    """A script of `tools/`, imported."""
    file = Path(__file__).parents[2] / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_table_and_the_makers_know_the_same_types():
    assert set(TYPES) == resource_types()


@pytest.mark.parametrize("resource_type", TYPES)
def test_every_property_of_the_schema_is_in_exactly_one_class(resource_type):
    classes = table()[resource_type]
    for name in schema_of(resource_type)["properties"]:
        assert classes.of(name), f"{resource_type}.{name} is in no class"
        assert [name in classes.done, name in classes.recorded, name in classes.refused].count(True) <= 1, name


@pytest.mark.parametrize("resource_type", TYPES)
def test_every_line_of_the_table_is_about_something_in_the_schema(resource_type):
    schema, classes = schema_of(resource_type), table()[resource_type]
    known = set(paths(schema, schema))
    for name in {*classes.done, *classes.recorded, *classes.refused, *classes.only} - {"*"}:
        assert name.partition("=")[0] in known, f"{resource_type} has no {name}"


@pytest.mark.parametrize("resource_type", TYPES)
def test_every_reason_is_said(resource_type):
    classes = table()[resource_type]
    for name, reason in {**classes.recorded, **classes.refused}.items():
        assert len(reason) > 10, f"{resource_type}.{name}"


@pytest.mark.parametrize("resource_type", TYPES)
def test_the_committed_schema_is_that_of_cfn_lint(resource_type):
    schemas = tool("cloudformation_schemas")
    assert schemas.file_of(resource_type).read_text() == schemas.rendered(resource_type), (
        "run tools/cloudformation_schemas.py"
    )


def test_the_document_is_that_of_the_table():
    document = tool("resource_document")
    assert document.FILE.read_text(encoding="utf-8") == document.document(), "run tools/resource_document.py"


def test_what_bears_on_security_is_never_merely_recorded():
    """Policies, principals, public access, protection and authentication are done or refused, whatever the type."""
    words = (
        "Policy",
        "Policies",
        "Principal",
        "Public",
        "Protection",
        "Password",
        "Mfa",
        "Auth",
        "Role",
        "Boundary",
        "Ownership",
        "Origin",
    )
    exceptions = {("AWS::ApiGateway::Account", "CloudWatchRoleArn"), ("AWS::Logs::LogGroup", "FieldIndexPolicies")}
    for resource_type in TYPES:
        for name in table()[resource_type].recorded:
            suspicious = any(word in name for word in words)
            assert not suspicious or (resource_type, name) in exceptions, f"{resource_type}.{name}"


@pytest.mark.parametrize("resource_type", TYPES)
def test_what_protects_is_recorded(resource_type):
    classes = table()[resource_type]
    assert set(classes.protects) <= classes.recorded.keys()


@pytest.mark.parametrize(
    ("algorithm", "key", "refused"), [("AES256", {}, 0), ("aws:kms", {}, 1), ("aws:kms", {"KMSMasterKeyID": "k"}, 2)]
)
def test_objects_are_encrypted_under_our_own_key_or_the_template_is_refused(algorithm, key, refused):
    default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **key}}
    notices, errors = examine(
        "AWS::S3::Bucket", {"BucketEncryption": {"ServerSideEncryptionConfiguration": [default]}}, ()
    )
    assert (notices, len(errors)) == ([], refused)


def test_nested_properties_and_values_have_their_own_class():
    notices, errors = examine(
        "AWS::Cognito::UserPool",
        {
            "EnabledMfas": ["SOFTWARE_TOKEN_MFA", "SMS_MFA"],
            "EmailConfiguration": {"ConfigurationSet": "x"},
            "Policies": {"SignInPolicy": {}},
        },
        ("Resources", "Pool", "Properties"),
    )

    assert [notice.name for notice in notices] == ["EmailConfiguration.ConfigurationSet"]
    assert {error.path[3:] for error in errors} == {("EnabledMfas", 1), ("Policies", "SignInPolicy")}


def test_a_property_that_is_refused_when_on_may_be_written_off():
    _, off = examine("AWS::ApiGateway::Stage", {"CacheClusterEnabled": False}, ())
    _, on = examine("AWS::ApiGateway::Stage", {"CacheClusterEnabled": True}, ())

    assert off == []
    assert "the response cache is not done yet" in on[0].message


def paths(schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Every dotted path that a schema knows; lists are passed through."""
    if depth > 8:
        return
    if "$ref" in schema:
        yield from paths(root["definitions"][schema["$ref"].rsplit("/", 1)[1]], root, prefix, depth + 1)
    for name, inner in schema.get("properties", {}).items():
        yield prefix + name
        yield from paths(inner, root, f"{prefix}{name}.", depth + 1)
    if isinstance(schema.get("items"), dict):
        yield from paths(schema["items"], root, prefix, depth + 1)
    for keyword in ("oneOf", "anyOf", "allOf"):
        for inner in schema.get(keyword, []):
            yield from paths(inner, root, prefix, depth + 1)


def test_read_only_properties_are_attributes():
    assert read_only("AWS::DynamoDB::Table") == {"Arn", "StreamArn"}
