import html
import json

import pytest
from client_gdpr.tools.identity import Identity
from client_gdpr.tools.mentions import Haystack, plain
from client_gdpr.tools.redact import MARK, mentions, redact, redact_all, unescaped
from hypothesis import given
from hypothesis import strategies as st

JANA = ["jana nováková", "jana@post.example", "+420 602 111 222"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Jana Nováková volala.", f"{MARK} volala."),
        ("Píše JANA  NOVÁKOVÁ, ať", f"Píše {MARK}, ať"),
        ("Jana&nbsp;Nováková a Jana\u00a0Nováková", f"{MARK} a {MARK}"),
        ('<a href="mailto:Jana%20Nováková">', f'<a href="mailto:{MARK}">'),
        ('<a href="mailto:jana@post.example">x</a>', f'<a href="mailto:{MARK}">x</a>'),
        ("(+420 602 111 222)", f"({MARK})"),
        ("jana@post.example.", f"{MARK}."),
    ],
)
def test_identifier_goes_in_every_spelling(text, clean):
    assert redact(text, JANA)[0] == clean


@pytest.mark.parametrize(
    "text",
    [
        "dojana@post.example",
        "jana@post.example.org",
        "jana@post.examples",
        "Dojana Nováková",
        "Jana Novákovánová",
        "1+420 602 111 2223",
        "Jana Nová ková",
        "",
    ],
)
def test_somebody_elses_word_is_no_hit(text):
    assert redact(text, JANA) == (text, 0)
    assert not mentions(text, JANA)


def test_signs_are_letters_not_patterns():
    assert redact("a.b_c% and axb", ["a.b_c%"]) == (f"{MARK} and axb", 1)


def test_escaped_text_is_found_as_it_stands_in_html():
    assert redact("<p>O&#x27;Neil &amp; Sons</p>", ["O'Neil & Sons"])[1] == 1


def test_nothing_to_look_for_changes_nothing():
    assert redact("text", []) == ("text", 0)
    assert redact("text", ["", " "]) == ("text", 0)
    assert redact("", JANA) == ("", 0)


words = st.text("abcdefžš", min_size=2, max_size=8)


@given(st.lists(words, max_size=6), words, words, st.lists(words, max_size=6))
def test_nothing_is_left_and_the_others_words_stay(before, first, last, after):
    name = f"{first} {last}"
    clean, count = redact(" ".join([*before, name, *after]), [name])
    assert count >= 1
    assert not mentions(clean, [name])
    kept = clean.replace(MARK, name).split()
    assert kept == [*before, first, last, *after]


@given(st.text("<>&\"' abc", min_size=1).filter(lambda text: text.strip()))
def test_identifier_is_found_plain_and_escaped(text):
    identifier = f"x{text}x"
    assert mentions(identifier, [identifier])
    assert mentions(html.escape(identifier), [identifier])


def test_letters_that_json_writes_as_numbers_are_read():
    assert unescaped(json.dumps("Jana Nováková 🚲 שרה")) == '"Jana Nováková 🚲 שרה"'
    assert unescaped(json.dumps(json.dumps(["Nováková"]))) == json.dumps('["Nováková"]', ensure_ascii=False)


@pytest.mark.parametrize("text", ["C:\\\\users", r"\u12", r"\ud83d alone", r"\u0022", r"a\u0041"])
def test_what_is_no_letter_stays_as_it_is(text):
    assert unescaped(text) == text


@given(st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), max_size=20))
def test_text_that_json_wrote_means_the_same_when_it_is_readable(value):
    assert json.loads(unescaped(json.dumps(value))) == value


def test_name_goes_from_json_in_every_depth_and_the_form_stays():
    value = {
        "to": ["Jana Nováková", 7, None],
        "body": json.dumps({"who": "Jana Nováková", "mail": "jana@post.example"}),
    }
    clean = redact_all(value, JANA)
    assert clean["to"] == [MARK, 7, None]
    assert json.loads(clean["body"]) == {"who": MARK, "mail": MARK}
    other = {"to": ["Jan Novák"], "body": json.dumps("Dvořák")}
    assert redact_all(other, JANA) == other


def test_name_is_recognised_as_json_writes_it():
    haystack = Haystack([Identity.gather(names=["Jana Nováková"])])
    text = json.dumps({"body": "Volala Jana Nováková"})
    [needle] = haystack.candidates(text)
    assert haystack.stands_in(needle, plain(text))
