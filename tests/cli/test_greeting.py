"""What `up` says: all of it once, then only what matters."""

from stratus.cli import notices
from stratus.cli.naming import command
from stratus.template.notice import Notice

ALARM = Notice("AWS::CloudWatch::Alarm", "*", "there is no CloudWatch", protects=False, resources=("A", "B"))
TAGS = Notice("AWS::Lambda::Function", "Tags", "nothing reads them", protects=False, resources=("F",))
SEALED = Notice("AWS::DynamoDB::Table", "SSESpecification", "items lie unencrypted", protects=True, resources=("T",))


def test_protections_are_sentences_and_the_rest_is_a_line():
    assert notices.protections([ALARM, SEALED]) == [
        "T: SSESpecification has no effect here; items lie unencrypted",
    ]
    assert notices.summary({"app": [ALARM, TAGS, SEALED]}) == "2 settings have no effect on one machine (Alarm, Tags)"
    assert notices.summary({"app": [TAGS]}) == "1 setting has no effect on one machine (Tags)"
    assert notices.summary({"app": [SEALED]}) == ""


def test_a_command_is_said_as_it_must_be_typed(tmp_path, monkeypatch):
    own = tmp_path / "bin" / "stratus"
    own.parent.mkdir()
    own.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STRATUS_DATA", raising=False)
    monkeypatch.setattr("sys.argv", [str(own)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert command("env", tmp_path / ".stratus") == "bin/stratus env"
    assert command("env", tmp_path / "my data") == f"bin/stratus env --data '{tmp_path}/my data'"

    monkeypatch.setenv("PATH", str(own.parent))
    monkeypatch.setenv("STRATUS_DATA", str(tmp_path / "my data"))
    assert command("env", tmp_path / "my data") == "stratus env"
