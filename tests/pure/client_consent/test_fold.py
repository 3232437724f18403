from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from client_consent.tools.errors import UnknownKind
from client_consent.tools.fold import SOURCES, STATE_OF_KIND, Event, fold, voice
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(kind, source="in_person", day=0, sequence=0, until=None):
    return Event(kind, source, START + timedelta(days=day), sequence or day + 1, until)


events = st.builds(
    event, st.sampled_from(sorted(STATE_OF_KIND)), st.sampled_from(SOURCES), st.integers(0, 9), st.integers(1, 99)
)
ledgers = st.lists(events, max_size=8, unique_by=lambda line: line.sequence)


def state(*lines):
    return fold(lines).state


@given(ledgers)
def test_order_of_arrival_does_not_matter(lines):
    assert fold(lines) == fold(reversed(lines)) == fold(sorted(lines, key=lambda line: line.sequence))


@given(ledgers, events)
def test_one_more_event_needs_only_the_winner(lines, new):
    if not lines or new.sequence in {line.sequence for line in lines}:
        return
    winner = max(lines, key=lambda line: line.order)
    assert fold([*lines, new]) == fold([winner, new])


@given(ledgers, st.sampled_from(sorted(set(SOURCES) - {"in_person"})), st.integers(0, 9))
def test_what_others_carry_in_never_raises_a_no(lines, source, day):
    if not lines or fold(lines).state not in ("refused", "withdrawn", "objected"):
        return
    carried = event("informed", source, day, sequence=1000)
    assert fold([*lines, carried]).state != "active"
    if voice("given", source) < 2:
        assert fold([*lines, event("given", source, day, sequence=1000)]).state != "active"


def test_nothing_recorded_is_no_answer():
    assert fold([]) is None


def test_the_last_word_of_the_person_counts():
    assert state(event("given", day=1), event("withdrawn", day=2)) == "withdrawn"
    assert state(event("withdrawn", day=1), event("given", day=2)) == "active"


def test_import_raises_nothing_and_lowers_at_once():
    assert state(event("withdrawn", day=1), event("given", "import", day=5)) == "withdrawn"
    assert state(event("given", day=1), event("withdrawn", "import", day=5)) == "withdrawn"


def test_notice_sent_again_does_not_undo_an_objection():
    assert state(event("objected", day=1), event("informed", day=9)) == "objected"


def test_open_question_changes_no_answer():
    assert state(event("given", day=1), event("requested", day=5)) == "active"


def test_same_moment_is_decided_by_the_line_recorded_later():
    for lines in permutations([event("given", day=1, sequence=7), event("withdrawn", day=1, sequence=8)]):
        assert state(*lines) == "withdrawn"


def test_consent_holds_through_its_last_day():
    basis = fold([event("given", until=date(2026, 6, 30))])
    assert basis.state_on(date(2026, 6, 30)) == "active"
    assert basis.state_on(date(2026, 7, 1)) == "expired"


def test_withdrawal_never_expires():
    basis = fold([event("given", until=date(2026, 2, 1)), event("withdrawn", day=3, until=date(2026, 2, 1))])
    assert basis.until is None
    assert basis.state_on(date(2036, 1, 1)) == "withdrawn"


def test_unknown_kind_is_refused_not_ignored():
    with pytest.raises(UnknownKind):
        fold([event("given"), event("shrugged")])
