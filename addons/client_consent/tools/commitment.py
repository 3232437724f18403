"""What may be published about an event without saying whom it is about.

The commitment binds the ledger to the event; the salt keeps anyone from guessing the event from
it. With payload and salt cleared, the commitment stays and means nothing to anybody.
"""

import hashlib
import hmac

from .errors import CommitmentMismatch, UnknownAlgorithm

ALGORITHM = "c1"  # SHA-256(salt ‖ payload), 32 bytes of salt, payload as canonical bytes
SALT_BYTES = 32


def commit(salt: bytes, payload: bytes, algorithm: str = ALGORITHM) -> str:
    """The commitment in hexadecimal. The salt has a fixed length, so the border is not ambiguous."""
    if algorithm != ALGORITHM:
        raise UnknownAlgorithm(algorithm)
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return hashlib.sha256(bytes(salt) + bytes(payload)).hexdigest()


def check(commitment: str, salt: bytes, payload: bytes, algorithm: str = ALGORITHM) -> None:
    """Raise :class:`CommitmentMismatch` unless payload and salt give the commitment."""
    if not hmac.compare_digest(commit(salt, payload, algorithm), commitment):
        raise CommitmentMismatch(algorithm)
