import os

import pytest
from client_consent.tools import errors
from client_consent.tools.keys import LABELS, PREFIX, KeyRing, decrypt, encrypt, read_key_file
from hypothesis import given
from hypothesis import strategies as st

SECRET = bytes(range(32))
VAULT_OF_SECRET = "acc367c4b5ba7ba718400cd456783a83550e52eaea608a6393f5bdc413ed3fcb"
FINGERPRINT_OF_SECRET = "d257841ddac8de80c4e866c126911692"
KEY = KeyRing(SECRET).derive("vault")


def test_generated_key_loads_and_is_never_the_same():
    one, two = KeyRing.generate(), KeyRing.generate()
    assert KeyRing.load(one).fingerprint != KeyRing.load(two).fingerprint
    assert KeyRing.load(one).fingerprint == KeyRing.load(one.strip() + "\r\n").fingerprint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        PREFIX,
        PREFIX + "AAAA",
        PREFIX + "!" * 43,
        KeyRing.generate() + KeyRing.generate(),
        PREFIX + "A" * 88,
    ],
)
def test_text_that_is_no_key_is_refused(text):
    with pytest.raises(errors.KeyMalformed) as caught:
        KeyRing.load(text)
    assert "AAAA" not in str(caught.value)


def test_uses_never_share_a_key():
    ring = KeyRing(SECRET)
    derived = [ring.derive(label) for label in LABELS]
    assert len({*derived, SECRET}) == len(LABELS) + 1


def test_derivation_stays_what_it_was():
    # what old rows are encrypted with must come out for ever
    assert KeyRing(SECRET).derive("vault").hex() == VAULT_OF_SECRET
    assert KeyRing(SECRET).fingerprint == FINGERPRINT_OF_SECRET


def test_unknown_use_is_refused():
    with pytest.raises(ValueError, match="unknown key label"):
        KeyRing(SECRET).derive("everything")


def test_other_key_is_refused_and_neither_is_shown():
    ring = KeyRing(SECRET)
    ring.verify(ring.fingerprint)
    with pytest.raises(errors.KeyMismatch):
        ring.verify(KeyRing(SECRET[::-1]).fingerprint)
    assert SECRET.hex() not in repr(ring) + str(vars(ring).keys())


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_was_encrypted_is_decrypted_in_its_place(plain, place):
    assert decrypt(KEY, encrypt(KEY, plain, place), place) == plain


@given(st.binary(max_size=40), st.data())
def test_any_changed_byte_is_noticed(plain, data):
    sealed = bytearray(encrypt(KEY, plain, b"res.partner/1"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(errors.CannotDecrypt):
        decrypt(KEY, bytes(sealed), b"res.partner/1")


def test_sealed_values_cannot_be_moved_to_another_record():
    with pytest.raises(errors.CannotDecrypt):
        decrypt(KEY, encrypt(KEY, b"x", b"res.partner/1"), b"res.partner/2")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(11), b"\x02" + bytes(40)])
def test_bytes_that_were_never_sealed_are_refused(sealed):
    with pytest.raises(errors.CannotDecrypt):
        decrypt(KEY, sealed, b"")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_key_that_others_may_read_is_refused(tmp_path, mode):
    file = tmp_path / "key"
    file.write_text(KeyRing.generate())
    os.chmod(file, mode)
    with pytest.raises(errors.KeyReadableByOthers) as caught:
        read_key_file(file)
    assert caught.value.mode == mode


def test_own_key_file_is_read_and_a_missing_one_named_as_missing(tmp_path):
    file = tmp_path / "key"
    file.write_text(KeyRing.generate())
    os.chmod(file, 0o600)
    assert KeyRing.load_file(file).fingerprint == KeyRing.load(file.read_text()).fingerprint
    with pytest.raises(errors.KeyMissing):
        read_key_file(tmp_path / "none")
