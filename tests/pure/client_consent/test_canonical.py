from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from client_consent.tools.canonical import canonical, moment, parse
from client_consent.tools.errors import NotCanonical
from hypothesis import given
from hypothesis import strategies as st

#: JSON takes whole numbers up to here without loss.
EXACT = 2**53 - 1
values = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(values)
def test_what_was_written_is_read_again(value):
    assert parse(canonical(value)) == value


@given(st.dictionaries(st.text("abc"), st.integers(-5, 5)))
def test_order_of_keys_does_not_matter(value):
    assert canonical(value) == canonical(dict(reversed(value.items())))


def test_keys_are_sorted_by_utf16_units():
    # RFC 8785, 3.2.3: the emoji begins with a surrogate and so stands before U+FB33
    assert canonical({"\ufb33": 1, "😀": 2, "\r": 3, "1": 4}) == '{"\\r":3,"1":4,"😀":2,"\ufb33":1}'.encode()


def test_texts_are_escaped_as_little_as_possible():
    assert canonical("€$\x0f\nA'B\"\\/") == '"€$\\u000f\\nA\'B\\"\\\\/"'.encode()


@pytest.mark.parametrize("value", [1.5, float("nan"), b"x", {1: 2}, datetime(2026, 1, 1), {1, 2}, EXACT + 1, object()])
def test_value_without_one_form_is_refused(value):
    with pytest.raises(NotCanonical):
        canonical(value)


def test_refusal_names_the_place_and_not_the_value():
    with pytest.raises(NotCanonical) as caught:
        canonical({"notice": {"versions": [1, 2.5]}})
    assert caught.value.where == "$.notice.versions[1]"
    assert "2.5" not in str(caught.value)


@pytest.mark.parametrize("payload", [b'{"b":1,"a":2}', b'{ "a":1}', b'{"a":1.0}', b"[1", b'{"a":1,"a":1}'])
def test_bytes_that_are_not_canonical_are_refused(payload):
    with pytest.raises(NotCanonical):
        parse(payload)


@pytest.mark.parametrize(
    "given_",
    [
        "2026-02-03 10:00:00",
        "2026-02-03T10:00:00Z",
        "2026-02-03T12:00:00+02:00",
        datetime(2026, 2, 3, 10),
        datetime(2026, 2, 3, 11, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_moments_meet_in_utc(given_):
    assert moment(given_) == datetime(2026, 2, 3, 10, tzinfo=UTC)


def test_a_day_is_its_first_second():
    assert moment(date(2026, 2, 3)) == datetime(2026, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize("given_", ["yesterday", "", 17, None])
def test_what_is_no_moment_is_refused(given_):
    with pytest.raises(NotCanonical):
        moment(given_)
