"""Positions in a list: fractional indexes, so that moving one to-do writes one to-do.

The format is that of the `fractional-indexing` library, which clients use to make a position between two others: an
integer part, whose first letter tells its length (`a` two characters, `b` three ...; `Z`, `Y` ... below zero), and a
fraction in base 62 without a trailing zero. Positions compare as plain strings.
"""

from __future__ import annotations

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PATTERN = "^[A-Za-z][0-9A-Za-z]{1,99}$"
_LOWEST = "A" + "0" * 26
_MOMENT_HEAD = "h"  # an integer part of eight digits, which holds milliseconds until the year 8888


def is_position(text: str) -> bool:
    """Whether `text` is a position that any `fractional-indexing` client can work with."""
    if not text.isascii() or not text.isalnum() or len(text) > 100 or text[0].isdigit():
        return False
    head = text[0]
    integer_length = ord(head) - ord("a") + 2 if head >= "a" else ord("Z") - ord(head) + 2
    return len(text) >= integer_length and text != _LOWEST and not text[integer_length:].endswith("0")


def at_end(milliseconds: int, place: int = 0) -> str:
    """The position after all earlier ones: the moment itself, so that nothing has to be read to find the end.

    `place` orders what is made in one moment, 0 first.
    """
    digits = _base62(milliseconds).rjust(8, "0")
    return _MOMENT_HEAD + digits + (f"{DIGITS[place // 61]}{DIGITS[place % 61 + 1]}" if place else "")


def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text
