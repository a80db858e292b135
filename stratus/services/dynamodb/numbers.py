"""DynamoDB numbers: up to 38 significant digits, magnitudes from 1E-130 to 9.99E+125.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import re
from decimal import Context, Decimal, InvalidOperation

from stratus.services.dynamodb.errors import validation
from stratus.wire.errors import AwsError

_PLAIN_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,37})\Z").match
_NUMERAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?)[0-9]+)?\Z", re.ASCII).match
_EXACT = Context(prec=1000)

MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130


def canonical(text: str) -> str:
    """The number as DynamoDB returns it: plain notation without leading or trailing zeros. Raises ValidationException."""
    if _PLAIN_INTEGER(text):
        return text
    if not text:
        raise validation("The parameter cannot be converted to a numeric value")
    numeral = _NUMERAL(text)
    if numeral is None:
        raise validation(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        mantissa = re.split("[eE]", text)[0]
        if not mantissa.strip("+-0."):
            return "0"
        raise _underflow() if numeral[1] == "-" else _overflow() from None
    return format_number(number)


def format_number(number: Decimal) -> str:
    """`number` in canonical form, if DynamoDB can hold it. Raises ValidationException."""
    if not number:
        return "0"
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    exponent += len(text) - len(stripped)
    magnitude = exponent + len(stripped) - 1
    if magnitude > MAX_EXPONENT:
        raise _overflow()
    if magnitude < MIN_EXPONENT:
        raise _underflow()
    if len(stripped) > MAX_DIGITS:
        raise validation("Attempting to store more than 38 significant digits in a Number")
    if exponent >= 0:
        plain = stripped + "0" * exponent
    elif -exponent < len(stripped):
        plain = f"{stripped[:exponent]}.{stripped[exponent:]}"
    else:
        plain = "0." + "0" * (-exponent - len(stripped)) + stripped
    return f"-{plain}" if sign else plain


def add(left: str, right: str) -> str:
    """The exact sum of canonical numbers; raises ValidationException where it cannot be held."""
    if _small_integers(left, right):
        return str(int(left) + int(right))
    return format_number(_EXACT.add(Decimal(left), Decimal(right)))


def subtract(left: str, right: str) -> str:
    if _small_integers(left, right):
        return str(int(left) - int(right))
    return format_number(_EXACT.subtract(Decimal(left), Decimal(right)))


def _small_integers(left: str, right: str) -> bool:
    """Whether both are integers so short that their sum and difference have no more than 38 digits."""
    return "." not in left and "." not in right and len(left) < MAX_DIGITS and len(right) < MAX_DIGITS


def significand(text: str) -> tuple[bool, str, int]:
    """Sign (True where negative), significant digits and decimal exponent of the first digit, of a canonical number."""
    negative = text[0] == "-"
    if negative:
        text = text[1:]
    whole, _, fraction = text.partition(".")
    if whole != "0":
        digits, magnitude = whole + fraction, len(whole) - 1
    else:
        digits = fraction.lstrip("0")
        magnitude = len(digits) - len(fraction) - 1
    return negative, digits.rstrip("0"), magnitude


def size(text: str) -> int:
    """Bytes that a canonical number occupies: one for two digits (aligned to even powers of ten), one or two more."""
    if text == "0":
        return 1
    negative, digits, magnitude = significand(text)
    aligned = len(digits) % 2 or magnitude % 2
    return 1 + (len(digits) + 1) // 2 + (0 if aligned else 1) + negative


def _overflow() -> AwsError:
    return validation("Number overflow. Attempting to store a number with magnitude larger than supported range")


def _underflow() -> AwsError:
    return validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")
