import pytest
from client_gdpr.tools.identity import Identity
from client_gdpr.tools.third_parties import Known, Redactor

OWN = Identity.gather(
    emails=["jana@post.example"],
    phones=["+420 602 111 222"],
    codes=["CZ6508000000192000145399"],
    names=["Jana Nováková"],
)


def redactor(names=None, addresses=None, **more):
    def ask(asked_names, asked_addresses):
        return Known(
            {name: who for name, who in (names or {}).items() if name in asked_names},
            {address: who for address, who in (addresses or {}).items() if address in asked_addresses},
        )

    return Redactor(OWN, ask, **more)


def redacted(text, *args, **more):
    made = redactor(*args, **more)
    made.learn([text])
    return made(text)


@pytest.mark.parametrize(
    ("text", "expected", "reasons"),
    [
        ("Write to petr@post.example.", "Write to [somebody else].", {"address": 1}),
        ("Write to JANA@post.example.", "Write to JANA@post.example.", {}),
        ('"Petr S." <petr@post.example> wrote', "[somebody else] wrote", {"address": 1}),
        ('"Jana N." <jana@post.example>', '"Jana N." <jana@post.example>', {}),
        ('"He said" <petr@post.example', '"He said" <[somebody else]', {"address": 1}),
        ("Call 603 222 333, not 602 111 222", "Call [somebody else], not 602 111 222", {"number": 1}),
        ("Call +420603222333 or 00420 603 222 333", "Call [somebody else] or [somebody else]", {"number": 2}),
        ("Call +49 30 901820", "Call [somebody else]", {"number": 1}),
        ("Order S00042 of 2026-01-12 10:30 for 12 500,00", "Order S00042 of 2026-01-12 10:30 for 12 500,00", {}),
        ("Invoice 2024000031, 31.03.2034", "Invoice 2024000031, 31.03.2034", {}),
        ("From CZ65 0800 0000 1920 0014 5399", "From CZ65 0800 0000 1920 0014 5399", {}),
        ("To DE89 3704 0044 0532 0130 00", "To [somebody else]", {"account": 1}),
        ("Petr Svoboda came with Jana Nováková", "[somebody else] came with Jana Nováková", {"name": 1}),
        ("petr svoboda", "petr svoboda", {}),
        ("Petr\u00a0Svoboda", "[somebody else]", {"name": 1}),
        ("Mitchell Admin answered", "[our staff] answered", {"staff": 1}),
        ("Kolo Praha", "Kolo Praha", {}),
        ("", "", {}),
        ("محمد علي أحمد kam", "محمد علي أحمد kam", {}),
        ("😀 Petr Svoboda 😀", "😀 [somebody else] 😀", {"name": 1}),
    ],
)
def test_other_people_are_taken_out_and_the_person_stays(text, expected, reasons):
    known = {"Petr Svoboda": "other", "Mitchell Admin": "staff"}
    assert redacted(text, known) == (expected, reasons)


def test_company_and_staff_addresses():
    addresses = {"sales@kolo.example": "staff", "shop@papirna.example": "keep"}
    text = "info@kolo.example sales@kolo.example shop@papirna.example"
    assert redacted(text, addresses=addresses, keep=["info@kolo.example"])[0] == (
        "info@kolo.example [our staff] shop@papirna.example"
    )


def test_own_name_wins_over_a_namesake():
    assert redacted("Jana Nováková", {"Jana Nováková": "other"}) == ("Jana Nováková", {})


def test_longer_name_wins_over_the_shorter_one_inside():
    known = {"Petr Svoboda": "other", "Petr Svoboda Starší": "other"}
    assert redacted("Petr Svoboda Starší", known) == ("[somebody else]", {"name": 1})


def test_only_what_was_learned_is_known():
    made = redactor({"Petr Svoboda": "other"})
    assert made("Petr Svoboda") == ("Petr Svoboda", {})


def test_a_very_long_text_takes_no_longer_than_its_length():
    text = ("Petr Svoboda zavolal na 603 222 333 a napsal na petr@post.example. " * 15_000)[:1_000_000]
    result, reasons = redacted(text, {"Petr Svoboda": "other"})
    assert "petr@" not in result and "603" not in result
    assert reasons["address"] > 14_000
