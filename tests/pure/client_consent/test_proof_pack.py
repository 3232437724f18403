import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import reportlab
from client_consent.tools import proof_pack, verify_pack
from client_consent.tools.file_kind import examine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MOMENT = datetime(2026, 4, 1, 12)
#: Fonts that come with reportlab: the layout is the same with any.
FOLDER = Path(reportlab.__file__).parent / "fonts"
FONTS = proof_pack.Fonts(str(FOLDER / "Vera.ttf"), str(FOLDER / "VeraBd.ttf"))


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def naive_root(leaves):
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\x01", naive_root(leaves[:split]), naive_root(leaves[split:]))


def naive_path(index, leaves):
    """RFC 6962, 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


@pytest.mark.parametrize("size", range(1, 34))
def test_paths_lead_to_the_root_the_standard_defines(size):
    commitments = [sha(bytes([place])).hex() for place in range(size)]
    leaves = [bytes.fromhex(verify_pack.leaf_hash(commitment)) for commitment in commitments]
    root = naive_root(leaves).hex()
    for index in range(size):
        path = [step.hex() for step in naive_path(index, leaves)]
        leaf = leaves[index].hex()
        assert verify_pack.root_of(leaf, index, size, path) == root
        assert verify_pack.root_of(leaf, index, size, [*path, "00" * 32]) != root
        assert verify_pack.root_of(leaf, index, size, path[:-1]) != root or size == 1
        assert verify_pack.root_of(leaf, index + size, size, path) == ""
        for place in range(len(path)):
            assert verify_pack.root_of(leaf, index, size, [*path[:place], "00" * 32, *path[place + 1 :]]) != root


def signed_note(text, name="firm.example/ledger", seed=bytes(32)):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = sha(name.encode(), b"\n", b"\x01", public)[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode())).decode()
    encoded = base64.b64encode(b"\x01" + public).decode()
    return f"{text}\n— {name} {signature}\n", f"{name}+{key_id.hex()}+{encoded}"


def test_signature_of_a_checkpoint_is_checked_against_the_key_that_is_known():
    note, key = signed_note("firm.example/ledger\n7\nqw==\n")
    assert verify_pack.is_signed(note, key)
    assert not verify_pack.is_signed(note.replace("\n7\n", "\n8\n"), key)
    _note, other = signed_note("x\n", seed=bytes(31) + b"\x01")
    assert not verify_pack.is_signed(note, other)
    assert verify_pack.checkpoint_lines(note) == (7, "ab")


def packed(folder, **changes):
    """A whole small pack in a folder, with one event, one text and one file."""
    payload = json.dumps(
        {
            "receipt": "r1",
            "kind": "given",
            "evidence": [sha(b"scan").hex()],
            "notice": {"code": "n", "version": 1, "lang": "en", "sha256": sha(b'{"text":"T","title":"t"}').hex()},
        }
    )
    commitment = sha(bytes(32), payload.encode()).hex()
    leaf = verify_pack.leaf_hash(commitment)
    note, key = signed_note(f"firm.example/ledger\n1\n{base64.b64encode(bytes.fromhex(leaf)).decode()}\n")
    proof = {
        "checkpoint": {"size": 1, "root": leaf, "note": note},
        "inclusion_proofs": {"r1": {"index": 0, "leaf": leaf, "path": []}},
        "notices": [
            {
                "code": "n",
                "version": 1,
                "lang": "en",
                "title": "t",
                "text": "T",
                "fingerprinted": '{"text":"T","title":"t"}',
                "sha256": sha(b'{"text":"T","title":"t"}').hex(),
            }
        ],
        "events": [
            {
                **json.loads(payload),
                "evidence": [{"sha256": sha(b"scan").hex(), "file": "evidence/1.png"}],
                "proof": {"salt": bytes(32).hex(), "payload": payload, "commitment": commitment},
            }
        ],
    }
    parts = [("proof.json", json.dumps(proof).encode()), ("evidence/1.png", b"scan")]
    target = io.BytesIO()
    proof_pack.write(target, parts, MOMENT)
    with zipfile.ZipFile(target) as archive:
        archive.extractall(folder)
    return proof, key


def test_whole_pack_fits_together_also_for_the_script_alone(tmp_path):
    _proof, key = packed(tmp_path)
    assert verify_pack.problems(tmp_path, key) == []
    script = (tmp_path / "verify_pack.py").write_bytes(Path(verify_pack.__file__).read_bytes())
    assert script
    command = [sys.executable, "-I", str(tmp_path / "verify_pack.py"), str(tmp_path), key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Everything in this pack fits together.\n")
    (tmp_path / "evidence/1.png").write_bytes(b"other")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize(
    ("where", "value", "why"),
    [
        (("checkpoint", "root"), "00" * 32, "another root"),
        (("checkpoint", "size"), 2, "another root or size"),
        (("inclusion_proofs", "r1", "leaf"), "00" * 32, "not that of the commitment"),
        (("inclusion_proofs", "r1", "index"), 1, "does not lead to the root"),
        (("inclusion_proofs", "r1", "path"), ["00" * 32], "does not lead to the root"),
        (("events", 0, "kind"), "refused", "its kind is not what the payload says"),
        (("events", 0, "proof", "salt"), "11" * 32, "do not give the commitment"),
        (("events", 0, "proof", "commitment"), "11" * 32, "do not give the commitment"),
        (("events", 0, "evidence", 0, "sha256"), "11" * 32, "not named by the event"),
        (("notices", 0, "text"), "Other", "shown otherwise"),
        (("notices", 0, "fingerprinted"), "{}", "not the text with this fingerprint"),
        (("notices",), [], "not in the pack"),
    ],
)
def test_each_change_is_found_and_named(tmp_path, where, value, why):
    proof, _key = packed(tmp_path)
    part = proof
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    (tmp_path / "proof.json").write_text(json.dumps(proof))
    found = verify_pack.problems(tmp_path)
    assert any(why in problem for problem in found), found
    assert any("proof.json" in problem for problem in found)


def test_two_parts_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two parts"):
        proof_pack.write(io.BytesIO(), [("a", b""), ("a", b"")], MOMENT)


def test_pdf_embeds_its_fonts_and_is_the_same_every_time():
    document = proof_pack.Document(
        title="Příliš žluťoučký kůň",
        sections=tuple(
            proof_pack.Section(f"Љубав {number}", ("a <b> & c\nsecond line",), (("Název", "x" * 300), ("Текст", "y")))
            for number in range(40)
        ),
        footer="contact number 7",
    )
    first = proof_pack.pdf(document, FONTS)
    assert first == proof_pack.pdf(document, FONTS)
    assert first.count(b"/FontFile2") >= 2
    assert examine(first, "proof.pdf").mimetype == "application/pdf"


def test_section_longer_than_a_page_breaks():
    rows = tuple((f"row {number}", "long " * 40) for number in range(200))
    document = proof_pack.Document("Proof", (proof_pack.Section("Long", (), rows),))
    assert proof_pack.pdf(document, FONTS).count(b"/Type /Page\n") > 5


def test_one_value_longer_than_a_page_breaks_too():
    document = proof_pack.Document("Proof", (proof_pack.Section("Long", (), (("note", "word " * 8000),)),))
    assert proof_pack.pdf(document, FONTS).count(b"/Type /Page\n") > 3
