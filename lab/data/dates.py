"""Dates as people write them, to be written as ISO 8601 does: a task for sequence to sequence."""

import datetime
from typing import NamedTuple

import numpy as np

from lab import validation

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
FORMS = (
    "{day} {month} {year}",
    "{month} {day}, {year}",
    "{day} {short} {year}",
    "{short} {day}, {year}",
    "the {day}{ending} of {month} {year}",
    "{weekday}, {month} {day}, {year}",
    "{day}.{number}.{year}",
    "{number}/{day}/{year}",
)
HELD_OUT = 11  # each 11th day is kept for tests


class Dates(NamedTuple):
    """Dates in both ways of writing."""

    written: list[str]  # such as "the 3rd of march 1998"
    iso: list[str]  # such as "1998-03-03"


def dates(count: int, *, years: tuple[int, int] = (1900, 2099), held_out: bool = False, seed: int = 0) -> Dates:
    """Dates in eight forms of English, drawn uniformly, in lower case.

    With dots the day is first, with slashes the month: 5.3.1998 and 3/5/1998 are the 5th of March.

    Args:
        count: number of dates.
        years: the first and the last year, in 1..9999.
        held_out: whether the days are those of a test, each 11th, or all others.
        seed: of all that is drawn.
    """
    validation.integer_range("years", years, 1, 9999)
    first, last = years
    if not isinstance(held_out, bool):
        raise ValueError(f"held_out: expected True or False, received {held_out!r}.")
    rng = np.random.default_rng(seed)
    start, end = datetime.date(first, 1, 1).toordinal(), datetime.date(last, 12, 31).toordinal()
    days = np.arange(start, end + 1)
    days = rng.choice(days[(days % HELD_OUT == 0) == held_out], validation.integer("count", count))
    forms = rng.integers(0, len(FORMS), count)
    found = [datetime.date.fromordinal(int(day)) for day in days]
    return Dates([_written(day, FORMS[form]) for day, form in zip(found, forms)], [day.isoformat() for day in found])


def _written(day, form):
    endings = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    month = MONTHS[day.month - 1]
    parts = {"day": day.day, "month": month, "short": month[:3], "number": day.month, "year": day.year}
    return form.format(**parts, ending=endings.get(day.day, "th"), weekday=WEEKDAYS[day.weekday()])
