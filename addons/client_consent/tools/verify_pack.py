#!/usr/bin/env python3
"""Check a proof pack with nothing but Python: python3 verify_pack.py [folder of the unpacked ZIP [verifier key]]

What it checks: every file is the one that was packed; every event gives its commitment; every inclusion proof leads
from the commitment to the root of the checkpoint (RFC 6962, RFC 9162 section 2.1.3.2); the checkpoint's text names that
root and size; evidence and texts are those that the events name. With the company's verifier key (name+id+base64, from
its recovery sheet or a mail, not from this pack) also who signed the checkpoint; that needs the package cryptography.
"""

# pylint: disable=print-used
# A program that is run by itself: what it finds goes to the terminal.

import base64
import hashlib
import json
import sys
from pathlib import Path


def problems(folder: Path, key: str = "") -> list[str]:
    """What does not fit, in words; an empty list when everything does."""
    found = []
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        if _sha256_of(folder / name) != digest:
            found.append(f"{name}: missing, or not the file that was packed")
    pack = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    checkpoint = pack["checkpoint"]
    if checkpoint and checkpoint_lines(checkpoint["note"]) != (checkpoint["size"], checkpoint["root"]):
        found.append("checkpoint: its signed text names another root or size")
    if key and not (checkpoint and is_signed(checkpoint["note"], key)):
        found.append("checkpoint: not signed by this key")
    for notice in pack["notices"]:
        if hashlib.sha256(notice["fingerprinted"].encode()).hexdigest() != notice["sha256"]:
            found.append(f"notice {notice['code']} v{notice['version']}: not the text with this fingerprint")
        elif not _shows(notice, json.loads(notice["fingerprinted"])):
            found.append(f"notice {notice['code']} v{notice['version']}: shown otherwise than it was published")
    for event in pack["events"]:
        found += [f"event {event['receipt']}: {why}" for why in _event_problems(event, pack, folder)]
    return found


def _event_problems(event, pack, folder):
    payload = event["proof"]["payload"]
    commitment = hashlib.sha256(bytes.fromhex(event["proof"]["salt"]) + payload.encode()).hexdigest()
    if commitment != event["proof"]["commitment"]:
        yield "payload and salt do not give the commitment"
        return
    said = json.loads(payload)
    for key, value in said.items():
        if key != "evidence" and event.get(key) != value:
            yield f"its {key} is not what the payload says"
    proof = pack["inclusion_proofs"].get(event["receipt"])
    if proof:
        if proof["leaf"] != leaf_hash(commitment):
            yield "the leaf is not that of the commitment"
        checkpoint = pack["checkpoint"]
        if root_of(proof["leaf"], proof["index"], checkpoint["size"], proof["path"]) != checkpoint["root"]:
            yield "the path does not lead to the root of the checkpoint"
    for file in event["evidence"]:
        if file["sha256"] not in said.get("evidence", ()):
            yield "a file is not named by the event"
        if file.get("file") and _sha256_of(folder / file["file"]) != file["sha256"]:
            yield "a file is not the one the event names"
    if said["notice"] and not any(
        (notice["code"], notice["version"], notice["lang"], notice["sha256"])
        == tuple(said["notice"][key] for key in ("code", "version", "lang", "sha256"))
        for notice in pack["notices"]
    ):
        yield "the text that was seen is not in the pack"


def leaf_hash(commitment: str) -> str:
    """RFC 6962, 2.1: what stands in the tree for a commitment."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(commitment)).hexdigest()


def root_of(leaf: str, index: int, size: int, path: list[str]) -> str:
    """The root to which an inclusion path leads, or nothing when the path has another length than it must.

    >>> root_of("aa" * 32, 0, 1, []) == "aa" * 32
    True
    >>> root_of("aa" * 32, 1, 1, [])
    ''
    """
    if not 0 <= index < size:
        return ""
    here, last, found = index, size - 1, bytes.fromhex(leaf)
    for step in map(bytes.fromhex, path):
        if not last:
            return ""
        if here & 1 or here == last:
            found = hashlib.sha256(b"\x01" + step + found).digest()
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + step).digest()
        here, last = here >> 1, last >> 1
    return "" if last else found.hex()


def checkpoint_lines(note: str) -> tuple[int, str]:
    """Size and root that a checkpoint's text names: its second and third line."""
    _origin, size, root = note.split("\n", 3)[:3]
    return int(size), base64.b64decode(root).hex()


def is_signed(note: str, key: str) -> bool:
    """Whether the holder of a verifier key signed the note (Ed25519, signed-note form)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, _empty, signatures = note.rpartition("\n\n")
    name, key_id, public = key.strip().split("+", 2)
    for line in signatures.splitlines():
        _dash, signer, signature = line.split(" ", 2)
        signature = base64.b64decode(signature)
        if signer == name and signature[:4].hex() == key_id:
            try:
                Ed25519PublicKey.from_public_bytes(base64.b64decode(public)[1:]).verify(
                    signature[4:], f"{text}\n".encode()
                )
            except InvalidSignature:
                return False
            return True
    return False


def _shows(notice, published):
    """Whether title and text in the pack are the published ones."""
    return (notice["title"], notice["text"]) == (published["title"], published["text"])


def _sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0] if arguments else ".")
    found = problems(folder, *arguments[1:2])
    print("\n".join(found) or "Everything in this pack fits together.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
