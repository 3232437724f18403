import hashlib

import pytest
from client_consent.tools.commitment import SALT_BYTES, check, commit
from client_consent.tools.errors import CommitmentMismatch, UnknownAlgorithm
from hypothesis import given
from hypothesis import strategies as st

SALT = bytes(range(SALT_BYTES))


def test_commitment_can_be_made_with_any_sha256():
    assert commit(SALT, b"payload") == hashlib.sha256(SALT + b"payload").hexdigest()


@given(st.binary(min_size=1, max_size=64), st.data())
def test_any_changed_bit_is_noticed(payload, data):
    bit = data.draw(st.integers(0, len(payload) * 8 - 1))
    changed = bytearray(payload)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CommitmentMismatch):
        check(commit(SALT, payload), SALT, bytes(changed))


def test_another_salt_gives_another_commitment():
    assert commit(SALT, b"x") != commit(SALT[::-1], b"x")


@pytest.mark.parametrize("size", [0, SALT_BYTES - 1, SALT_BYTES + 1])
def test_salt_of_another_length_is_refused(size):
    # else salt and payload could swap bytes at their border
    with pytest.raises(ValueError, match="32 bytes"):
        commit(b"x" * size, b"payload")


def test_unknown_algorithm_is_no_mismatch():
    with pytest.raises(UnknownAlgorithm) as caught:
        check("00", SALT, b"payload", "c9")
    assert caught.value.algorithm == "c9"
