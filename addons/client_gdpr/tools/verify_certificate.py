#!/usr/bin/env python3
"""Check a certificate of erasure, offline: python3 verify_certificate.py certificate.json|certificate.pdf [key]

It needs Python and the package cryptography, no Odoo and no database. For a JSON file: digest and Ed25519 signature
over the canonical content (RFC 8785). For a PDF: the signature over every byte of the file, and the certificate inside,
which is printed. The key is the company's public one, in base64 or as a verifier key (name+id+base64): from its
recovery sheet, its web site or a letter, not from the certificate. Without it anybody could have signed.

Exit code 0: it is what was signed. 1: it is not.
"""

# pylint: disable=print-used
# A program that is run by itself: what it finds goes to the terminal.

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALGORITHM = "ed25519-rfc8785-v1"
SIGNATURE = b"%gdpr-certificate-signature-v1 "
EMBEDDED = re.compile(rb"stream\r?\n(\{.*?\})\r?\nendstream", re.DOTALL)


class NotValid(Exception):
    """The file is not what was signed; the message says why."""


def canonical(content) -> bytes:
    """The bytes that were signed: keys sorted, no white space. Certificates hold no fractions.

    >>> canonical({"b": 1, "a": ["á"]}).decode()
    '{"a":["á"],"b":1}'
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def check_json(signed: dict, key: str = "") -> dict:
    """The content of a certificate, or :class:`NotValid`."""
    if signed.get("algorithm") != ALGORITHM:
        raise NotValid(f"the algorithm is not {ALGORITHM}")
    body = canonical(signed["content"])
    if hashlib.sha256(body).hexdigest() != signed["sha256"]:
        raise NotValid("the content was changed: its digest is another one")
    _check(body, signed["signature"], signed["public_key"], key)
    return signed["content"]


def check_pdf(file: bytes, key: str = "") -> dict:
    """The content of the certificate inside a PDF of which no byte was changed, or :class:`NotValid`."""
    body, found, line = file.rpartition(b"\n" + SIGNATURE)
    if not found:
        raise NotValid("the PDF has no signature line at its end")
    public, signature = line.decode("ascii", "replace").split()
    _check(body + b"\n", signature, public, key)
    for candidate in EMBEDDED.findall(body):
        signed = json.loads(candidate)
        if signed.get("public_key") != public:
            raise NotValid("page and certificate were signed with different keys")
        return check_json(signed, key)
    raise NotValid("there is no certificate inside the PDF")


def _check(body, signature, public, key):
    if key and _raw(key) != _raw(public):
        raise NotValid("signed with another key than the company's")
    try:
        Ed25519PublicKey.from_public_bytes(_raw(public)).verify(base64.b64decode(signature, validate=True), body)
    except (InvalidSignature, ValueError):
        raise NotValid("the signature does not fit") from None


def _raw(key):
    """The 32 bytes of a public key, plain or as a verifier key, whose base64 begins with the kind of key."""
    return base64.b64decode(key.strip().split("+", 2)[-1] if key.count("+") >= 2 and len(key) > 50 else key)[-32:]


def summary(content: dict) -> list[str]:
    """What the certificate says, in lines."""
    lines = [
        f"Request {content['request']}, received {content['received']}, carried out {content['executed']} (UTC)",
        *(f"Repeats the erasure {content[name]}" for name in ("repeats",) if content.get(name)),
        *(f"Finishes request {content[name]}" for name in ("completes",) if content.get(name)),
    ]
    for item in content["items"]:
        law = ", ".join(filter(None, [item["reason"], item["law"], item["until"] and f"until {item['until']}"]))
        lines.append(f"{item['action']:<10} {item['count']:>6}  {item['model']}.{item['field']}  ({law})")
    checked = content["verified"]
    lines.append(
        f"Checked: {checked['columns']} columns of {checked['tables']} tables, {len(checked['leftovers'])} finds"
    )
    lines.append(f"Backups that still hold the data lapse by {content['backups_lapse']}")
    return lines


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 1
    file, key = Path(arguments[0]).read_bytes(), "".join(arguments[1:])
    try:
        content = check_pdf(file, key) if file.startswith(b"%PDF") else check_json(json.loads(file), key)
    except NotValid as error:
        print(f"NOT VALID: {error}.")
        return 1
    except (KeyError, ValueError, TypeError):
        print("NOT VALID: this is no certificate of erasure.")
        return 1
    print("\n".join(summary(content)))
    print("Valid: signed with the company's key." if key else "Intact, if the key inside is the company's: compare it.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
