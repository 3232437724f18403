import base64
import copy

import pytest
from client_gdpr.tools.certificate import ALGORITHM, sign, verify
from client_gdpr.tools.errors import CertificateInvalid

SEED = bytes(range(32))
CONTENT = {"request": "GR/2026/0001", "items": [{"model": "crm.lead", "count": 2, "action": "delete"}], "á": "ž"}
SIGNED = sign(CONTENT, SEED)


def changed(**values):
    return {**copy.deepcopy(SIGNED), **values}


def test_signed_statement_verifies_with_the_key_inside_and_with_the_printed_one():
    assert verify(SIGNED) == CONTENT
    assert verify(SIGNED, SIGNED["public_key"]) == CONTENT


def test_order_of_keys_in_the_file_does_not_matter():
    shuffled = {key: SIGNED[key] for key in reversed(SIGNED)}
    shuffled["content"] = dict(reversed(CONTENT.items()))
    assert verify(shuffled) == CONTENT


def test_forger_with_an_own_key_is_found_out():
    forged = sign(CONTENT, SEED[::-1])
    assert verify(forged) == CONTENT
    with pytest.raises(CertificateInvalid) as caught:
        verify(forged, SIGNED["public_key"])
    assert caught.value.why == "signature"


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (changed(algorithm="none"), "algorithm"),
        ({}, "algorithm"),
        (changed(content={**CONTENT, "request": "GR/2026/0002"}), "digest"),
        (changed(sha256="0" * 64), "digest"),
        (changed(signature=base64.b64encode(bytes(64)).decode()), "signature"),
        (changed(signature="AAAA"), "signature"),
        (changed(signature="not base64!"), "form"),
        (changed(public_key="AAAA"), "form"),
        (changed(content={1: 2}), "form"),
        ({"algorithm": ALGORITHM}, "form"),
    ],
)
def test_changed_certificate_says_what_does_not_fit(certificate, why):
    with pytest.raises(CertificateInvalid) as caught:
        verify(certificate)
    assert caught.value.why == why
