"""The verifier over rows and over an exported file, without any database."""

import io
import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from client_consent.tools import commitment, ledger_file, merkle, signed_note
from client_consent.tools.errors import ExportInvalid
from client_consent.tools.verifier import NAMED, Ledger, Signed
from hypothesis import given, settings
from hypothesis import strategies as st

SEED, ORIGIN = bytes(range(32)), "client-consent/test"
KEY = signed_note.verifier_key(ORIGIN, SEED)
KEYS = {KEY: "ring"}
BEGIN = datetime(2026, 2, 3, 9, tzinfo=UTC)


def made(sizes):
    """A ledger signed at these sizes: checkpoints and rows."""
    rows, tree, checkpoints, previous = [], merkle.Tree(), [], None
    for number, size in enumerate(sizes):
        while len(rows) < size:
            salt, payload = os.urandom(32), b'{"entry":%d}' % len(rows)
            committed = commitment.commit(salt, payload)
            rows.append((len(rows), len(rows) + 1, committed, committed, "whole", salt + payload))
            tree.extend([merkle.leaf_hash(bytes.fromhex(committed))])
        at = BEGIN + timedelta(hours=number)
        digest = signed_note.note_digest(previous) if previous else None
        text = signed_note.Checkpoint(ORIGIN, size, tree.root(), at, digest).text()
        previous = signed_note.sign(text, ORIGIN, SEED)
        checkpoints.append(Signed(size, tree.root().hex(), previous, at, "ring"))
    return checkpoints, rows


def found(checkpoints, rows, chunk=7, keys=KEYS, vouched=None):
    ledger = Ledger(checkpoints, keys, vouched)
    for start in range(0, len(rows), chunk):
        ledger.entries(rows[start : start + chunk])
    return ledger.problems()


def codes(*args, **kwargs):
    return [problem.code for problem in found(*args, **kwargs)]


@given(st.lists(st.integers(1, 300), max_size=4, unique=True), st.integers(1, 400))
@settings(max_examples=30, deadline=None)
def test_what_was_signed_verifies_in_chunks_of_any_size(sizes, chunk):
    assert found(*made(sorted(sizes)), chunk=chunk) == []


def test_empty_ledger_verifies():
    assert found(*made([0])) == []
    assert found([], []) == []


def changed(row, **values):
    names = ("place", "event", "leaf", "committed", "state", "salted")
    return tuple(values.get(name, value) for name, value in zip(names, row, strict=True))


@pytest.mark.parametrize("seed", range(10))
def test_every_changed_row_is_found_where_it_stands(seed):
    checkpoints, rows = made([10, 40, 41, 300])
    number = random.Random(seed).randrange(299)
    event = number + 1
    cases = {
        ("payload", event): changed(rows[number], salted=rows[number][5] + b" "),
        ("leaf", event): changed(rows[number], leaf="ab" * 32),
        ("malformed", event): changed(rows[number], leaf="no hash"),
        ("torn", event): changed(rows[number], state="torn", salted=None),
        ("missing", event): changed(rows[number], state="missing", committed=None, salted=None),
        ("gap", None): None,
    }
    for (code, where), row in cases.items():
        spoiled = [*rows[:number], *([row] if row else []), *rows[number + 1 :]]
        problems = found(checkpoints, spoiled)
        first = next(problem for problem in problems if problem.code == code)
        assert (first.event, first.entry) == (where, number)


def test_cleared_entry_is_no_problem():
    checkpoints, rows = made([10])
    rows[3] = changed(rows[3], state="cleared", salted=None)
    assert found(checkpoints, rows) == []


def test_consistently_rewritten_entry_breaks_the_first_root_after_it_and_later_ones_are_counted():
    checkpoints, rows = made([10, 40, 41, 300])
    salt, payload = os.urandom(32), b"forged"
    new = commitment.commit(salt, payload)
    rows[20] = changed(rows[20], leaf=new, committed=new, salted=salt + payload)
    problems = found(checkpoints, rows)
    assert [(problem.code, problem.checkpoint, problem.more) for problem in problems] == [
        ("root", 40, 0),
        ("root", None, 2),
    ]


def test_swapped_entries_and_added_ones():
    checkpoints, rows = made([10, 40])
    swapped = [*rows]
    swapped[12], swapped[30] = changed(rows[30], place=12), changed(rows[12], place=30)
    problems = found(checkpoints, swapped)
    assert {problem.entry for problem in problems if problem.code == "order"} == {13, 30}
    assert ("root", 40) in {(problem.code, problem.checkpoint) for problem in problems}
    assert codes(checkpoints, [*rows, changed(rows[0], place=40, event=99)]) == ["unsigned"]
    assert codes(checkpoints, [*rows[:5], rows[4], *rows[5:]]) == ["twice"]
    assert codes(checkpoints, rows[:39]) == ["short"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"root": "ab" * 32}, "statement"),
        ({"size": 39}, "statement"),
        ({"signed_at": BEGIN}, "statement"),
        ({"fingerprint": "other"}, "statement"),
        ({"note": "no note"}, "signature"),
    ],
)
def test_changed_checkpoint_is_found(values, code):
    checkpoints, rows = made([10, 40, 60])
    checkpoints[1] = replace(checkpoints[1], **values)
    problems = found(checkpoints, rows)
    assert (code, values.get("size", 40)) in {(problem.code, problem.checkpoint) for problem in problems}


def test_deleted_checkpoint_is_missed_by_the_next_one_and_by_entries_that_nothing_signs():
    checkpoints, rows = made([10, 40, 60])
    assert [(p.code, p.checkpoint) for p in found(checkpoints[1:], rows)] == [("chain", 40)]
    assert [(p.code, p.checkpoint) for p in found([checkpoints[0], checkpoints[2]], rows)] == [("chain", 60)]
    assert {(p.code, p.entry) for p in found(checkpoints[:2], rows)} == {("unsigned", place) for place in range(40, 60)}


def test_two_checkpoints_of_one_size_and_foreign_keys():
    checkpoints, rows = made([10])
    assert "repeated" in codes([*checkpoints, *checkpoints], rows)
    assert codes(checkpoints, rows, keys={}) == ["signature"]
    assert codes(checkpoints, rows, vouched=[KEY]) == []
    assert codes(checkpoints, rows, vouched=[]) == ["vouched"]


def test_thousands_of_the_same_problem_are_counted():
    checkpoints, rows = made([3 * NAMED])
    problems = found(checkpoints, [changed(row, salted=b"") for row in rows], chunk=500)
    assert len(problems) == NAMED + 1
    assert str(problems[-1]).startswith(f"{2 * NAMED} more")


def test_event_left_out_of_the_tree_is_found_and_a_new_one_is_not():
    checkpoints, rows = made([10, 20])
    salt, payload = os.urandom(32), b"x"
    committed = commitment.commit(salt, payload)

    def waiting(recorded_at, salted=salt + payload):
        ledger = Ledger(checkpoints, KEYS)
        ledger.entries(rows)
        ledger.waiting([(99, committed, "whole", salted, recorded_at)])
        return [(problem.code, problem.event) for problem in ledger.problems()]

    assert waiting(BEGIN + timedelta(hours=2)) == []
    assert waiting(BEGIN) == [], "a long transaction"
    assert waiting(BEGIN - timedelta(days=2)) == [("left_out", 99)]
    assert waiting(BEGIN + timedelta(hours=2), b"other") == [("payload", 99)]


# -- file --------------------------------------------------------------------------------------------


def written(sizes=(10, 40), public=False):
    checkpoints, rows = made(sizes)
    waiting = [(99, rows[0][3], "whole", rows[0][5], BEGIN + timedelta(days=1))]
    rows[4] = changed(rows[4], state="cleared", salted=None)
    file = io.StringIO()
    ledger_file.write(
        file,
        origin=ORIGIN,
        keys=KEYS,
        public=public,
        checkpoints=checkpoints,
        entries=[rows[:25], rows[25:]],
        waiting=[waiting],
    )
    return file.getvalue().splitlines(keepends=True)


@pytest.mark.parametrize("public", [False, True])
def test_file_is_checked_like_the_database(public):
    ledger = ledger_file.check(written(public=public))
    assert (ledger.size, ledger.problems(), ledger.signers) == (40, [], [KEY])
    assert public == ('"payload"' not in "".join(written(public=public)))


def test_bytes_that_are_no_text_come_through_the_file():
    checkpoints, rows = made([2])
    salt, payload = os.urandom(32), bytes(range(256))
    committed = commitment.commit(salt, payload)
    file = io.StringIO()
    ledger_file.write(
        file,
        origin=ORIGIN,
        keys=KEYS,
        public=False,
        checkpoints=checkpoints,
        entries=[rows],
        waiting=[[(9, committed, "whole", salt + payload, None)]],
    )
    assert ledger_file.check(file.getvalue().splitlines()).problems() == []


def test_changed_line_is_found():
    lines = written()
    for number, line in enumerate(lines):
        if '"type":"entry"' in line and '"payload"' in line:
            changed_line = line.replace('{\\"entry\\":', '{\\"entri\\":')
            assert changed_line != line
            problems = ledger_file.check([*lines[:number], changed_line, *lines[number + 1 :]]).problems()
            assert [problem.code for problem in problems] == ["payload"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [],
        lambda lines: lines[1:],
        lambda lines: lines[:-1],
        lambda lines: [*lines[:9], *lines[10:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:3], "no json\n", *lines[3:]],
        lambda lines: [*lines[:3], "[]\n", *lines[3:]],
        lambda lines: [*lines[:3], '{"type":"entry"}\n', *lines[3:]],
        lambda lines: [*lines[:3], '{"type":"other"}\n', *lines[3:]],
        lambda lines: [lines[0].replace("ledger-1", "ledger-9"), *lines[1:]],
        lambda lines: [lines[0].replace("client-consent/test+", "client-consent/test-"), *lines[1:]],
    ],
)
def test_file_that_is_no_whole_export_is_refused(spoil):
    with pytest.raises(ExportInvalid):
        ledger_file.check(spoil(written()))


def test_keys_known_from_elsewhere_are_the_only_ones_believed():
    other = signed_note.verifier_key(ORIGIN, bytes(32))
    assert ledger_file.check(written(), [KEY]).problems() == []
    assert {problem.code for problem in ledger_file.check(written(), [other]).problems()} == {"vouched"}
