"""Until when a document must be kept: rules as data, one date out.

A rule says how long and from when. The start codes and what they mean:

======================= =============================================================================
fy_end                  last day of the accounting period the document belongs to
cal_year_end            31 December of the document's calendar year
cal_year_end_of_fy      31 December of the calendar year in which the accounting period ends
tax_period_end          end of the tax period of the supply
tax_due_year_end        31 December of the year in which the tax of that document fell due
july1_after_fy          1 July of the year after the accounting period ended
last_entry              date of the last entry concerning the document
filing                  day on which the tax return using the document was filed
======================= =============================================================================
"""

import calendar
import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from .deadlines import add_months
from .errors import UnknownStart

_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Rule:
    """How long a class of documents must be kept.

    :ivar start: one of the start codes
    :ivar from_date: document date from which the rule holds; ``until_date`` the last one
    :ivar reaches_older: the rule also governs older documents whose term had not ended on ``from_date``
    """

    code: str
    law: str
    start: str
    years: int = 0
    days: int = 0
    from_date: datetime.date | None = None
    until_date: datetime.date | None = None
    reaches_older: bool = False


@dataclass(frozen=True)
class Document:
    """What a rule needs to know about a document.

    :ivar date: the date that places it in a period
    :ivar fy_end: last day of the company's accounting period that holds ``date``
    :ivar tax_period: month, quarter or year
    :ivar last_entry: date of the last entry concerning it, or nothing: then ``date``
    :ivar filed: day of filing, or nothing when unknown
    """

    date: datetime.date
    fy_end: datetime.date
    tax_period: str = "year"
    last_entry: datetime.date | None = None
    filed: datetime.date | None = None


@dataclass(frozen=True)
class Term:
    """The last day of keeping, and the rule that says so."""

    until: datetime.date
    rule: Rule


def fiscal_year_end(day: datetime.date, last_month: int = 12, last_day: int = 31) -> datetime.date:
    """Last day of the accounting year that holds the day; 29 February closes on the 28th in a common year."""

    def closing(year):
        return datetime.date(year, last_month, min(last_day, calendar.monthrange(year, last_month)[1]))

    return closing(day.year) if day <= closing(day.year) else closing(day.year + 1)


def tax_period_end(day: datetime.date, tax_period: str) -> datetime.date:
    """Last day of the month, quarter or calendar year that holds the day."""
    months = _MONTHS_OF[tax_period]
    last = (day.month - 1) // months * months + months
    return datetime.date(day.year, last, calendar.monthrange(day.year, last)[1])


def start_of(document: Document, start: str) -> datetime.date:
    """The day from which a term runs.

    An unknown filing day counts as the end of the year after the document's: late, so that nothing
    goes too early.

    :raises UnknownStart: when the code is none of the listed ones
    """
    match start:
        case "fy_end":
            return document.fy_end
        case "cal_year_end":
            return document.date.replace(month=12, day=31)
        case "cal_year_end_of_fy":
            return document.fy_end.replace(month=12, day=31)
        case "tax_period_end":
            return tax_period_end(document.date, document.tax_period)
        case "tax_due_year_end":
            due = tax_period_end(document.date, document.tax_period) + datetime.timedelta(days=31)
            return due.replace(month=12, day=31)
        case "july1_after_fy":
            return datetime.date(document.fy_end.year + 1, 7, 1)
        case "last_entry":
            return document.last_entry or document.date
        case "filing":
            return document.filed or datetime.date(document.date.year + 1, 12, 31)
    raise UnknownStart(start)


def term(document: Document, rule: Rule) -> datetime.date:
    """The last day on which this rule keeps the document."""
    return add_months(start_of(document, rule.start), 12 * rule.years) + datetime.timedelta(days=rule.days)


def governs(document: Document, rule: Rule) -> bool:
    """Whether the rule applies to a document of that date."""
    if rule.until_date and document.date > rule.until_date:
        return False
    if not rule.from_date or document.date >= rule.from_date:
        return True
    return rule.reaches_older and term(document, rule) >= rule.from_date


def keep_until(document: Document, rules: Iterable[Rule]) -> Term | None:
    """The latest end of all rules that govern the document, or nothing when none does."""
    terms = [Term(term(document, rule), rule) for rule in rules if governs(document, rule)]
    return max(terms, key=lambda t: t.until, default=None)
