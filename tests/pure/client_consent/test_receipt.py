import contextlib
import hashlib
import json
from datetime import UTC, date, datetime

import pytest
from client_consent.tools import receipt
from client_consent.tools.canonical import canonical, parse
from client_consent.tools.errors import NoReceipt
from hypothesis import given
from hypothesis import strategies as st

NUMBER = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
SALT = bytes(range(32))
SAID = {
    "version": "c1",
    "receipt": NUMBER,
    "subject": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "kind": "given",
    "purpose": "newsletter",
    "lawful_basis": "consent",
    "channel": "email",
    "address": "eliška@post.example",
    "company": 1,
    "source": "web_form",
    "notice": {"code": "news", "version": 3, "lang": "cs_CZ", "sha256": "ab" * 32},
    "note": None,
    "at": datetime(2026, 2, 3, 9, tzinfo=UTC),
    "until": date(2028, 2, 3),
    "recorded_at": datetime(2026, 2, 3, 9, 0, 1, tzinfo=UTC),
    "recorded_by": 2,
    "evidence": ["cd" * 32],
}
FACTS = receipt.Facts(
    purpose_name="Newsletter",
    purpose_description="News, a few times a month.",
    controller=receipt.Party(
        "controller", "dpv:DataController", "Obchod s.r.o.", "Krátká 1, Brno", "shop@firm.example"
    ),
    contact=None,
    language="cs_CZ",
    withdrawal="Write to us.",
    jurisdiction="CZ",
    notice_title="Smíme vám psát?",
    notice_url="https://firm.example/privacy/notice/abab",
)


def made(said=SAID, facts=FACTS):
    return json.loads(receipt.as_bytes(receipt.record(canonical(said), SALT, "c1", facts)))


def held(document):
    return receipt.check(json.dumps(document))


def test_receipt_has_what_the_standard_demands():
    document = made()
    assert document["header"].keys() >= {"schema_version", "record_id", "pii_principal_id"}
    assert document["processing"].keys() >= {
        "privacy_notice",
        "language",
        "purposes",
        "pii_controllers",
        "storage_locations",
        "retention_period",
        "jurisdiction",
        "recipient_third_parties",
        "withdrawal_method",
    }
    assert document["processing"]["purposes"][0]["pii_information"][0]["pii_type"] == "pd:EmailAddress"
    assert document["parties"][0].keys() >= {"party_id", "party_address", "party_name", "party_contact", "party_type"}
    assert document["events"][0].keys() >= {"event_time", "valid_until", "entity_id", "event_type", "event_state"}
    assert document["processing"]["pii_controllers"] == [document["parties"][0]["party_id"]]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("given", "dpv:ConsentGiven"),
        ("withdrawn", "dpv:ConsentWithdrawn"),
        ("refused", "dpv:ConsentRefused"),
        ("requested", "dpv:ConsentRequested"),
        ("pending", "dpv:ConsentRequestDeferred"),
        ("informed", "dpv:LegitimateInterestInformed"),
        ("objected", "dpv:LegitimateInterestObjected"),
    ],
)
def test_state_is_a_term_of_the_vocabulary(kind, state):
    assert made(SAID | {"kind": kind})["events"][0]["event_state"] == state


def test_its_holder_checks_it_with_any_sha256():
    proof = made()["proof"]
    digest = hashlib.sha256(bytes.fromhex(proof["salt"]) + proof["payload"].encode()).hexdigest()
    assert digest == proof["commitment"]
    assert parse(proof["payload"].encode())["address"] == "eliška@post.example"


def test_untouched_receipt_agrees_with_its_proof_in_any_layout():
    for text in (receipt.as_bytes(made()), json.dumps(made(), indent=4), json.dumps(made(), ensure_ascii=False)):
        assert receipt.check(text) == receipt.Held(NUMBER, made()["proof"]["commitment"], "c1")


def test_answer_without_text_seen_and_without_end_has_a_receipt():
    document = made(SAID | {"notice": None, "until": None, "evidence": None})
    assert document["processing"]["privacy_notice"] is None
    assert held(document).contradictions == ()


def leaves(value, path=()):
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


OWN_WORDS = [path for path in leaves(receipt._readable(parse(canonical(SAID))))]


@pytest.mark.parametrize("path", OWN_WORDS, ids=lambda path: ".".join(map(str, path)))
def test_a_changed_word_of_the_ledger_is_named(path):
    document = made()
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = "changed"
    if path == ("header", "record_id"):
        with pytest.raises(NoReceipt):
            held(document)
    else:
        assert held(document).contradictions == (".".join(map(str, path)),)


def test_a_word_that_was_taken_out_is_named():
    document = made()
    del document["events"][0]["event_time"]
    document["processing"]["purposes"].append(document["processing"]["purposes"][0])
    assert held(document).contradictions == ("processing.purposes", "events.0.event_time")


def test_changed_payload_or_salt_is_no_longer_ours():
    for key, value in (("payload", canonical(SAID | {"kind": "refused"}).decode()), ("salt", "00" * 32)):
        document = made()
        document["proof"][key] = value
        assert held(document).contradictions == ("proof.payload",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"proof": null}',
        '{"proof": {}, "header": {"record_id": 7}}',
        "[" * 100_000,
        "x" * (receipt.LONGEST + 1),
        b"\xff\xfe",
    ],
    ids=range(10),
)
def test_what_is_no_receipt_is_refused(text):
    with pytest.raises(NoReceipt):
        receipt.check(text)


@pytest.mark.parametrize("key", ["payload", "salt", "commitment", "algorithm"])
@pytest.mark.parametrize("value", [None, 7, "", "zz", [], {}, "c9", "é"])
def test_strange_proof_is_refused_or_differs_and_never_crashes(key, value):
    document = made()
    document["proof"][key] = value
    with contextlib.suppress(NoReceipt):
        assert held(document).contradictions


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_any_json_is_refused(value):
    with pytest.raises(NoReceipt):
        held({"proof": value, "header": value})
