import re

from client_gdpr.tools import redact
from client_gdpr.tools.identity import Identity
from client_gdpr.tools.mentions import Haystack, plain
from hypothesis import given
from hypothesis import strategies as st

PEOPLE = [
    Identity.gather(emails=["jana.nova@post.example"], phones=["+420 602 111 222"], names=["Jana Nováková"]),
    Identity.gather(emails=["o'brien@post.example"], codes=["CZ6508000000192000145399"], names=["Sinéad O'Brien"]),
    Identity.gather(emails=["petar@post.example"], names=["Петар Петровић"]),
    Identity.gather(emails=["nova@post.example"], names=["Jana Nováková"]),
]
#: Texts and the numbers of the people who stand in them.
TEXTS = [
    ("Write to jana.nova@post.example.", {0}),
    ("Write to JANA.NOVA@POST.EXAMPLE, please", {0}),
    ("xjana.nova@post.example and jana.nova@post.example.org are others", set()),
    ("call +420 602 111 222 today", {0}),
    ("call +420\u00a0602&nbsp;111 222 today", {0}),
    ("call 602111222, 00420/602-111-222 or (0) 602.111.222", {0}),
    ("two: 602 111 223 602 111 222", {0}),
    ("1602 111 222 and 602 111 2223 are others", set()),
    ("JANA NOVÁKOVÁ came", {0, 3}),
    ("Jana and Nováková", set()),
    ("<p>Sinéad O&#x27;Brien</p>", {1}),
    ("<p>o&#x27;brien@post.example</p>", {1}),
    ("Account CZ6508000000192000145399", {1}),
    ("Account CZ65 0800 0000 1920 0014 5399", set()),
    ("zove se Петар Петровић.", {2}),
    ("nothing at all", set()),
]


def standing(haystack, text):
    return {
        number
        for needle in haystack.candidates(text)
        if haystack.stands_in(needle, text)
        for number, _sure in needle.people
    }


def like(pattern, text):
    """What PostgreSQL's LIKE says, where only ASCII letters become lower case."""
    lower = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    regex = "".join(".*" if p == "%" else "." if p == "_" else re.escape(p[-1]) for p in parts)
    return re.fullmatch(regex, lower, re.DOTALL) is not None


def fits(haystack, text):
    """Whether the database would choose a row with this text."""
    numbers = haystack.numbers()
    return any(like(pattern, text) for pattern in haystack.patterns()) or bool(numbers and re.search(numbers, text))


def test_each_text_leads_to_its_people_and_to_nobody_else():
    haystack = Haystack(PEOPLE)
    for text, expected in TEXTS:
        assert standing(haystack, text) == expected, text


def test_patterns_for_the_database_fit_every_text_with_somebody_in_it():
    haystack = Haystack(PEOPLE)
    for text, expected in TEXTS:
        assert fits(haystack, text) or not expected, text


def test_pattern_for_numbers_fits_however_a_number_is_grouped():
    haystack = Haystack([Identity.gather(phones=["+420 602 111 222"])])
    for text in (
        "602111222",
        "602&nbsp;111&nbsp;222",
        "602 - 111 - 222",
        "(602) 111/222",
        "+420\u00a0602\u00a0111\u00a0222",
    ):
        assert standing(haystack, text) == {0}, text
        assert fits(haystack, text), text


def test_name_is_not_sure_and_an_address_is():
    haystack = Haystack(PEOPLE)
    [by_name] = haystack.candidates("Jana Nováková")
    by_address, _shorter = haystack.candidates("jana.nova@post.example")
    assert by_name.people == ((0, False), (3, False))
    assert by_address.people == ((0, True),)


def test_empty_identities_find_nothing():
    haystack = Haystack([Identity(), Identity.gather(codes=["-----"])])
    assert not haystack
    assert haystack.candidates("----- anything") == []


def test_json_is_read_as_the_words_in_it():
    assert plain({"en_US": "line\nJana", "list": [1, None, "x"]}).split() == ["en_US", "line", "Jana", "list", "1", "x"]


words = st.text(alphabet="abcž .@-_+&'<1290", min_size=0, max_size=30)


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=5), words, words)
def test_finds_whatever_the_exact_look_finds(people, before, after):
    identities = [Identity.gather(emails=[a], phones=[b], codes=[b], names=[c]) for a, b, c in people]
    haystack = Haystack(identities)
    for number, identity in enumerate(identities):
        for value in identity.all:
            text = f"{before}{value}{after}"
            exact = redact.pattern([value])
            if exact.search(text) and re.search(r"\w", value):
                assert number in standing(haystack, text)
                assert fits(haystack, text)
