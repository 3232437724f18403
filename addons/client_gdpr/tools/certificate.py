"""The signed statement of what went, what stays and why. It names nobody: codes, counts and laws only.

``sign`` and ``verify`` need no Odoo and no database, so that a certificate can be checked years later
with the public key that stands in it and was printed elsewhere.
"""

import base64
import hashlib
import json
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import CertificateInvalid

ALGORITHM = "ed25519-rfc8785-v1"


def content_bytes(content: dict[str, Any]) -> bytes:
    """The bytes that are signed: RFC 8785 canonical JSON."""
    return rfc8785.dumps(content)


def plain_bytes(content: dict[str, Any]) -> bytes:
    """The same bytes at a tenth of the cost, for what a certificate is made of: texts, whole numbers that a double
    holds, lists, and objects whose keys are ASCII.
    """
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sign(content: dict[str, Any], seed: bytes) -> dict[str, Any]:
    """Wrap the content with digest, public key and signature.

    :param seed: 32 bytes, the private key
    """
    key = Ed25519PrivateKey.from_private_bytes(seed)
    body = plain_bytes(content)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "algorithm": ALGORITHM,
        "content": content,
        "sha256": hashlib.sha256(body).hexdigest(),
        "public_key": base64.b64encode(public).decode(),
        "signature": base64.b64encode(key.sign(body)).decode(),
    }


def verify(certificate: dict[str, Any], public_key: str | None = None) -> dict[str, Any]:
    """Return the content of a certificate that verifies.

    :param public_key: base64 of the key that must have signed; without it the one inside is believed
    :raises CertificateInvalid: when algorithm, form, digest or signature do not fit
    """
    if certificate.get("algorithm") != ALGORITHM:
        raise CertificateInvalid("algorithm")
    try:
        body = content_bytes(certificate["content"])
        digest, signature = certificate["sha256"], base64.b64decode(certificate["signature"], validate=True)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key or certificate["public_key"]))
    except (KeyError, TypeError, ValueError, rfc8785.CanonicalizationError):
        raise CertificateInvalid("form") from None
    if hashlib.sha256(body).hexdigest() != digest:
        raise CertificateInvalid("digest")
    try:
        public.verify(signature, body)
    except InvalidSignature:
        raise CertificateInvalid("signature") from None
    return certificate["content"]
