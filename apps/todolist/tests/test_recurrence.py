"""Recurrence against an oracle that knows no rule engine: it looks at each day in turn."""

from __future__ import annotations

import calendar
import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from todolist.rules import due, recurrence

WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def oracle(frequency: str, interval: int, by_day: list[str], by_month_day: list[int], start: date) -> date:
    """The next day after `start` that RFC 5545 (3.3.10) names, weeks beginning on Monday."""
    day = start
    while True:
        day += timedelta(days=1)
        if _in_period(frequency, interval, start, day) and _matches(frequency, by_day, by_month_day, start, day):
            return day


def _in_period(frequency: str, interval: int, start: date, day: date) -> bool:
    if frequency == "DAILY":
        return (day - start).days % interval == 0
    if frequency == "WEEKLY":
        monday, first_monday = day - timedelta(day.weekday()), start - timedelta(start.weekday())
        return (monday - first_monday).days // 7 % interval == 0
    months = (day.year - start.year) * 12 + day.month - start.month
    if frequency == "MONTHLY":
        return months % interval == 0
    return day.month == start.month and months // 12 % interval == 0


def _matches(frequency: str, by_day: list[str], by_month_day: list[int], start: date, day: date) -> bool:
    if by_day and WEEKDAYS[day.weekday()] not in by_day:
        return False
    if by_month_day:
        last = calendar.monthrange(day.year, day.month)[1]
        return day.day in by_month_day or day.day - last - 1 in by_month_day
    if by_day or frequency == "DAILY":
        return True
    return day.weekday() == start.weekday() if frequency == "WEEKLY" else day.day == start.day


@given(
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    interval=st.integers(1, 5),
    by_day=st.lists(st.sampled_from(WEEKDAYS), unique=True, max_size=3),
    by_month_day=st.lists(st.sampled_from([1, 15, 28, 29, 30, 31, -1, -2, -31]), unique=True, max_size=2),
    start=st.dates(date(2020, 1, 1), date(2040, 12, 31)),
)
def test_the_next_day_is_the_one_that_looking_at_each_day_finds(frequency, interval, by_day, by_month_day, start):
    if frequency == "WEEKLY":
        by_month_day = []
    if frequency == "YEARLY":
        by_day, by_month_day = [], []  # without BYMONTH these would expand over the year: see the examples below
    rule = f"FREQ={frequency};INTERVAL={interval}"
    rule += f";BYDAY={','.join(by_day)}" if by_day else ""
    rule += f";BYMONTHDAY={','.join(map(str, by_month_day))}" if by_month_day else ""
    found = recurrence.next_due(rule, due.parse(start.isoformat()))
    assert found is not None
    assert found.day == oracle(frequency, interval, by_day, by_month_day, start)


@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
    ),
    wall=st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31)),
)
@settings(max_examples=25)
def test_wall_time_stays_over_every_change_of_the_zone(zone, wall):
    """GIVEN a daily to-do WHEN it is completed day after day for a year THEN its wall time never moves."""
    wall = wall.replace(microsecond=0)
    present = due.parse(f"{wall.isoformat()}[{zone}]")
    for days in range(1, 366):
        following = recurrence.next_due("FREQ=DAILY", due.parse(str(present)))
        assert following is not None
        assert following.wall.replace(tzinfo=None) == wall + timedelta(days=days)
        assert following.instant() == (wall + timedelta(days=days)).replace(tzinfo=ZoneInfo(zone)).astimezone(
            ZoneInfo("UTC")
        )
        present = following


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        # months that lack the day are left out; the last day is BYMONTHDAY=-1 (RFC 5545, 3.3.10)
        ("FREQ=MONTHLY", "2026-01-31", "2026-03-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", "2026-02-28"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-31", "2028-02-29"),
        ("FREQ=YEARLY", "2024-02-29", "2028-02-29"),
        ("FREQ=YEARLY", "2096-02-29", "2104-02-29"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27", "2026-12-25"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-11-30", "2026-12-31"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU", "2004-02-29", "2032-02-29"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "2026-12-28", "2032-12-27"),
        # nine o'clock stays nine o'clock
        ("FREQ=DAILY", "2026-03-28T09:00:00+01:00[Europe/Berlin]", "2026-03-29T09:00:00+02:00[Europe/Berlin]"),
        ("FREQ=DAILY", "2026-10-24T09:00:00+02:00[Europe/Berlin]", "2026-10-25T09:00:00+01:00[Europe/Berlin]"),
        # in the gap: its name stays, its offset is the one before (RFC 5545, 3.3.5), and the day after is unmoved
        ("FREQ=DAILY", "2026-03-28T02:30:00+01:00[Europe/Berlin]", "2026-03-29T02:30:00+01:00[Europe/Berlin]"),
        ("FREQ=DAILY", "2026-03-29T02:30:00+01:00[Europe/Berlin]", "2026-03-30T02:30:00+02:00[Europe/Berlin]"),
        # twice in one night: the first
        ("FREQ=DAILY", "2026-10-24T02:30:00+02:00[Europe/Berlin]", "2026-10-25T02:30:00+02:00[Europe/Berlin]"),
        ("FREQ=DAILY", "2026-10-25T02:30:00+01:00[Europe/Berlin]", "2026-10-26T02:30:00+01:00[Europe/Berlin]"),
        # ends
        ("FREQ=DAILY;COUNT=1", "2026-11-23", None),
        ("FREQ=DAILY;UNTIL=20261123", "2026-11-23", None),
        ("FREQ=DAILY;UNTIL=20261124", "2026-11-23", "2026-11-24"),
        (
            "FREQ=DAILY;UNTIL=20261124T080000Z",
            "2026-11-23T09:00[Europe/Berlin]",
            "2026-11-24T09:00:00+01:00[Europe/Berlin]",
        ),
        ("FREQ=DAILY;UNTIL=20261124T075959Z", "2026-11-23T09:00[Europe/Berlin]", None),
        ("FREQ=YEARLY;INTERVAL=1000", "2026-11-23", None),
    ],
)
def test_examples(rule, start, expected):
    found = recurrence.next_due(rule, due.parse(start))
    assert (str(found) if found else None) == expected


def test_a_rule_that_never_comes_true_costs_little():
    for rule in (
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4",
    ):
        began = time.process_time()
        assert recurrence.next_due(rule, due.parse("2026-11-23")) is None
        assert time.process_time() - began < 1


def test_count_counts_down():
    assert recurrence.after_one("FREQ=DAILY;COUNT=10") == "FREQ=DAILY;COUNT=9"
    assert recurrence.after_one("FREQ=DAILY") == "FREQ=DAILY"


_PART = st.tuples(
    st.sampled_from([*sorted(recurrence.PARTS), "X", "BYHOUR", ""]),
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "0", "-1", "99999", "1MO", "20261301"]),
    ),
)


@given(
    st.one_of(
        st.text(max_size=300), st.lists(_PART, max_size=6).map(lambda parts: ";".join(f"{n}={v}" for n, v in parts))
    )
)
def test_any_text_is_either_a_rule_that_works_or_a_value_error_that_says_why(text):
    try:
        recurrence.parse(text)
    except ValueError as error:
        assert str(error)
    else:
        recurrence.next_due(text, due.parse("2026-11-23T09:00[Europe/Berlin]"))
