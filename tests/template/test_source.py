"""Templates are read with their places, in YAML or JSON; hostile text is one line of error."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.template.errors import TemplateError, UnusableTemplate
from stratus.template.source import MAX_TEMPLATE_BYTES, load, parse

FILE = Path("template.yaml")


def read(text):
    return parse(text, FILE).content


def error(text):
    with pytest.raises(UnusableTemplate) as caught:
        parse(text, FILE)
    (line,) = caught.value.lines
    return line


def test_short_forms_are_spelled_out():
    content = read("""
a: !Ref X
b: !GetAtt Stack.Outputs.Url
c: !Sub "${X}"
d: !Sub ["${a}", {a: !Ref B}]
e: !If [Sure, !Ref A, !Ref AWS::NoValue]
f: !Equals [1, "1"]
g: !Not [!Condition C]
h: !Base64
  Fn::Sub: x
""")
    assert content == {
        "a": {"Ref": "X"},
        "b": {"Fn::GetAtt": ["Stack", "Outputs.Url"]},
        "c": {"Fn::Sub": "${X}"},
        "d": {"Fn::Sub": ["${a}", {"a": {"Ref": "B"}}]},
        "e": {"Fn::If": ["Sure", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]},
        "f": {"Fn::Equals": [1, "1"]},
        "g": {"Fn::Not": [{"Condition": "C"}]},
        "h": {"Fn::Base64": {"Fn::Sub": "x"}},
    }


def test_dates_stay_text_and_scalars_have_their_types():
    content = read("{date: 2012-10-17, number: 3, float: 1.5, yes: true, nothing: null, text: '3'}")

    assert list(content.values()) == ["2012-10-17", 3, 1.5, True, None, "3"]


def test_json_is_read_too():
    assert read('{"Resources": {"A": {"Type": "X", "N": [1, true, null]}}}') == {
        "Resources": {"A": {"Type": "X", "N": [1, True, None]}}
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1", "template.yaml:2:1: "),
        ("a: 1\na: 2", "template.yaml:2:1: a.(again): this key stands twice"),
        ("a: &x {b: 1}\nc: *x", "template.yaml:2:1: c: CloudFormation does not support YAML aliases"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "merge keys"),
        ("a: !Foo x", "template.yaml:1:1: a: !Foo is not an intrinsic function"),
        ("a: !!python/object:os.system x", "does not support the YAML tag"),
        ("a: !!binary eA==", "does not support the YAML tag !!binary"),
        ("- 1", "must be a mapping"),
        ("", "must be a mapping"),
        ("[a]: 1", ""),
        ("? [a]\n: 1", "a key must be a plain string"),
        ("a: \x00", "template.yaml:1:1: "),
        ("a: " + "[" * 5000 + "]" * 5000, "nested"),
        ("{a: " * 200 + "1" + "}" * 200, "nested more than 100 levels deep"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(text, line):
    assert line in error(text)
    assert "\n" not in error(text)


def test_a_bomb_of_aliases_is_refused_at_once():
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 40))

    assert "aliases" in error(f"l0: &l0 [x]\n{levels}")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_in_one_line(text):
    lines: list[str] = []
    try:
        parse(text, FILE)
    except UnusableTemplate as refused:
        lines = refused.lines

    assert all(line.startswith("template.yaml:") for line in lines)


def test_an_error_names_the_line_of_the_deepest_part_that_is_written():
    source = parse("Resources:\n  A:\n    Type: T\n    Properties:\n      List:\n        - B: 1\n", FILE)

    def place(*path):
        return source.describe(TemplateError("wrong", path))

    assert (
        place("Resources", "A", "Properties", "List", 0, "B")
        == "template.yaml:6:11: Resources.A.Properties.List[0].B: wrong"
    )
    assert (
        place("Resources", "A", "Properties", "List", 0, "C")
        == "template.yaml:6:11: Resources.A.Properties.List[0].C: wrong"
    )
    assert place("Resources", "A", "Other") == "template.yaml:2:3: Resources.A.Other: wrong"
    assert place("Resources", "ARole", "Properties").startswith("template.yaml:2:3: "), "what SAM made of A stands at A"
    assert place() == "template.yaml:1:1: wrong"


def test_files_that_cannot_be_read_are_one_sentence(tmp_path):
    big, binary = tmp_path / "big.yaml", tmp_path / "binary.yaml"
    big.write_bytes(b"#" * (MAX_TEMPLATE_BYTES + 1))
    binary.write_bytes(b"a: \xff")

    for file, reason in (
        (big, "larger than"),
        (binary, "not UTF-8"),
        (tmp_path / "none.yaml", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(UnusableTemplate, match=reason):
            load(file)
