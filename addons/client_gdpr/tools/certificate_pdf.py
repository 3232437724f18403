"""The certificate on paper: a page for people, with the signed JSON inside and a signature over every byte.

The last line of the file is a comment that PDF readers pass over: public key and Ed25519 signature of what stands
before it. ``verify_certificate.py`` checks it with nothing but Python and the package cryptography.
"""

import base64
import io
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pypdf import PdfWriter

from . import document

#: How the last line begins.
SIGNATURE = b"%gdpr-certificate-signature-v1 "
ATTACHMENT = "certificate.json"


def render(page: document.Document, signed: dict[str, Any], seed: bytes) -> bytes:
    """The page as PDF with the certificate inside.

    :param signed: the certificate, see :func:`certificate.sign`
    :param seed: 32 bytes, the private key
    """
    drawn, target = io.BytesIO(), io.BytesIO()
    document.render(page, drawn)
    writer = PdfWriter(clone_from=drawn)
    # not compressed, so that whoever looks into the file finds it
    writer.add_attachment(ATTACHMENT, json.dumps(signed, sort_keys=True, ensure_ascii=True).encode())
    writer.write(target)
    return sign(target.getvalue(), seed)


def sign(body: bytes, seed: bytes) -> bytes:
    """The file with its signature as last line."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    body = body.rstrip(b"\n") + b"\n"
    return body + SIGNATURE + base64.b64encode(public) + b" " + base64.b64encode(key.sign(body)) + b"\n"
