"""Recurrence: the RRULE of RFC 5545, and the occurrence after one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from dateutil.rrule import rrulestr

from .due import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from .due import Due

PARTS = {
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTHDAY",
    "BYMONTH",
    "BYSETPOS",
    "BYWEEKNO",
    "BYYEARDAY",
}
PATTERN = "^(RRULE:)?FREQ=[A-Z0-9=;,+-]{5,240}$|^[A-Z0-9=;,:+-]{10,250}$"
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_BY_FREQUENCY = {"BYWEEKNO": {"YEARLY"}, "BYYEARDAY": {"YEARLY"}, "BYMONTHDAY": {"DAILY", "MONTHLY", "YEARLY"}}
_RANGES = {
    "BYMONTHDAY": (-31, 31),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYYEARDAY": (-366, 366),
}
_WEEKDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")

# The next occurrence is looked for this many years ahead. The rarest day that a rule can name, 29 February on one
# weekday, comes again within 40 years.
_YEARS_AHEAD = 49

# dateutil looks for a day that never comes until its calendar ends in 9999. The Gregorian calendar repeats every 400
# years, weekdays included, so it is asked about a late copy of the years, whose end is near.
_CYCLE = 400
_LATE_YEAR = 9949

_MOST_INTERVAL = 1000


def parse(text: str) -> dict[str, str]:
    """The parts of a rule. Raises ValueError with a sentence that says what to change."""
    body = text.removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in body.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise ValueError(f"{part[:40]!r} is not one NAME=VALUE; write a rule like FREQ=WEEKLY;BYDAY=MO")
        if name not in PARTS:
            raise ValueError(f"{name[:20]} is not known here; use {', '.join(sorted(PARTS))}")
        parts[name] = value
    frequency = parts.get("FREQ")
    if frequency not in _FREQUENCIES:
        raise ValueError(f"FREQ must be one of {', '.join(_FREQUENCIES)}")
    _check_numbers(parts)
    for name, frequencies in _BY_FREQUENCY.items():
        if name in parts and frequency not in frequencies:
            raise ValueError(f"{name} goes with FREQ={' or '.join(sorted(frequencies))} only")
    _check_weekdays(parts)
    if "UNTIL" in parts and "COUNT" in parts:
        raise ValueError("UNTIL and COUNT exclude each other; leave one out")
    if "UNTIL" in parts:
        _until_moment(parts["UNTIL"])
    if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts if name != "BYSETPOS"):
        raise ValueError("BYSETPOS chooses among what another BY... part names; add one")
    return parts


def _check_numbers(parts: dict[str, str]) -> None:
    for name, most in (("INTERVAL", _MOST_INTERVAL), ("COUNT", 10_000)):
        if name in parts and not (re.fullmatch("[0-9]{1,5}", parts[name]) and 1 <= int(parts[name]) <= most):
            raise ValueError(f"{name} must be a number from 1 to {most}")
    for name, (low, high) in _RANGES.items():
        for value in parts.get(name, "").split(",") if name in parts else []:
            if not re.fullmatch("[+-]?[0-9]{1,3}", value) or not low <= int(value) <= high or int(value) == 0:
                raise ValueError(f"{name} takes numbers from {low} to {high}, but not 0")
    if parts.get("WKST", "MO") not in {"MO", "TU", "WE", "TH", "FR", "SA", "SU"}:
        raise ValueError("WKST must be a weekday like MO")


def _check_weekdays(parts: dict[str, str]) -> None:
    for value in parts.get("BYDAY", "").split(",") if "BYDAY" in parts else []:
        day = _WEEKDAY.fullmatch(value)
        if day is None or (day[1] and not 1 <= abs(int(day[1])) <= 53):
            raise ValueError("BYDAY takes weekdays like MO, or 1MO and -1FR")
        if day[1] and (parts["FREQ"] not in {"MONTHLY", "YEARLY"} or "BYWEEKNO" in parts):
            raise ValueError("BYDAY takes numbers like 1MO with FREQ=MONTHLY or YEARLY only, and not beside BYWEEKNO")


def next_due(rule: str, due: Due) -> Due | None:
    """The first occurrence after `due`, or None when the series ends.

    Wall time is what recurs: nine o'clock stays nine o'clock when the zone's offset changes, and a day that a month
    does not have is left out (RFC 5545, 3.3.10). A wall time in the gap of a change keeps its name, so that the
    occurrences after it are unmoved.
    """
    return _next_due(rule, due)


@lru_cache(maxsize=256)
def _next_due(rule: str, due: Due) -> Due | None:
    parts = parse(rule)
    if int(parts.pop("COUNT", 2)) < 2:
        return None
    start = due.wall.replace(fold=0)
    last = min(_add_years(start, _YEARS_AHEAD), datetime(LAST_YEAR, 12, 31))  # noqa: DTZ001 - wall time
    if "UNTIL" in parts:
        last = min(last, _until(parts.pop("UNTIL"), due))
    shift = (_LATE_YEAR - start.year) // _CYCLE * _CYCLE
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    late_start = _add_years(start, shift)
    wall = rrulestr(f"RRULE:{text}", dtstart=late_start).after(late_start)
    if wall is None or (wall := _add_years(wall, -shift)) > last:
        return None
    return due.moved_to(wall)


def _add_years(moment: datetime, years: int) -> datetime:
    """`years` later; 28 February where that year has no 29th, which a multiple of 400 years always has."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, day=28)


def _until(text: str, due: Due) -> datetime:
    moment = _until_moment(text)
    if text.endswith("Z") and due.zone:
        return moment.replace(tzinfo=UTC).astimezone(due.zone).replace(tzinfo=None)
    return moment


def _until_moment(text: str) -> datetime:
    """The last moment that UNTIL lets in; a date lets its whole day in."""
    try:
        if not _UNTIL.fullmatch(text):
            raise ValueError
        full = f"{text}T235959" if len(text) == 8 else text.removesuffix("Z")
        moment = datetime.strptime(full, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - wall time, compared with wall time
    except ValueError:
        raise ValueError("UNTIL must be like 20261231 or 20261231T225959Z") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"the year of UNTIL must be from {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def after_one(rule: str) -> str:
    """The rule of the occurrence after one: the same, with one less to come."""
    return re.sub(r"COUNT=([0-9]+)", lambda count: f"COUNT={int(count[1]) - 1}", rule)
