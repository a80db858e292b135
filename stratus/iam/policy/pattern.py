"""Patterns of the policy language: `*`, `?` and policy variables, matched in time linear in pattern times text.

Sources: "IAM JSON policy elements: Resource" and "... Variables and tags" (IAM User Guide). `*` and `?` match any characters,
newlines too. What a variable stands for is taken literally: a `*` in a user's name is a star, not a wildcard.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stratus.iam.policy.context import Context


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`; the key in lower case."""

    key: str
    default: str | None = None


class _Wildcard:
    """`*` or `?` where it is one."""


STAR = _Wildcard()
ONE = _Wildcard()
Token = str | Variable | _Wildcard


class MalformedVariableError(ValueError):
    """A `${` that is not closed, or names no key."""


def tokens(text: str, *, variables: bool, wildcards: bool) -> list[Token]:
    """The parts of a pattern: literal texts, wildcards, variables. Raises MalformedVariableError."""
    found: list[Token] = []
    literal: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        part: Token | None = None
        if variables and text.startswith("${", at):
            end = text.find("}", at)
            if end < 0:
                raise MalformedVariableError(text)
            part = _variable(text[at + 2 : end])
            at = end
        elif wildcards and character in "*?":
            part = STAR if character == "*" else ONE
        else:
            part = character
        at += 1
        if isinstance(part, str):
            literal.append(part)
            continue
        if literal:
            found.append("".join(literal))
            literal = []
        found.append(part)
    if literal:
        found.append("".join(literal))
    return found


def _variable(inside: str) -> str | Variable:
    if inside in ("*", "?", "$"):
        return inside
    key, comma, rest = inside.partition(",")
    key, rest = key.strip(), rest.strip()
    if not key or any(c in key for c in "${'"):
        raise MalformedVariableError(inside)
    if not comma:
        return Variable(key.lower())
    if len(rest) < 2 or rest[0] != "'" or rest[-1] != "'":
        raise MalformedVariableError(inside)
    return Variable(key.lower(), rest[1:-1])


Piece = str | tuple[str, ...]
"""What stands between two stars: a text, or texts with exactly one character between them."""


class Pattern:
    """One compiled pattern."""

    __slots__ = ("_fold", "_pieces", "_tokens")

    def __init__(self, text: str, *, variables: bool = True, wildcards: bool = True, fold: bool = False) -> None:
        """`fold` ignores case. Raises MalformedVariableError."""
        parts = tokens(text, variables=variables, wildcards=wildcards)
        self._fold = fold
        self._tokens = parts if has_variables(parts) else None
        self._pieces = _pieces(parts, fold) if self._tokens is None else []

    @property
    def literal(self) -> str | None:
        """The only text that matches, where there is just one whatever the context."""
        first = self._pieces[0] if self._tokens is None and len(self._pieces) == 1 else None
        return first if isinstance(first, str) else None

    def matches(self, text: str, context: Context, *, unresolved: bool = False) -> bool:
        """Whether the whole of `text` fits; `unresolved` is the answer when a variable has no value."""
        pieces = self._pieces
        if self._tokens is not None:
            parts = resolved(self._tokens, context)
            if parts is None:
                return unresolved
            pieces = _pieces(parts, self._fold)
        return _fits(pieces, text.lower() if self._fold else text)


class ArnPattern:
    """A pattern of ARNs: each of the six parts between colons is matched by itself."""

    __slots__ = ("_parts", "_tokens")

    def __init__(self, text: str, *, variables: bool = True) -> None:
        """Raises MalformedVariableError."""
        self._tokens = tokens(text, variables=variables, wildcards=True)
        self._parts = None if has_variables(self._tokens) else _arn_parts(self._tokens)

    def matches(self, text: str, context: Context, *, unresolved: bool = False) -> bool:
        """Whether `text` is an ARN that fits; `unresolved` is the answer when a variable has no value."""
        parts = self._parts
        if parts is None:
            found = resolved(self._tokens, context)
            if found is None:
                return unresolved
            parts = _arn_parts(found)
        given = text.split(":", 5)
        return len(given) == len(parts) == 6 and all(map(_fits, parts, given))


def has_variables(parts: Iterable[Token]) -> bool:
    return any(isinstance(part, Variable) for part in parts)


def resolved(parts: Iterable[Token], context: Context) -> list[Token] | None:
    """The parts with variables replaced by their values, which are literal; None when one has no value."""
    found: list[Token] = []
    for part in parts:
        if isinstance(part, Variable):
            value = context.single(part.key)
            if value is None:
                value = part.default
            if value is None:
                return None
            part = value
        found.append(part)
    return found


def _arn_parts(parts: Iterable[Token]) -> list[list["Piece"]]:
    """The pieces of each part of an ARN; a colon in a variable's value separates like any other."""
    split: list[list[Token]] = [[]]
    for part in parts:
        if isinstance(part, str):
            first, *others = part.split(":", 6 - len(split))
            split[-1].append(first)
            split += [[text] for text in others]
        else:
            split[-1].append(part)
    return [_pieces(tokens_of_part, fold=False) for tokens_of_part in split]


def _pieces(parts: Iterable[Token], fold: bool) -> list[Piece]:
    pieces: list[Piece] = []
    texts = [""]
    for part in parts:
        if part is STAR:
            pieces.append(texts[0] if len(texts) == 1 else tuple(texts))
            texts = [""]
        elif part is ONE:
            texts.append("")
        else:
            assert isinstance(part, str)
            texts[-1] += part.lower() if fold else part
    pieces.append(texts[0] if len(texts) == 1 else tuple(texts))
    return pieces


def _fits(pieces: list[Piece], text: str) -> bool:
    """The first piece at the start, the last at the end, the others in order between them, each as far left as it goes."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return text == first if isinstance(first, str) else _size(first) == len(text) and _is_at(first, text, 0)
    start, end = _size(first), len(text) - _size(last)
    if start > end or not _is_at(first, text, 0) or not _is_at(last, text, end):
        return False
    for piece in pieces[1:-1]:
        at = _find(piece, text, start, end)
        if at < 0:
            return False
        start = at + _size(piece)
    return True


def _size(piece: Piece) -> int:
    return len(piece) if isinstance(piece, str) else sum(map(len, piece)) + len(piece) - 1


def _is_at(piece: Piece, text: str, at: int) -> bool:
    if isinstance(piece, str):
        return text.startswith(piece, at)
    for part in piece:
        if not text.startswith(part, at):
            return False
        at += len(part) + 1
    return True


def _find(piece: Piece, text: str, start: int, end: int) -> int:
    if isinstance(piece, str):
        return text.find(piece, start, end)
    for at in range(start, end - _size(piece) + 1):
        if _is_at(piece, text, at):
            return at
    return -1


class Patterns:
    """Several patterns, any of which may match."""

    __slots__ = ("_everything", "_literals", "_others")

    def __init__(
        self, texts: Iterable[str], *, variables: bool = True, wildcards: bool = True, fold: bool = False
    ) -> None:
        compiled = [Pattern(text, variables=variables, wildcards=wildcards, fold=fold) for text in texts]
        self._everything = wildcards and "*" in texts
        self._literals = frozenset(pattern.literal for pattern in compiled if pattern.literal is not None)
        self._others = tuple(pattern for pattern in compiled if pattern.literal is None)

    def match(self, text: str, context: Context, *, unresolved: bool = False) -> bool:
        if self._everything or text in self._literals:
            return True
        return any(pattern.matches(text, context, unresolved=unresolved) for pattern in self._others)
