from datetime import date, timedelta

import pytest
from client_gdpr.tools.deadlines import Period, add_months, add_working_days, due, is_working_day, next_working_day
from client_gdpr.tools.errors import UnknownCounting
from hypothesis import given
from hypothesis import strategies as st

MONTH = Period(1, "month")
days = st.dates(date(2000, 1, 1), date(2099, 1, 1))


@pytest.mark.parametrize(
    ("received", "last"),
    [
        (date(2026, 3, 5), date(2026, 4, 5) + timedelta(days=1)),  # 5 April 2026 is a Sunday
        (date(2026, 8, 25), date(2026, 9, 25)),
        (date(2027, 1, 31), date(2027, 3, 1)),  # 28 February 2027 is a Sunday
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2026, 5, 31), date(2026, 6, 30)),
        (date(2026, 12, 15), date(2027, 1, 15)),
    ],
)
def test_one_month_of_receipt(received, last):
    # Art. 12(3) with Regulation 1182/71 Art. 3(2)(c) and (4)
    assert due(received, MONTH, "reg_1182_71").day == last


def test_deadline_that_ends_at_christmas_moves_behind_it_and_the_weekend():
    christmas = {date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26)}
    answer = due(date(2026, 11, 24), MONTH, "reg_1182_71", christmas)
    assert (answer.nominal, answer.day, answer.moved) == (date(2026, 12, 24), date(2026, 12, 28), True)


def test_extension_counts_from_receipt():
    assert due(date(2026, 1, 31), Period(3, "month"), "reg_1182_71").day == date(2026, 4, 30)


def test_other_laws_do_not_look_at_weekends():
    sunday = date(2026, 4, 5)
    assert due(date(2026, 3, 5), MONTH, "corresponding_date").day == sunday
    assert due(date(2026, 3, 6), Period(30, "calendar_day"), "calendar_days").day == sunday


def test_working_days_skip_weekends_and_holidays():
    friday, monday_off = date(2026, 4, 3), {date(2026, 4, 6)}
    assert due(friday, Period(1, "working_day"), "working_days").day == date(2026, 4, 6)
    assert due(friday, Period(1, "working_day"), "working_days", monday_off).day == date(2026, 4, 7)
    assert add_working_days(friday, 10, monday_off) == date(2026, 4, 20)


def test_unknown_way_of_counting_is_refused():
    with pytest.raises(UnknownCounting):
        due(date(2026, 1, 1), MONTH, "roughly")


@given(days, st.integers(0, 40))
def test_months_never_skip_one(start, months):
    end = add_months(start, months)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or (end + timedelta(days=1)).day == 1


@given(days, days)
def test_who_asks_later_is_never_due_earlier(one, other):
    first, second = sorted([one, other])
    assert due(first, MONTH, "reg_1182_71").day <= due(second, MONTH, "reg_1182_71").day


@given(days, st.sets(days, max_size=20))
def test_an_answer_is_always_due_on_a_working_day_and_never_early(received, holidays):
    answer = due(received, MONTH, "reg_1182_71", holidays)
    assert is_working_day(answer.day, holidays)
    assert answer.day >= answer.nominal
    assert next_working_day(answer.nominal, holidays) == answer.day
