"""docs/security.md shows the attack table as it is."""

from tests.attacks.document import FILE, document


def test_the_document_shows_the_table() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run: python -m tests.attacks.document"
