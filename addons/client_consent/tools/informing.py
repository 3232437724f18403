"""By when a person must be told that we hold data that did not come from them.

GDPR Art. 14(3): within a reasonable period, at the latest one month after obtaining the data (a); at
the first communication with the person (b); when the data are first disclosed to somebody else (c).
The earliest of them counts. A month ends as Regulation 1182/71 Art. 3(2)(c) says, with the day of the
same number or the month's last day; it is *not* moved past a weekend or holiday, which is the earlier
and so the safe day.
"""

import calendar
from datetime import date

#: What must be known about where such data came from before they may be kept.
NEEDED = {
    "bought": ("seller", "contract", "proof"),
    "public": ("url",),
    "enrichment": ("seller",),
}


def month_after(day: date) -> date:
    """The day with the same number in the next month, or that month's last day.

    >>> month_after(date(2026, 1, 31)), month_after(date(2026, 12, 5))
    (datetime.date(2026, 2, 28), datetime.date(2027, 1, 5))
    """
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def inform_by(obtained: date, first_contact: date | None = None, first_disclosure: date | None = None) -> date:
    """The last day on which the information is in time."""
    moments = (month_after(obtained), first_contact, first_disclosure)
    return min(day for day in moments if day is not None)


def missing(source: str, values) -> tuple[str, ...]:
    """Names of what a source of this kind needs and ``values`` (a mapping or record) does not give."""
    return tuple(name for name in NEEDED.get(source, ()) if not values[name])
