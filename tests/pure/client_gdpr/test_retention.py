from datetime import date, timedelta

import pytest
from client_gdpr.tools.errors import UnknownStart
from client_gdpr.tools.retention import (
    Document,
    Rule,
    fiscal_year_end,
    governs,
    keep_until,
    start_of,
    tax_period_end,
    term,
)
from hypothesis import given
from hypothesis import strategies as st

INVOICE = Document(date(2026, 5, 20), date(2026, 12, 31), "month")
SPRING = Document(date(2026, 5, 20), date(2027, 3, 31), "quarter", filed=date(2027, 6, 15))


def rule(start="fy_end", years=10, **more):
    return Rule("r", "Act", start, years, **more)


@pytest.mark.parametrize(
    ("start", "calendar_year", "year_to_march"),
    [
        ("fy_end", date(2026, 12, 31), date(2027, 3, 31)),
        ("cal_year_end", date(2026, 12, 31), date(2026, 12, 31)),
        ("cal_year_end_of_fy", date(2026, 12, 31), date(2027, 12, 31)),
        ("tax_period_end", date(2026, 5, 31), date(2026, 6, 30)),
        ("tax_due_year_end", date(2026, 12, 31), date(2026, 12, 31)),
        ("july1_after_fy", date(2027, 7, 1), date(2028, 7, 1)),
        ("last_entry", date(2026, 5, 20), date(2026, 5, 20)),
        ("filing", date(2027, 12, 31), date(2027, 6, 15)),
    ],
)
def test_every_start_for_a_calendar_year_and_for_a_year_to_march(start, calendar_year, year_to_march):
    assert start_of(INVOICE, start) == calendar_year
    assert start_of(SPRING, start) == year_to_march


def test_tax_of_december_falls_due_in_the_next_year():
    december = Document(date(2026, 12, 5), date(2026, 12, 31), "month")
    assert start_of(december, "tax_due_year_end") == date(2027, 12, 31)


def test_last_entry_moves_the_end():
    paid_late = Document(date(2026, 5, 20), date(2026, 12, 31), last_entry=date(2029, 2, 1))
    assert term(paid_late, rule("last_entry", 5)) == date(2034, 2, 1)


def test_unknown_start_is_refused_not_guessed():
    with pytest.raises(UnknownStart):
        start_of(INVOICE, "when_convenient")


def test_the_longest_law_wins_and_is_named():
    accounting, tax = rule(years=5), Rule("vat", "VAT Act", "fy_end", 10)
    found = keep_until(INVOICE, [accounting, tax])
    assert (found.until, found.rule.law) == (date(2036, 12, 31), "VAT Act")


def test_no_law_is_no_date():
    assert keep_until(INVOICE, []) is None


def test_law_of_another_time_does_not_govern():
    assert not governs(INVOICE, rule(until_date=date(2026, 5, 19)))
    assert governs(INVOICE, rule(until_date=date(2026, 5, 20)))
    assert not governs(INVOICE, rule(from_date=date(2026, 5, 21)))
    assert governs(INVOICE, rule(from_date=date(2026, 5, 20)))


def test_new_law_reaches_an_older_document_only_while_its_term_runs():
    old = Document(date(2016, 5, 20), date(2016, 12, 31))
    reaching = rule(years=10, from_date=date(2026, 12, 31), reaches_older=True)
    assert governs(old, reaching)
    assert not governs(old, rule(years=9, from_date=date(2026, 12, 31), reaches_older=True))


@given(st.dates(date(2000, 1, 1), date(2080, 1, 1)), st.integers(1, 12), st.integers(1, 31))
def test_every_day_lies_in_the_year_that_its_end_closes(day, month, last):
    end = fiscal_year_end(day, month, last)
    assert day <= end <= day + timedelta(days=366)
    assert fiscal_year_end(end, month, last) == end
    assert fiscal_year_end(end + timedelta(days=1), month, last) > end


def test_year_that_closes_in_february():
    assert fiscal_year_end(date(2027, 2, 28), 2, 29) == date(2027, 2, 28)
    assert fiscal_year_end(date(2028, 2, 29), 2, 29) == date(2028, 2, 29)


@given(st.dates(), st.sampled_from(["month", "quarter", "year"]))
def test_tax_period_holds_its_day_and_ends_with_a_month(day, period):
    end = tax_period_end(day, period)
    assert day <= end
    assert end.year == day.year
    assert end == date.max or (end + timedelta(days=1)).day == 1
