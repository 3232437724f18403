"""When the answer to a person is due, and the sentence that explains the date.

GDPR Art. 12(3): one month of receipt, extendable by two further months, counted from receipt too. How
a month ends is Regulation (EEC, Euratom) 1182/71 Art. 3: the day of receipt is not counted (1); a
period in months ends with the day of the last month that has the same date as the day from which it
runs, or with that month's last day when there is none (2)(c); a last day that is a public holiday,
Sunday or Saturday moves to the end of the following working day (4).
"""

import calendar
import datetime
from collections.abc import Container
from dataclasses import dataclass

from .errors import UnknownCounting

DAY = datetime.timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True)
class Period:
    """A length of time as laws write it: ``unit`` is month, calendar_day or working_day."""

    number: int
    unit: str


@dataclass(frozen=True)
class Deadline:
    """A due date and what led to it.

    :ivar nominal: the day on which the period ends before holidays move it
    :ivar day: the last day on which an answer is in time
    """

    start: datetime.date
    nominal: datetime.date
    day: datetime.date
    counting: str
    period: Period

    @property
    def moved(self) -> bool:
        return self.day != self.nominal


def add_months(start: datetime.date, months: int) -> datetime.date:
    """The day with the same number, or the month's last day when it has no such day."""
    index = start.month - 1 + months
    year, month = start.year + index // 12, index % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))


def is_working_day(day: datetime.date, holidays: Container[datetime.date]) -> bool:
    """Neither Saturday nor Sunday nor a public holiday: Regulation 1182/71 Art. 2(2)."""
    return day.weekday() < SATURDAY and day not in holidays


def next_working_day(day: datetime.date, holidays: Container[datetime.date]) -> datetime.date:
    while not is_working_day(day, holidays):
        day += DAY
    return day


def add_working_days(start: datetime.date, number: int, holidays: Container[datetime.date]) -> datetime.date:
    day = start
    for _ in range(number):
        day = next_working_day(day + DAY, holidays)
    return day


def due(
    received: datetime.date, period: Period, counting: str, holidays: Container[datetime.date] = frozenset()
) -> Deadline:
    """The last day for an answer to something received on a day.

    :param counting: ``reg_1182_71``, ``corresponding_date``, ``calendar_days`` or ``working_days``
    :param holidays: public holidays of the place where the controller sits; only ``reg_1182_71`` and
        ``working_days`` look at them
    :raises UnknownCounting: for any other way of counting
    """
    if counting not in ("reg_1182_71", "corresponding_date", "calendar_days", "working_days"):
        raise UnknownCounting(counting)
    if period.unit == "working_day" or counting == "working_days":
        nominal = add_working_days(received, period.number, holidays)
    elif period.unit == "month":
        nominal = add_months(received, period.number)
    else:
        nominal = received + datetime.timedelta(days=period.number)
    day = next_working_day(nominal, holidays) if counting == "reg_1182_71" else nominal
    return Deadline(received, nominal, day, counting, period)
