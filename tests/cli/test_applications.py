"""Applications are found by name or path; parameters come from their file for one machine, then from the command line."""

import json

import pytest

from stratus.cli.applications import find
from stratus.cli.failures import BAD_INPUT, Failure

TEMPLATE = "Parameters: {Rate: {Type: Number, Default: 1}}\nResources: {}\n"


@pytest.fixture
def apps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("notes", "photos"):
        folder = tmp_path / "apps" / name
        folder.mkdir(parents=True)
        (folder / "template.yaml").write_text(TEMPLATE if name == "notes" else "Resources: {}\n")
    return tmp_path / "apps"


def refusal(names, parameters=()):
    with pytest.raises(Failure) as caught:
        find(names, parameters)
    assert caught.value.code == BAD_INPUT
    return str(caught.value)


def test_without_a_name_every_application_is_meant(apps):
    assert [app.name for app in find([], [])] == ["notes", "photos"]


def test_an_application_is_a_name_a_folder_or_a_template(apps, tmp_path):
    by_name, by_folder, by_file = (
        find([name], []) for name in ("notes", str(apps / "notes"), str(apps / "notes" / "template.yaml"))
    )

    assert by_name == by_folder == by_file
    assert by_name[0].template == apps / "notes" / "template.yaml"


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("json", json.dumps({"Parameters": {"Rate": 5, "Tls": False}})),
        ("yaml", "Parameters: {Rate: 5, Tls: false}"),
        ("toml", "[Parameters]\nRate = 5\nTls = false"),
    ],
)
def test_the_parameter_file_of_one_machine_counts(apps, suffix, text):
    (apps / "notes" / "parameters").mkdir()
    (apps / "notes" / "parameters" / f"one-machine.{suffix}").write_text(text)

    assert find(["notes"], [])[0].parameters == {"Rate": "5", "Tls": "false"}
    assert find(["notes"], ["Rate=7"])[0].parameters["Rate"] == "7", "the command line goes before the file"


def test_a_parameter_goes_to_the_applications_that_have_it_or_to_the_one_named(apps):
    notes, photos = find([], ["Rate=2"])
    assert (notes.parameters, photos.parameters) == ({"Rate": "2"}, {})

    notes, photos = find([], ["photos.Size=a=b"])
    assert (notes.parameters, photos.parameters) == ({}, {"Size": "a=b"})


def test_what_is_wrong_is_said(apps):
    assert "no application blog" in refusal(["blog"])
    assert "no such parameter" in refusal([], ["Nope=1"])
    assert "application blog have no such parameter" in refusal([], ["blog.Rate=1"])
    assert "Key=Value" in refusal([], ["Rate"])
    (apps / "notes" / "parameters").mkdir()
    (apps / "notes" / "parameters" / "one-machine.json").write_text("{")
    assert "one-machine.json" in refusal(["notes"])


def test_a_folder_that_cannot_name_a_stack_is_refused(apps):
    (apps / "notes").rename(apps / "my notes")

    assert "letters, digits and hyphens" in refusal(["my notes"])


def test_two_applications_of_one_name_are_refused(apps, tmp_path):
    other = tmp_path / "elsewhere" / "notes"
    other.mkdir(parents=True)
    (other / "template.yaml").write_text(TEMPLATE)

    assert "rename one folder" in refusal(["notes", str(other)])
