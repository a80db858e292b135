"""Due dates: a date (`2026-11-23`), or a date-time with its zone as RFC 9557 writes it
(`2026-11-23T09:00:00+01:00[Europe/Berlin]`). The wall time is what was meant: it stays, whatever the zone does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?(\[[A-Za-z][A-Za-z0-9_+/-]{0,63}\])?)?$"
)
_FORM = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(T(?P<time>[0-9]{2}:[0-9]{2}(:[0-9]{2})?)(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?(\[(?P<zone>[^\]]{1,64})\])?)?"
)
FIRST_YEAR, LAST_YEAR = 1900, 2999
HOW = "write a date (2026-11-23) or a date-time with its zone (2026-11-23T09:00:00+01:00[Europe/Berlin])"


@dataclass(frozen=True)
class Due:
    """A day, and for a date-time also its wall time and zone."""

    wall: datetime
    zone: tzinfo | None
    zone_name: str | None

    @property
    def day(self) -> date:
        return self.wall.date()

    def instant(self) -> datetime:
        """The moment in UTC; of a date, its first second there."""
        return self.wall.replace(tzinfo=self.zone or UTC).astimezone(UTC)

    def moved_to(self, wall: datetime) -> Due:
        """The same kind of due at another wall time; of two equal wall times the first (RFC 5545, 3.3.5)."""
        return Due(wall.replace(fold=0), self.zone, self.zone_name)

    def __str__(self) -> str:
        if self.zone is None:
            return self.day.isoformat()
        offset = self.wall.replace(tzinfo=self.zone).isoformat(timespec="seconds")
        return f"{offset}[{self.zone_name}]" if self.zone_name else offset.replace("+00:00", "Z")


def parse(text: str) -> Due:
    """The due that `text` names. Raises ValueError with a sentence that says what to write instead."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(HOW)
    if form["time"] is None:
        return Due(_wall(f"{form['day']}T00:00"), None, None)
    wall = _wall(f"{form['day']}T{form['time']}")
    if form["zone"] is not None:
        return _in_zone(wall, form["zone"], form["offset"])
    if form["offset"] is None:
        raise ValueError("the date-time has no zone; " + HOW)
    return Due(wall, timezone(_offset(form["offset"])), None)


def _wall(text: str) -> datetime:
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not in the calendar; {HOW}") from None
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        raise ValueError(f"the year must be from {FIRST_YEAR} to {LAST_YEAR}")
    return wall


def _in_zone(wall: datetime, name: str, offset: str | None) -> Due:
    zone = _zone(name)
    if offset is None:
        return Due(wall, zone, name)
    wanted = _offset(offset)
    for fold in (0, 1):
        candidate = wall.replace(fold=fold)
        if candidate.replace(tzinfo=zone).utcoffset() == wanted:
            return Due(candidate, zone, name)
    raise ValueError(f"{name} is not {offset} from UTC at {wall.isoformat()}; correct the offset, or leave it out")


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(f"{text} is not an offset from UTC; {HOW}")
    return timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"{name} is not a time zone of the IANA database, like Europe/Berlin") from None


def is_before(due: str, bound: Due) -> bool:
    """Whether a stored due lies before `bound`. Days compare as days; to a moment, a day compares by its start."""
    own = parse(due)
    if bound.zone is None:
        return own.day < bound.day
    return own.instant() < bound.instant()


def sort_key(due: str | None) -> str:
    """A text that sorts as the dues do; what has no due comes last."""
    return parse(due).instant().strftime("%Y-%m-%dT%H:%M:%S") if due else "~"
