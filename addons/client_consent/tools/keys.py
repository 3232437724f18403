"""The key ring: one secret outside the database, a derived key for every use.

The key file is one line, ``client-gdpr-key-v1:`` and 32 random bytes in base64url.
"""

import base64
import binascii
import hashlib
import os
import stat

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import CannotDecrypt, KeyMalformed, KeyMismatch, KeyMissing, KeyReadableByOthers

PREFIX = "client-gdpr-key-v1:"
KEY_BYTES = 32
LABELS = frozenset(
    {
        "subject-wrap",
        "vault",
        "tombstone",
        "tombstone-wrap",
        "request",
        "signature-ed25519",
        "address-digest",
    }
)

_CIPHER_VERSION = b"\x01"  # AES-256-GCM: version ‖ 96-bit random nonce ‖ ciphertext and tag
_NONCE_BYTES = 12


class KeyRing:
    """Derived keys of one secret. The secret itself never leaves the object."""

    def __init__(self, secret: bytes):
        if len(secret) != KEY_BYTES:
            raise KeyMalformed(f"the key must have {KEY_BYTES} bytes")
        self.__secret = bytes(secret)

    def __repr__(self):
        return f"<KeyRing {self.fingerprint}>"

    @classmethod
    def load(cls, text: str) -> "KeyRing":
        """The ring behind the text of a key file."""
        line = text.strip()
        if not line.startswith(PREFIX) or len(line.split()) != 1:
            raise KeyMalformed(f"the key must be one line that begins with {PREFIX!r}")
        encoded = line.removeprefix(PREFIX)
        padded = encoded + "=" * (-len(encoded) % 4)
        try:
            secret = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise KeyMalformed("the key is not base64url") from error
        return cls(secret)

    @classmethod
    def load_file(cls, path: str) -> "KeyRing":
        """The ring in the file at ``path``, which its owner alone may read."""
        return cls.load(read_key_file(path))

    @staticmethod
    def generate() -> str:
        """The text of a new key file."""
        return PREFIX + base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode().rstrip("=") + "\n"

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that tell keys apart and nothing about the key."""
        return hashlib.sha256(self._expand("fingerprint", 32)).digest()[:16].hex()

    def verify(self, fingerprint: str) -> None:
        """Raise :class:`KeyMismatch` unless this ring has that fingerprint."""
        if self.fingerprint != fingerprint:
            raise KeyMismatch(fingerprint, self.fingerprint)

    def derive(self, label: str, length: int = 32) -> bytes:
        """The key for one use, by HKDF-SHA256 (RFC 5869). Uses never share a key."""
        if label not in LABELS:
            raise ValueError(f"unknown key label {label!r}")
        return self._expand(label, length)

    def _expand(self, label, length):
        info = b"client-gdpr/v1/" + label.encode()
        return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(self.__secret)


def encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """AES-256-GCM under ``key``. ``associated`` names the place; elsewhere it does not decrypt."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plaintext, _CIPHER_VERSION + associated)
    return _CIPHER_VERSION + nonce + sealed


def decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """What :func:`encrypt` was given, or :class:`CannotDecrypt`."""
    sealed = bytes(sealed)
    if sealed[:1] != _CIPHER_VERSION:
        raise CannotDecrypt("unknown cipher version")
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, _CIPHER_VERSION + associated)
    except (InvalidTag, ValueError) as error:
        raise CannotDecrypt("wrong key, wrong place or changed bytes") from error


def read_key_file(path: str) -> str:
    """The text of the key file; refuses a file that group or others may read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeyMissing("file") from error
    with open(descriptor, encoding="ascii", errors="replace") as file:
        # the open file is asked, not the path: it cannot be exchanged in between
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise KeyReadableByOthers(mode)
        return file.read()
