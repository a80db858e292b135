"""Filter patterns for unstructured log events: terms, phrases, exclusions and alternatives.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html. Terms are case sensitive. JSON,
space-delimited and regular-expression patterns are refused by name.
"""

import re
from collections.abc import Callable

from stratus.wire.errors import AwsError, not_implemented

MAX_LENGTH = 1024
_TERM = re.compile(r'\s*(?P<sign>[-?]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>\w+))(?=\s|$)')

Matches = Callable[[str], bool]


def compile_pattern(pattern: str | None) -> Matches:
    """A test of messages for `pattern`; None and blank patterns match everything. Raises InvalidParameterException."""
    pattern = (pattern or "").strip()
    if len(pattern) > MAX_LENGTH:
        raise AwsError("InvalidParameterException", f"filterPattern is longer than {MAX_LENGTH} characters")
    if pattern.startswith(("{", "[")) or "%" in pattern.split('"')[0]:
        raise not_implemented("logs", "JSON, space-delimited and regular-expression filter patterns")
    needed, excluded, alternatives = _terms(pattern)
    if alternatives and (needed or excluded):
        raise not_implemented("logs", "filter patterns that mix ?alternatives with other terms")

    def matches(message: str) -> bool:
        return (
            all(term in message for term in needed)
            and not any(term in message for term in excluded)
            and (not alternatives or any(term in message for term in alternatives))
        )

    return matches


def _terms(pattern: str) -> tuple[list[str], list[str], list[str]]:
    """The terms that must be there, must not be there, and of which one must be there."""
    by_sign: dict[str, list[str]] = {"": [], "-": [], "?": []}
    at = 0
    while at < len(pattern):
        found = _TERM.match(pattern, at)
        if found is None:
            raise AwsError("InvalidParameterException", "Invalid filter pattern")
        phrase = found["phrase"]
        by_sign[found["sign"]].append(found["word"] if phrase is None else re.sub(r"\\(.)", r"\1", phrase))
        at = found.end()
    return by_sign[""], by_sign["-"], by_sign["?"]
