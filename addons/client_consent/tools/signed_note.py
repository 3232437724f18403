"""Signed notes and checkpoints, in the form that transparency logs use.

A note is text, an empty line and signature lines ``— name base64(key id ‖ signature)``
(golang.org/x/mod/sumdb/note). A checkpoint is a note whose text begins with origin, size and root of a tree
(C2SP tlog-checkpoint); below them stand, each on a line of its own, the time and the note before.

A *verifier key* is the text ``name+key id+base64(1 ‖ public key)``.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import NoteInvalid

_ED25519 = b"\x01"
_DASH = "— "
_ID_BYTES = 4


def verifier_key(name: str, seed: bytes) -> str:
    """The verifier key that belongs to a 32-byte private key."""
    if not name or any(sign.isspace() or sign == "+" for sign in name):
        raise ValueError("the name of a key has neither spaces nor a plus sign")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{name}+{_key_id(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def key_name(key: str) -> str:
    """The name in a verifier key; refuses what is none."""
    return _parse_key(key)[0]


def is_key(key: str) -> bool:
    """Whether a text is a verifier key."""
    try:
        return bool(_parse_key(key))
    except NoteInvalid:
        return False


def public_key(key: str) -> bytes:
    """The 32 bytes in a verifier key."""
    return _parse_key(key)[2]


def sign(text: str, name: str, seed: bytes) -> str:
    """The note that says ``text``, which ends with a line break."""
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends with a line break")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = base64.b64encode(_key_id(name, public) + private.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {signature}\n"


def verify(note: str, keys: Iterable[str]) -> tuple[str, str]:
    """The text of a note that one of the verifier keys signed, and that key.

    :raises NoteInvalid: when the form is another, no key is known, or a signature does not fit
    """
    text, border, signatures = note.rpartition("\n\n")
    if not border or not signatures.endswith("\n") or not text:
        raise NoteInvalid("no signed note")
    text += "\n"
    known = {(name, id_): (public, key) for key in keys for name, id_, public in [_parse_key(key)]}
    signer = None
    for line in signatures.removesuffix("\n").split("\n"):
        name, _space, encoded = line.removeprefix(_DASH).partition(" ")
        raw = _decode(encoded)
        if not line.startswith(_DASH) or not name or len(raw) <= _ID_BYTES:
            raise NoteInvalid("a signature line is malformed")
        public, key = known.get((name, raw[:_ID_BYTES]), (None, None))
        if not public:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[_ID_BYTES:], text.encode())
        except InvalidSignature:
            raise NoteInvalid("the signature does not fit the text") from None
        signer = key
    if not signer:
        raise NoteInvalid("no known key signed it")
    return text, signer


def _parse_key(key):
    try:
        name, id_, encoded = key.split("+", 2)
        raw = _decode(encoded)
        id_ = bytes.fromhex(id_) if len(id_) == 2 * _ID_BYTES else b""
    except ValueError:
        raise NoteInvalid("no verifier key") from None
    if raw[:1] != _ED25519 or len(raw) != 33 or not name or id_ != _key_id(name, raw[1:]):
        raise NoteInvalid("no verifier key")
    return name, id_, raw[1:]


def _decode(encoded):
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("not base64") from None


def _key_id(name, public):
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID_BYTES]


# -- checkpoints -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint states: so many entries, this root, signed then, after that note."""

    origin: str
    size: int
    root: bytes
    time: datetime | None = None
    previous: str | None = None

    def text(self) -> str:
        """The text to sign.

        >>> at = datetime(2026, 2, 3, 9, tzinfo=UTC)
        >>> print(Checkpoint("example", 1, bytes(32), at, "00ff").text(), end="")
        example
        1
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        time 2026-02-03T09:00:00Z
        previous 00ff
        """
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        if self.time:
            lines.append(f"time {self.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        if self.previous:
            lines.append(f"previous {self.previous}")
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint in the text of a note; lines it does not know are left to others.

        :raises NoteInvalid: when the text is no checkpoint
        """
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < 3:
            raise NoteInvalid("no checkpoint")
        origin, size, encoded, *more = lines
        if not origin or not size.isascii() or not size.isdecimal() or size != str(int(size)):
            raise NoteInvalid("no checkpoint")
        root = _decode(encoded)
        if len(root) != hashlib.sha256().digest_size:
            raise NoteInvalid("no checkpoint")
        extra = dict(line.split(" ", 1) for line in more if " " in line)
        try:
            time = datetime.fromisoformat(extra["time"]) if "time" in extra else None
        except ValueError:
            raise NoteInvalid("no checkpoint") from None
        return cls(origin, int(size), root, time, extra.get("previous"))


def note_digest(note: str) -> str:
    """What the next checkpoint calls this note."""
    return hashlib.sha256(note.encode()).hexdigest()
