"""Scalar values as text: in headers, query strings, XML and forms. Timestamps in the three formats that AWS uses.

Smithy's rules: https://smithy.io/2.0/spec/protocol-traits.html#timestampformat-trait
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from botocore.model import Shape

Moment = datetime | float | int
TextReader = Callable[[str], Any]
TextWriter = Callable[[Any], str]

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_RANGES = {"integer": 2**31, "long": 2**63}
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def read_blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not valid Base64") from None


def write_blob(value: bytes | str) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")


def moment_of(value: Moment) -> datetime:
    """An aware datetime of a datetime or of seconds since the epoch."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC)


def epoch_of(value: Moment) -> float | int:
    """Seconds since the epoch, to the millisecond, an integer where it is whole."""
    seconds = round(value.timestamp() if isinstance(value, datetime) else float(value), 3)
    return int(seconds) if seconds.is_integer() else seconds


def read_epoch(value: float) -> datetime:
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError("is not a timestamp") from None


def read_timestamp(text: str) -> datetime:
    """A timestamp in any of the three formats, as AWS's services take them."""
    try:
        if text[:1].isdigit() and "-" not in text and ":" not in text:
            return read_epoch(float(text))
        read = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise ValueError("is not a timestamp") from None


def write_timestamp(value: Moment, style: str) -> str:
    """`style` is `iso8601`, `iso8601-milliseconds`, `rfc822` or `unixtimestamp`."""
    if style == "unixtimestamp":
        return str(epoch_of(value))
    moment = moment_of(value).astimezone(UTC)
    if style == "rfc822":
        return format_datetime(moment, usegmt=True)
    if style == "iso8601-milliseconds":
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def text_reader(shape: Shape) -> TextReader:
    """Reads a scalar from text; raises ValueError that says what is wrong (`is not an integer`)."""
    return _READERS.get(shape.type_name, str)


def text_writer(shape: Shape, timestamp_style: str) -> TextWriter:
    if shape.type_name == "timestamp":
        style = _STYLES.get(shape.serialization.get("timestampFormat", ""), timestamp_style)
        return lambda value: write_timestamp(value, style)
    return _WRITERS.get(shape.type_name, str)


def _integer_reader(kind: str) -> TextReader:
    bound = _RANGES[kind]

    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not -bound <= (number := int(text)) < bound:
            raise ValueError(f"is not {'an integer' if kind == 'integer' else 'a long'}")
        return number

    return read


def _read_float(text: str) -> float:
    if text in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[text]
    try:
        number = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not math.isfinite(number):
        raise ValueError("is not a number")
    return number


def _read_boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("is not a boolean")
    return text.lower() == "true"


def _write_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(value)


_READERS: dict[str, TextReader] = {
    "integer": _integer_reader("integer"),
    "long": _integer_reader("long"),
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "timestamp": read_timestamp,
    "blob": read_blob,
}
_WRITERS: dict[str, TextWriter] = {
    "boolean": lambda value: "true" if value else "false",
    "float": _write_float,
    "double": _write_float,
    "blob": write_blob,
}
_STYLES = {"iso8601": "iso8601", "rfc822": "rfc822", "unixTimestamp": "unixtimestamp", "unixtimestamp": "unixtimestamp"}
