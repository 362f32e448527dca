"""Dates as people write them, read back by hand."""

import datetime
import re

import pytest

from lab.data import dates
from lab.data.dates import FORMS, MONTHS, WEEKDAYS
from tests.contracts import raises

PATTERNS = [  # of lab.data.dates.FORMS, in their order
    r"(?P<day>\d+) (?P<month>[a-z]{3,}) (?P<year>\d{4})",
    r"(?P<month>[a-z]{3,}) (?P<day>\d+), (?P<year>\d{4})",
    r"the (?P<day>\d+)(st|nd|rd|th) of (?P<month>[a-z]+) (?P<year>\d{4})",
    r"(?P<weekday>[a-z]+), (?P<month>[a-z]+) (?P<day>\d+), (?P<year>\d{4})",
    r"(?P<day>\d+)\.(?P<number>\d+)\.(?P<year>\d{4})",
    r"(?P<number>\d+)/(?P<day>\d+)/(?P<year>\d{4})",
]


def read(text):
    """(the pattern of a date, the date)."""
    for pattern in PATTERNS:
        if found := re.fullmatch(pattern, text):
            parts = found.groupdict()
            starts = [name[:3] for name in MONTHS]
            month = int(parts["number"]) if "number" in parts else starts.index(parts["month"][:3]) + 1
            day = datetime.date(int(parts["year"]), month, int(parts["day"]))
            assert parts.get("weekday") in (None, WEEKDAYS[day.weekday()])
            assert "month" not in parts or parts["month"] in (MONTHS[month - 1], MONTHS[month - 1][:3])
            return pattern, day
    raise AssertionError(text)


def test_both_ways_of_writing_are_the_same_day():
    found = dates(400, seed=0)
    readings = [read(text) for text in found.written]
    assert [day.isoformat() for _, day in readings] == found.iso
    assert {pattern for pattern, _ in readings} == set(PATTERNS) and len(FORMS) == 8
    assert dates(400, seed=0) == found != dates(400, seed=1)


def test_endings_of_days():
    written = dates(20_000, years=(2000, 2001), seed=0).written
    endings = {tuple(re.findall(r"\d+|st|nd|rd|th", text.split()[1])) for text in written if text.startswith("the")}
    special = {"1": "st", "2": "nd", "3": "rd", "21": "st", "22": "nd", "23": "rd", "31": "st"}
    assert endings == {(str(day), special.get(str(day), "th")) for day in range(1, 32)}


def test_the_days_of_tests_are_others():
    known, new = (set(dates(5_000, years=(2000, 2001), held_out=held, seed=0).iso) for held in (False, True))
    assert not known & new
    assert len(known | new) == 731 and len(new) == pytest.approx(731 / 11, abs=1)


def test_a_first_and_a_last_year():
    assert {text[:4] for text in dates(100, years=(1999, 1999), seed=0).iso} == {"1999"}
    for wrong in ((2001, 2000), (2001, 10_000), (0, 2000)):
        with raises(r"years: expected \(least, greatest\) with 1 <= least <= greatest <= 9999, received"):
            dates(1, years=wrong)
    for wrong in (1999, (1900.0, 2000.0), (1, 2, 3)):
        with raises(r"years: expected \(least, greatest\), two integers, received"):
            dates(1, years=wrong)
    with raises("held_out: expected True or False, received 2"):
        dates(1, held_out=2)
    with raises("count: expected an integer >= 1, received 0"):
        dates(0)
