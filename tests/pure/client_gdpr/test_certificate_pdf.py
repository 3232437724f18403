import base64
import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from client_gdpr.tools import certificate, certificate_pdf, document, verify_certificate

SEED = bytes(range(32))
OTHER = bytes(range(1, 33))
CONTENT = {
    "request": "GR/2026/0001",
    "received": "2026-11-23 09:00:00",
    "executed": "2026-11-25 10:00:00",
    "items": [
        {
            "action": "delete",
            "count": 2,
            "model": "crm.lead",
            "field": "partner_id",
            "reason": "no_ground",
            "law": "",
            "until": None,
        },
        {
            "action": "keep",
            "count": 1,
            "model": "account.move",
            "field": "partner_id",
            "reason": "statute",
            "law": "Act 235/2004 § 35",
            "until": "2036-12-31",
        },
    ],
    "verified": {"tables": 3, "columns": 9, "leftovers": []},
    "backups_lapse": "2027-02-23",
    "note": 'žluťoučký \u2028 \t "kůň"',
}
SIGNED = certificate.sign(CONTENT, SEED)
PUBLIC = SIGNED["public_key"]
PAGE = document.Document(
    "Osvědčení o výmazu",
    "Kolo a káva s.r.o.",
    ("Žádost",),
    [document.Section("Co zaniklo", bullets=("2 leads",))],
    foot="GR/2026/0001",
    code="gdpr-certificate:x",
    code_label="Digest",
)


@pytest.fixture(scope="module")
def pdf():
    return certificate_pdf.render(PAGE, SIGNED, SEED)


def test_program_reads_what_the_add_on_signs():
    assert verify_certificate.check_json(SIGNED, PUBLIC) == CONTENT
    assert verify_certificate.canonical(CONTENT) == certificate.content_bytes(CONTENT)


def test_page_is_a_pdf_that_readers_open_and_that_verifies(pdf):
    import pypdf

    reader = pypdf.PdfReader(__import__("io").BytesIO(pdf))
    assert "výmazu" in reader.pages[0].extract_text()
    assert json.loads(reader.attachments["certificate.json"][0]) == SIGNED
    assert verify_certificate.check_pdf(pdf, PUBLIC) == CONTENT


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_every_changed_byte_of_the_page_is_noticed(pdf, share):
    place = int(len(pdf) * share)
    changed = pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]
    with pytest.raises((verify_certificate.NotValid, ValueError, KeyError)):
        verify_certificate.check_pdf(changed, PUBLIC)


def test_page_with_another_certificate_inside_is_noticed():
    forged = certificate.sign(CONTENT | {"request": "GR/2026/0002"}, OTHER)
    mixed = certificate_pdf.render(PAGE, forged, SEED)
    with pytest.raises(verify_certificate.NotValid):
        verify_certificate.check_pdf(mixed)


def test_strangers_key_is_refused_when_the_companys_is_known(pdf):
    forged = certificate_pdf.render(PAGE, certificate.sign(CONTENT, OTHER), OTHER)
    assert verify_certificate.check_pdf(forged)
    for check, file in ((verify_certificate.check_pdf, forged), (verify_certificate.check_json, None)):
        with pytest.raises(verify_certificate.NotValid):
            check(file if file else certificate.sign(CONTENT, OTHER), PUBLIC)


def test_verifier_key_of_the_ledger_names_the_same_key():
    key = "ledger+deadbeef+" + base64.b64encode(b"\x01" + base64.b64decode(PUBLIC)).decode()
    assert verify_certificate.check_json(SIGNED, key) == CONTENT


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "none"},
        {"sha256": "0" * 64},
        {"signature": base64.b64encode(bytes(64)).decode()},
        {"content": CONTENT | {"backups_lapse": "2020-01-01"}},
    ],
)
def test_changed_certificate_is_refused(change):
    with pytest.raises(verify_certificate.NotValid):
        verify_certificate.check_json(copy.deepcopy(SIGNED) | change, PUBLIC)


def test_program_runs_alone(tmp_path, pdf):
    program = tmp_path / "verify_certificate.py"
    program.write_bytes(Path(verify_certificate.__file__).read_bytes())
    (tmp_path / "c.json").write_text(json.dumps(SIGNED), encoding="utf-8")
    (tmp_path / "c.pdf").write_bytes(pdf)
    (tmp_path / "bad.pdf").write_bytes(pdf.replace(b"GR/2026/0001", b"GR/2026/0009"))
    (tmp_path / "none.json").write_text("[]")

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-I", str(program), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    for name in ("c.json", "c.pdf"):
        code, said = run(name, PUBLIC)
        assert code == 0
        assert "account.move" in said
        assert "until 2036-12-31" in said
        assert "company's key" in said
    assert run("bad.pdf", PUBLIC)[0] == 1
    assert run("none.json")[0] == 1
    assert "compare" in run("c.json")[1]
