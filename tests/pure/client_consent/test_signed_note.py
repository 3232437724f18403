import base64
from datetime import UTC, datetime

import pytest
from client_consent.tools import signed_note
from client_consent.tools.errors import NoteInvalid
from client_consent.tools.signed_note import Checkpoint
from hypothesis import given
from hypothesis import strategies as st

#: The example of golang.org/x/mod/sumdb/note.
NAME = "PeterNeumann"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
OTHER = signed_note.verifier_key("other", bytes(range(32)))


def test_published_example_is_signed_byte_for_byte():
    assert signed_note.verifier_key(NAME, SEED) == KEY
    assert signed_note.sign(TEXT, NAME, SEED) == NOTE
    assert signed_note.verify(NOTE, [OTHER, KEY]) == (TEXT, KEY)


def test_second_signature_of_a_stranger_does_no_harm():
    both = NOTE + signed_note.sign(TEXT, "other", bytes(range(32))).rpartition("\n\n")[2]
    assert signed_note.verify(both, [KEY]) == (TEXT, KEY)
    assert signed_note.verify(both, [OTHER]) == (TEXT, OTHER)


@pytest.mark.parametrize(
    ("note", "keys"),
    [
        (NOTE, []),
        (NOTE, [OTHER]),
        (NOTE.replace("know", "knew"), [KEY]),
        (NOTE.replace("x08go", "x08gp"), [KEY]),
        (NOTE.replace("/ZJ", "/ZK"), [KEY]),
        (NOTE.replace("— ", "- "), [KEY]),
        (NOTE.replace("JnAM=", "JnA"), [KEY]),
        (NOTE.removesuffix("\n"), [KEY]),
        (TEXT, [KEY]),
        ("", [KEY]),
        ("\n\n", [KEY]),
        (NOTE, ["no key"]),
        (NOTE, [KEY.replace("c74f20a3", "c74f20a4")]),
        (NOTE, [KEY[:-4]]),
    ],
)
def test_anything_else_is_refused(note, keys):
    with pytest.raises(NoteInvalid):
        signed_note.verify(note, keys)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak"])
def test_name_with_signs_of_the_form_is_refused(name):
    with pytest.raises(ValueError, match="name of a key"):
        signed_note.verifier_key(name, SEED)


@given(st.integers(0, 2**40), st.binary(min_size=32, max_size=32), st.datetimes(timezones=st.just(UTC)))
def test_checkpoint_is_read_as_it_was_written(size, root, time):
    checkpoint = Checkpoint("example/1", size, root, time.replace(microsecond=0, year=max(time.year, 1000)), "ab" * 32)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


def test_checkpoint_of_another_log_is_read_too():
    text = f"example\n7\n{base64.b64encode(bytes(32)).decode()}\nextension\n"
    assert Checkpoint.parse(text) == Checkpoint("example", 7, bytes(32))


@pytest.mark.parametrize(
    "text",
    ["", "origin\n", "origin\n7\n", "origin\n-7\nAAAA\n", "origin\n07\nAAAA\n", "origin\n7\nAAAA\n", "\n7\nAAAA\n"],
)
def test_other_text_is_no_checkpoint(text):
    with pytest.raises(NoteInvalid):
        Checkpoint.parse(text)


def test_time_is_written_in_utc():
    at = datetime.fromisoformat("2026-02-03T10:00:00+01:00")
    assert "time 2026-02-03T09:00:00Z\n" in Checkpoint("o", 1, bytes(32), at).text()
