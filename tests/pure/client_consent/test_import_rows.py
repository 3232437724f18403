import io
from datetime import date, datetime

import openpyxl
import pytest
from client_consent.tools import import_rows
from client_consent.tools.errors import UnreadableFile
from client_consent.tools.import_rows import Purpose, Vocabulary, check, guess, read, rows
from hypothesis import given
from hypothesis import strategies as st

CZECH = "Jméno;E-mail\r\nŽaneta Šťastná;zaneta@post.example\r\nJiří Dvořák;jiri@post.example\r\n"
FRENCH = "Name;E-mail\r\nHélène Lefèvre;helene@post.example\r\n"
TODAY = date(2026, 11, 25)
WORDS = Vocabulary(
    purposes={
        "newsletter": Purpose("newsletter", "consent", ("email",)),
        "offers": Purpose("offers", "consent", ("email", "sms", "phone", "post")),
        "invoice": Purpose("invoice", "legal_obligation", ("email",)),
    },
    sources={name.replace("_", ""): name for name in ("paper", "web_form", "import", "bought", "public", "referral")},
    channels={name: name for name in ("email", "sms", "phone", "post")},
    lawful_bases={"consent": "consent", "legalobligation": "legal_obligation"},
)
GOOD = {
    "name": "A",
    "email": "a@post.example",
    "purpose": "newsletter",
    "answer": "yes",
    "source": "paper",
    "date": "01.02.2026",
    "evidence": "folder 7",
}


def checked(**values):
    return check(
        2, {**GOOD, **values}, WORDS, date_format="%d.%m.%Y", today=TODAY, contract_bases=("legal_obligation",)
    )


@pytest.mark.parametrize(
    ("text", "codec", "found"),
    [
        (CZECH, "utf-8", "utf-8"),
        (CZECH, "utf-8-sig", "utf-8"),
        (CZECH, "utf-16", "utf-16"),
        (CZECH, "utf-16-le", "utf-16"),
        (CZECH, "utf-16-be", "utf-16"),
        (CZECH, "cp1250", "cp1250"),
        (FRENCH, "cp1252", "cp1252"),
    ],
)
def test_encoding_is_found(text, codec, found):
    sheet = read(text.encode(codec))
    assert (sheet.encoding, sheet.delimiter) == (found, ";")
    assert sheet.rows[0][1][0] == text.split("\r\n")[1].split(";")[0]


@pytest.mark.parametrize(
    ("data", "given_encoding", "code", "row"),
    [
        (b"", "", "empty", 0),
        (b" \r\n ", "", "empty", 0),
        ("a;b\nŽ;1\n".encode() + "Š;2\n".encode("cp1250"), "", "mixed", 3),
        (b"\xef\xbb\xbfa;b\n\xe9;1\n", "", "mixed", 2),
        (CZECH.encode("cp1250"), "utf-8", "encoding", 1),
        (b"a;b\n1;2\n\x81\x81;3\n", "", "encoding", 3),
        (b"a;b\n1;\x002\n" + b"x" * 9, "utf-8", "binary", 2),
        (b'a;b\n1;2\n"open;3\n', "", "quotes", 3),
        (b"PK\x03\x04 not a workbook", "", "broken_excel", 0),
        (b"\xd0\xcf\x11\xe0 old", "", "old_excel", 0),
    ],
)
def test_what_cannot_be_read_names_the_row(data, given_encoding, code, row):
    with pytest.raises(UnreadableFile) as refused:
        read(data, encoding=given_encoding)
    assert (refused.value.code, refused.value.row) == (code, row)


@pytest.mark.parametrize("delimiter", import_rows.DELIMITERS)
def test_delimiter_is_found(delimiter):
    text = "\n".join(delimiter.join(cells) for cells in [("name", "note"), ("A", '"x, y; z"'), ("B", "t")])
    sheet = read(text.encode())
    assert sheet.delimiter == delimiter
    assert sheet.rows == ((2, ("A", "x, y; z")), (3, ("B", "t")))


def test_rows_are_numbered_as_a_spreadsheet_shows_them():
    sheet = read(b'name,note\n\nA,"two\nlines"\nB,1\n')
    assert [number for number, _cells in sheet.rows] == [3, 4]


def test_workbook_gives_dates_as_dates_and_phones_without_a_point():
    book = openpyxl.Workbook()
    book.active.append(["Phone", "Date", "Name"])
    book.active.append([420601234567.0, datetime(2026, 2, 1), None])
    target = io.BytesIO()
    book.save(target)
    sheet = read(target.getvalue())
    assert sheet.rows == ((2, ("420601234567", date(2026, 2, 1), "")),)


def test_headings_are_guessed_once_each():
    assert guess(["Jméno a příjmení", "E-mail", "E-MAIL 2", "mail", "Souhlas", "???"]) == [
        "name",
        "email",
        "",
        "",
        "answer",
        "",
    ]


def test_defaults_fill_empty_cells_only_and_surplus_cells_are_a_problem():
    sheet = read(b"email,source\na@post.example,\nb@post.example,paper,x\n")
    first, second = rows(sheet, guess(sheet.header), {"source": "import"})
    assert first == (2, {"email": "a@post.example", "source": "import"}, [])
    assert second[1]["source"] == "paper"
    assert [(problem.row, problem.code) for problem in second[2]] == [(3, "cells")]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"email": "a at post"}, "email", "address"),
        ({"phone": "x"}, "phone", "address"),
        ({"email": "", "phone": ""}, "email", "nobody"),
        ({"purpose": "nothing"}, "purpose", "unknown"),
        ({"purpose": "invoice"}, "purpose", "no_answer_needed"),
        ({"channels": "fax"}, "channels", "unknown"),
        ({"channels": "sms"}, "channels", "foreign"),
        ({"purpose": "offers"}, "channels", "choose"),
        ({"purpose": "offers", "channels": "sms"}, "phone", "no_address"),
        ({"source": "silence"}, "source", "unknown"),
        ({"answer": "maybe"}, "answer", "unknown"),
        ({"date": "2026-02-01"}, "date", "date"),
        ({"date": "31.02.2026"}, "date", "date"),
        ({"date": "26.11.2026"}, "date", "future"),
        ({"until": "01.01.2026"}, "until", "before"),
        ({"lawful_basis": "legal_obligation"}, "lawful_basis", "other_basis"),
        ({"source": "bought", "seller": "S", "contract": "C"}, "proof", "needed"),
        ({"source": "bought", "seller": "S", "proof": "P"}, "contract", "needed"),
        ({"source": "bought", "contract": "C", "proof": "P"}, "seller", "needed"),
        ({"source": "public"}, "url", "needed"),
    ],
)
def test_problem_names_row_and_field(change, field, code):
    row, problems = checked(**change)
    assert row is None
    assert (2, field, code) in [(problem.row, problem.field, problem.code) for problem in problems]


def test_all_problems_of_a_row_come_at_once():
    _row, problems = checked(email="x", source="silence", date="soon")
    assert {problem.field for problem in problems} == {"email", "source", "date"}


@pytest.mark.parametrize("lacking", ["purpose", "source", "date", "evidence", "answer"])
def test_yes_without_purpose_source_date_or_evidence_is_no_ground(lacking):
    assert checked()[0].has_ground
    row, problems = checked(**{lacking: ""})
    assert not problems
    assert not row.has_ground


def test_no_counts_without_anything_else_and_for_all_channels():
    row, problems = checked(answer="no", purpose="offers", source="", date="", evidence="")
    assert not problems
    assert row.is_no and row.channels == ("email", "sms", "phone", "post")


def test_bought_row_has_a_ground_to_ask():
    row, _problems = checked(source="bought", seller="S", contract="C", proof="P", evidence="")
    assert row.has_ground


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_code(data):
    try:
        sheet = read(data)
    except UnreadableFile as error:
        assert error.code
    else:
        assert sheet.header


@given(st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=60))
def test_utf8_text_survives_decoding(text):
    assert import_rows.decode(text.encode("utf-8")) == (text.removeprefix("\ufeff"), "utf-8")


@pytest.mark.parametrize("text", ["=1+1", "@SUM(1)", "+1+cmd", "-a", "+420 601 234 567", "-", "'t Hooft", "'", "plain"])
def test_what_is_made_harmless_comes_back_as_it_was(text):
    kept = import_rows.harmless(text)
    assert kept == text or kept == f"'{text}"
    assert not kept.startswith(("=", "@"))
    sheet = read(f"Name;E-mail\n{kept};a@post.example\n".encode())
    assert sheet.rows[0][1][0] == text
