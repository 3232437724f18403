import io
import json
import tempfile
import zipfile
from pathlib import Path

from odoo.addons.client_consent.tools import file_kind, verify_pack
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.pdf import PdfFileReader

from .test_evidence import PNG, EvidenceCase, file
from .test_receipt import under_checkpoint


class ProofCase(EvidenceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first, cls.second = cls.notice("<p>First text, ž</p>"), cls.notice("<p>Second text</p>", version=2)
        cls.evidence = cls.evidences._store(cls.subject, [file("Eliška.png", PNG)])
        cls.yes = cls.record(
            cls.evidence, at="2026-02-03 09:00:00", until="2099-01-01", notice=cls.first, note="příhrádka 7"
        )
        cls.no = cls.record(kind="withdrawn", at="2026-05-03 09:00:00", until=None, notice=cls.second)

    @classmethod
    def notice(cls, body, version=1):
        notice = cls.env["consent.notice"].create(
            {
                "code": "trial",
                "name": f"May we? {version}",
                "body": f"{body}<p>You may withdraw at any time: write to {cls.env.company.email}.</p>",
                "lang": "en_US",
                "version": version,
                "purpose_ids": [(4, cls.newsletter.id)],
            }
        )
        notice.action_publish()
        return notice

    def words(self, pdf):
        return "\n".join(page.extract_text() for page in PdfFileReader(io.BytesIO(pdf)).pages)


@tagged("post_install", "-at_install")
class TestProof(ProofCase):
    def test_proof_tells_all_that_happened_and_how_to_check_it(self):
        with under_checkpoint(self.yes + self.no):
            proof = self.person.with_user(self.recorder).consent_proof()
        json.dumps(proof)
        self.assertEqual([event["kind"] for event in proof["events"]], ["given", "withdrawn"])
        self.assertEqual([answer["state"] for answer in proof["answers"]], ["withdrawn"])
        self.assertEqual(set(proof["inclusion_proofs"]), {self.yes.uuid, self.no.uuid})
        self.assertEqual(proof["checkpoint"]["size"], 1)
        self.assertEqual([notice["version"] for notice in proof["notices"]], [1, 2])
        self.assertIn("First text, ž", proof["notices"][0]["text"])
        self.assertEqual(proof["events"][0]["evidence"][0]["sha256"], self.evidence.sha256)
        self.assertEqual(proof["events"][0]["note"], "příhrádka 7")

    def test_as_of_a_day_later_events_and_texts_are_left_out_and_the_state_is_that_of_the_day(self):
        with under_checkpoint([]):
            proof = self.person.consent_proof(at="2026-04-01 00:00:00")
            before = self.person.consent_proof(at="2026-01-01 00:00:00")
        self.assertEqual([event["receipt"] for event in proof["events"]], [self.yes.uuid])
        self.assertEqual(
            [(answer["state"], answer["until"]) for answer in proof["answers"]], [("active", "2099-01-01")]
        )
        self.assertEqual([notice["version"] for notice in proof["notices"]], [1])
        self.assertTrue(proof["events"][0]["recorded_later"])
        self.assertEqual((before["events"], before["answers"], before["notices"]), ([], [], []))

    def test_consent_that_had_ended_by_then_is_expired(self):
        self.record(at="2024-02-03 09:00:00", until="2025-02-03", channel="phone", address="+420601234567")
        with under_checkpoint([]):
            for at, state in (("2024-12-31", "active"), ("2025-02-04", "expired")):
                self.assertEqual(self.person.consent_proof(at=at)["answers"][0]["state"], state)

    def test_future_and_strangers_are_refused(self):
        with self.assertRaises(UserError):
            self.person.consent_proof(at="2099-01-01")
        outsider = new_test_user(self.env, "outsider", "base.group_user,base.group_partner_manager")
        with self.assertRaises(AccessError):
            self.person.with_user(outsider).consent_proof()

    def test_events_of_other_companies_are_for_their_users(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.record(company=elsewhere)
        with under_checkpoint([]):
            self.assertEqual(len(self.person.with_user(self.recorder).consent_proof()["events"]), 2)

    def test_merged_contact_shows_both_histories(self):
        twin = self.env["res.partner"].create(self.person_values("Eliška Testovaná", "eliska"))
        self.record(subject=twin._consent_subject(create=True), at="2026-01-01 08:00:00")
        self.env["base.partner.merge.automatic.wizard"]._merge((self.person + twin).ids, self.person)
        with under_checkpoint([]):
            self.assertEqual(len(self.person.consent_proof()["events"]), 3)


@tagged("post_install", "-at_install")
class TestProofPack(ProofCase):
    def unpack(self, with_evidence=True, at="2026-06-01 00:00:00", events=None):
        wizard = self.env["consent.proof.wizard"].with_user(self.recorder)
        wizard = wizard.create({"partner_id": self.person.id, "at": at, "with_evidence": with_evidence})
        with under_checkpoint(events or []):
            target, name = wizard._pack()
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        with target, zipfile.ZipFile(target) as archive:
            archive.extractall(folder)
        return folder, name

    def names(self, folder):
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def test_pack_fits_together_and_is_read_by_people(self):
        folder, name = self.unpack()
        self.assertRegex(name, r"^consent-proof-[0-9a-f]{8}-2026-06-01\.zip$")
        self.assertEqual(verify_pack.problems(folder), [])
        pdf = (folder / "proof.pdf").read_bytes()
        words = self.words(pdf)
        for expected in (
            "Eliška Testovaná",
            "příhrádka 7",
            "Given",
            "Withdrawn",
            self.yes.uuid,
            "May we? 1",
            "eliska@post.example",
        ):
            self.assertIn(expected, words)
        self.assertLess(words.index(self.yes.uuid), words.index(self.no.uuid))
        self.assertIn(b"DejaVuSans", pdf)
        # what we hand out we would take as evidence ourselves
        self.assertEqual(file_kind.examine(pdf, "proof.pdf").mimetype, "application/pdf")

    def test_names_in_the_pack_tell_nothing_about_the_person(self):
        folder, name = self.unpack()
        names = self.names(folder)
        self.assertNotRegex(" ".join([*names, name]).lower(), r"eli|testov|post")
        self.assertIn(f"evidence/{self.evidence.sha256[:16]}.png", names)
        self.assertEqual((folder / f"evidence/{self.evidence.sha256[:16]}.png").read_bytes(), PNG)
        self.assertEqual(sum(name.startswith("notices/") for name in names), 2)
        for needed in ("proof.json", "proof.pdf", "HOW-TO-CHECK.txt", "verify_pack.py", "SHA256SUMS"):
            self.assertIn(needed, names)

    def test_evidence_goes_along_only_when_asked(self):
        folder, _name = self.unpack(with_evidence=False)
        self.assertFalse((folder / "evidence").exists())
        self.assertEqual(verify_pack.problems(folder), [])

    def test_pack_as_of_a_day_holds_no_later_text(self):
        folder, _name = self.unpack(at="2026-04-01 00:00:00")
        everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        self.assertIn(b"First text", everything)
        self.assertNotIn(b"Second text", everything)
        self.assertNotIn(self.no.uuid.encode(), everything)

    def test_anything_changed_in_the_pack_is_found(self):
        for what, change in {
            "event": lambda proof: proof["events"][0].update(kind="refused"),
            "payload": lambda proof: proof["events"][0]["proof"].update(payload="{}"),
            "text": lambda proof: proof["notices"][0].update(text="<p>Other</p>"),
            "fingerprinted": lambda proof: proof["notices"][0].update(fingerprinted="{}"),
            "checkpoint": lambda proof: proof["checkpoint"].update(root="00" * 32),
            "evidence": lambda proof: proof["events"][0]["evidence"][0].update(sha256="00" * 32),
            "missing text": lambda proof: proof.update(notices=[]),
        }.items():
            with self.subTest(what=what):
                folder, _name = self.unpack()
                path = folder / "proof.json"
                proof = json.loads(path.read_bytes())
                change(proof)
                path.write_text(json.dumps(proof))
                self.assertGreaterEqual(len(verify_pack.problems(folder)), 2)

    def test_shredded_evidence_is_named_and_not_in_the_pack(self):
        self.evidence._shred()
        folder, _name = self.unpack()
        self.assertFalse((folder / "evidence").exists())
        self.assertIn("shredded on", self.words((folder / "proof.pdf").read_bytes()))

    def test_person_nobody_asked_has_a_pack_that_says_so(self):
        folder, name = self.unpack(at="2020-01-01 00:00:00")
        self.assertIn("none", name)
        self.assertEqual(verify_pack.problems(folder), [])
        self.assertIn("Nothing", self.words((folder / "proof.pdf").read_bytes()))


@tagged("post_install", "-at_install")
class TestProofDownload(ProofCase, HttpCase):
    def test_one_button_gives_the_pack_to_the_one_who_pressed_it(self):
        wizard = self.env["consent.proof.wizard"].with_user(self.recorder).create({"partner_id": self.person.id})
        url = wizard.action_pack()["url"]
        self.authenticate("recorder", "recorder")
        with under_checkpoint([]):
            answer = self.url_open(url)
        self.assertEqual((answer.status_code, answer.headers["Content-Type"]), (200, "application/zip"))
        self.assertIn("no-store", answer.headers["Cache-Control"])
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            self.assertIn("proof.pdf", archive.namelist())
        new_test_user(self.env, "colleague", "client_consent.group_consent_user")
        self.authenticate("colleague", "colleague")
        self.assertEqual(self.url_open(url).status_code, 404)

    def test_future_is_refused_before_the_download(self):
        wizard = self.env["consent.proof.wizard"].create({"partner_id": self.person.id, "at": "2099-01-01"})
        with self.assertRaises(UserError):
            wizard.action_pack()


@tagged("post_install", "-at_install")
class TestProofWithLedger(ProofCase):
    """With the real ledger: proofs lead from these events to a checkpoint that is really signed."""

    def test_pack_verifies_against_the_signed_checkpoint(self):
        self.env["consent.checkpoint"]._sequence_and_sign()
        proof = self.person.consent_proof()
        self.assertEqual(set(proof["inclusion_proofs"]), {self.yes.uuid, self.no.uuid})
        found = self.env["consent.receipt"]._check_number(self.yes.uuid)
        self.assertEqual(
            (found["answer"], found["position"]), ("known", proof["inclusion_proofs"][self.yes.uuid]["index"])
        )
        target, _name = self.env["consent.proof"]._pack(self.person, "2026-06-01 00:00:00", True)
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        with target, zipfile.ZipFile(target) as archive:
            archive.extractall(folder)
        self.assertEqual(verify_pack.problems(folder), [])
        path = folder / "proof.json"
        changed = json.loads(path.read_bytes())
        changed["inclusion_proofs"][self.yes.uuid]["index"] += 1
        path.write_text(json.dumps(changed))
        self.assertTrue(any("path" in why for why in verify_pack.problems(folder)))
