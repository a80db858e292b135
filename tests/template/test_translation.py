"""SAM translated offline, local files put in, the result remembered until anything that went into it changes."""

import subprocess
import sys

import pytest

from stratus.template.errors import UnusableTemplate
from stratus.template.local_files import CODE_DIRECTORY
from stratus.template.translation import Translations

SAM = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Handler: app.handler, CodeUri: code}}
Resources:
  One: {Type: AWS::Serverless::Function, Properties: {Policies: [AWSLambdaBasicExecutionRole]}}
  Two: {Type: AWS::Serverless::Function, Properties: {CodeUri: ./code}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.yaml}}}
"""
API = "openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {x-amazon-apigateway-integration: {uri: !Sub '${One.Arn}'}}}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An application on a machine that has no AWS configuration, or a broken one."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "code").mkdir()
    (tmp_path / "caches").mkdir()
    (tmp_path / "template.yaml").write_text(SAM)
    (tmp_path / "api.yaml").write_text(API)
    return tmp_path


def translate(folder, region="eu-central-1", **parameters):
    return Translations(folder / "caches").translate(folder / "template.yaml", parameters, region)


def lines(folder, text):
    (folder / "template.yaml").write_text(text)
    with pytest.raises(UnusableTemplate) as caught:
        translate(folder)
    return "\n".join(caught.value.lines)


def test_code_is_the_directory_and_included_files_are_put_in(folder):
    resources = translate(folder).content["Resources"]

    where = {"S3Bucket": CODE_DIRECTORY, "S3Key": str(folder / "code")}
    assert resources["One"]["Properties"]["Code"] == resources["Two"]["Properties"]["Code"] == where
    integration = resources["Api"]["Properties"]["Body"]["paths"]["/a"]["get"]["x-amazon-apigateway-integration"]
    assert integration == {"uri": {"Fn::Sub": "${One.Arn}"}}
    managed = resources["OneRole"]["Properties"]["ManagedPolicyArns"]
    assert managed == ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]


def test_the_digest_changes_with_everything_that_goes_in_and_with_nothing_else(folder):
    first = translate(folder)
    assert translate(folder) == first
    assert translate(folder, region="eu-west-1").content["Resources"].keys() == first.content["Resources"].keys()

    (folder / "api.yaml").write_text(API.replace("/a", "/b"))
    second = translate(folder)
    assert second.digest != first.digest
    assert "/b" in second.content["Resources"]["Api"]["Properties"]["Body"]["paths"]

    (folder / "code" / "app.py").write_text("# functions reload by themselves")
    assert translate(folder).digest == second.digest


def test_a_cache_that_cannot_be_read_or_written_is_no_error(folder):
    first = translate(folder)
    for file in (folder / "caches").iterdir():
        file.write_text("{")
    assert translate(folder) == first
    assert (
        Translations(folder / "nowhere").translate(folder / "template.yaml", {}, "eu-central-1").content
        == first.content
    )


def test_a_start_without_changes_imports_no_translator_and_no_validator(folder):
    translate(folder)
    script = (
        "import sys; from pathlib import Path; from stratus.template.translation import Translations; import stratus.template.stacks;"
        f"Translations(Path({str(folder / 'caches')!r})).translate(Path({str(folder / 'template.yaml')!r}), {{}}, 'eu-central-1');"
        "print([name for name in ('samtranslator', 'boto3', 'jsonschema') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("CodeUri: code", "CodeUri: cod"), "template.yaml:3:65: Globals.Function.CodeUri"),
        (
            ("CodeUri: ./code", "CodeUri: ../nowhere"),
            "is not a directory; functions run from the directory that holds their code",
        ),
        (("api.yaml", "nothing.yaml"), "nothing.yaml: cannot be read: No such file or directory"),
        (("api.yaml", "s3://bucket/api.yaml"), "Stratus includes local files only"),
        (("StageName: prod", "Stage: prod"), "template.yaml:7:3: Resources.Api: "),
        (("Handler: app.handler, ", ""), "template.yaml:5:3: Resources.One: "),
        (("AWS::Serverless::Api", "AWS::Serverless::Application"), "Resources.Api"),
        (("Globals: {Function: ", "Globals: {Functoin: "), "Functoin"),
    ],
)
def test_what_sam_or_the_files_have_against_it_is_said_with_its_place(folder, change, line):
    found = lines(folder, SAM.replace(*change))

    assert line in found
    assert all(each.startswith(str(folder / "template.yaml")) for each in found.splitlines())


@pytest.mark.parametrize(
    "body",
    [
        "7",
        "[]",
        "text",
        "{Type: AWS::Serverless::Function, Properties: 3}",
        "{Type: AWS::Serverless::Function, Properties: {Events: 3}}",
    ],
)
def test_a_resource_of_any_shape_is_an_error_not_a_crash(folder, body):
    assert "template.yaml:" in lines(folder, f"Transform: AWS::Serverless-2016-10-31\nResources:\n  A: {body}\n")
