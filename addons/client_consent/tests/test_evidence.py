import base64
import io
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.addons.client_consent.models.consent_evidence import ConsentEvidence
from odoo.addons.client_consent.tools import commitment
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from reportlab.pdfgen.canvas import Canvas

from .common import ConsentCase

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def form_pdf(words="I agree to the newsletter. Eliška Testovaná"):
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.drawString(100, 700, words)
    canvas.save()
    return target.getvalue()


def file(name, content, **more):
    return {"name": name, "content": base64.b64encode(content).decode(), **more}


class EvidenceCase(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.subject = cls.person._consent_subject(create=True)
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")
        cls.evidences = cls.env["consent.evidence"]

    @classmethod
    def record(cls, evidence=None, kind="given", at="2026-02-03 09:00:00", until="2099-02-03", **more):
        """An event as the ledger appends it, with what shows that it happened."""
        entry = {
            "subject": cls.subject,
            "purpose": cls.newsletter,
            "company": cls.env.company,
            "kind": kind,
            "source": "paper",
            "channel": "email",
            "address": "eliska@post.example",
            "at": fields.Datetime.to_datetime(at),
            "until": until and fields.Date.to_date(until),
            "evidence": evidence if evidence is not None else cls.evidences,
        }
        return cls.env["consent.event"]._append([entry | more])

    def stored(self):
        self.env.cr.execute("SELECT count(*) FROM consent_evidence WHERE subject_id = %s", [self.subject.id])
        return self.env.cr.fetchone()[0]


@tagged("post_install", "-at_install")
class TestEvidence(EvidenceCase):
    def test_evidence_is_encrypted_named_by_its_event_and_opened_by_who_may(self):
        plain, attachments = form_pdf(), self.env["ir.attachment"].search_count([])
        evidence = self.evidences.with_user(self.recorder)._store(self.subject, [file("Souhlas Eliška.pdf", plain)])
        event = self.record(evidence.sudo())
        self.env.cr.execute("SELECT sealed FROM consent_evidence WHERE id = %s", [evidence.id])
        sealed = bytes(self.env.cr.fetchone()[0])
        self.assertNotIn(plain[:40], sealed)
        self.assertEqual(self.env["ir.attachment"].search_count([]), attachments)
        self.assertEqual((evidence.kind, evidence.mimetype, evidence.size), ("scan", "application/pdf", len(plain)))
        self.assertEqual(event.with_user(self.recorder).evidence_ids, evidence)
        self.assertEqual(self.evidences._of_event(event), evidence)
        self.assertEqual(evidence._open(), plain)

    def test_every_kind_of_evidence_is_taken(self):
        mail = b"From: a@post.example\r\nDate: Tue, 3 Feb 2026 10:00:00 +0100\r\n\r\nI agree.\r\n"
        found = self.evidences._store(
            self.subject,
            [
                file("photo.png", PNG),
                file("answer.eml", mail),
                file("sms.txt", b"ANO"),
                file("contract.pdf", form_pdf(), kind="contract"),
            ],
        )
        self.assertEqual(found.mapped("kind"), ["photo", "mail", "sms", "contract"])
        self.assertEqual([evidence._open() for evidence in found][:3], [PNG, mail, b"ANO"])

    def test_the_same_file_is_kept_once(self):
        first = self.evidences._store(self.subject, [file("a.pdf", form_pdf("x"))])
        content = self.evidences.browse(first.id)._open()
        again = self.evidences._store(self.subject, [file("b.pdf", content), file("c.png", PNG), file("d.png", PNG)])
        self.assertEqual((again[0], again[1], self.stored()), (first, again[2], 2))

    def test_bad_files_are_refused_by_number_and_nothing_is_kept(self):
        good, pdf = file("good.png", PNG), form_pdf()
        hundred_megabytes = "A" * (4 * (100 << 20) // 3)
        for what, bad in {
            "100 MB": {"name": "scan.pdf", "content": hundred_megabytes},
            "no base64": {"name": "scan.pdf", "content": "%%% not base64 %%%"},
            "base64 cut": {"name": "scan.pdf", "content": base64.b64encode(pdf).decode()[:-3]},
            "PDF cut": file("scan.pdf", pdf[: len(pdf) // 2]),
            "PNG cut": file("scan.png", PNG[:-9]),
            "nothing": file("scan.pdf", b""),
            "a program": file("scan.pdf", b"MZ" + bytes(300)),
            "another type": file("scan.jpg", pdf),
            "no name": {"content": "QUJD"},
            "no content": {"name": "scan.pdf", "content": False},
            "other kind": file("scan.pdf", pdf, kind="x"),
        }.items():
            with self.subTest(what=what), self.assertRaises(UserError) as refused:
                self.evidences._store(self.subject, [good, bad])
            self.assertIn("2", str(refused.exception))
            self.assertNotIn("scan", str(refused.exception).replace("Scan", "").replace("scan it", ""))
            self.assertEqual(self.stored(), 0)
        for nonsense in ("form.pdf", {"name": "a"}, [7], ["form.pdf"]):
            with self.assertRaises(UserError):
                self.evidences._store(self.subject, nonsense)

    def test_limit_of_the_company_counts_to_the_byte(self):
        self.env.company.consent_evidence_megabytes = 1
        text = b"a" * (1 << 20)
        self.assertEqual(self.evidences._store(self.subject, [file("sms.txt", text)]).size, 1 << 20)
        with self.assertRaises(UserError) as refused:
            self.evidences._store(self.subject, [file("sms.txt", text + b"a")])
        self.assertIn("1 MB", str(refused.exception))

    def test_every_reason_has_words(self):
        from odoo.addons.client_consent.tools import file_kind

        for reason in file_kind.REASONS:
            self.assertTrue(self.evidences._why_refused(reason))

    def test_name_loses_folders_and_hidden_signs(self):
        found = self.evidences._store(self.subject, [file("C:\\secret\\fo\u202erm.PNG", PNG)])
        self.assertEqual(found.name, "form.png")
        self.assertEqual(found._download_name(), f"evidence-{found.id}.png")

    def test_ciphertext_of_another_person_or_file_does_not_open(self):
        mine = self.evidences._store(self.subject, [file("a.pdf", form_pdf("x")), file("b.png", PNG)])
        other = self.env["res.partner"].create({"name": "Other"})._consent_subject(create=True)
        theirs = self.evidences._store(other, [file("a.txt", b"ANO")])
        for source, target in ((mine[0], mine[1]), (theirs, mine[1]), (mine[1], theirs)):
            with self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(
                    """UPDATE consent_evidence SET sealed = (SELECT sealed FROM consent_evidence WHERE id = %s)
                        WHERE id = %s""",
                    [source.id, target.id],
                )
                with self.assertRaises(UserError):
                    target._open()
                savepoint.rollback()

    def test_nobody_makes_changes_or_deletes_evidence_by_hand(self):
        evidence = self.evidences._store(self.subject, [file("a.png", PNG)])
        for act in (
            lambda: self.evidences.create({}),
            lambda: evidence.write({"name": "b.png"}),
            lambda: evidence.unlink(),
        ):
            with self.assertRaises(UserError):
                act()

    def test_outsiders_other_companies_and_plain_reads_get_nothing(self):
        evidence = self.evidences._store(self.subject, [file("a.png", PNG)])
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = new_test_user(
            self.env,
            "foreign",
            "client_consent.group_consent_user",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        for user in (outsider, foreign):
            for act in (lambda e: e.read(["name"]), lambda e: e.action_open(), lambda e: e._open()):
                with self.assertRaises(AccessError):
                    act(evidence.with_user(user))
        self.assertFalse(self.evidences.with_user(foreign).search([]) & evidence)
        with self.assertRaises(AccessError):
            evidence.with_user(self.env.ref("base.user_admin")).read(["sealed"])

    def test_erasing_the_person_leaves_no_evidence_and_the_ledger_verifies(self):
        evidence = self.evidences._store(self.subject, [file("a.png", PNG)])
        event = self.record(evidence)
        committed = event.commitment
        # a vault may still need the subject: its evidence is gone all the same
        self.env["consent.event"]._clear(self.subject)
        self.assertFalse(evidence.exists())
        self.assertTrue(self.subject.exists())
        self.assertEqual(event.commitment, committed)
        self.assertFalse(event.evidence_ids)

    def test_deleting_the_subject_deletes_its_evidence_in_the_database(self):
        other = self.env["res.partner"].create({"name": "Other"})._consent_subject(create=True)
        evidence = self.evidences._store(other, [file("a.png", PNG)])
        other.unlink()
        self.env.cr.execute("SELECT FROM consent_evidence WHERE id = %s", [evidence.id])
        self.assertFalse(self.env.cr.rowcount)


@tagged("post_install", "-at_install")
class TestEvidenceTerm(EvidenceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.consent_evidence_months = 36
        cls.evidence = cls.evidences._store(cls.subject, [file("a.png", PNG)])
        cls.today = fields.Date.today()

    def ago(self, **delta):
        return fields.Datetime.to_string(fields.Datetime.now() - relativedelta(**delta))

    def shred(self):
        with patch.object(ConsentEvidence, "_commit_batch", lambda self, done: float("inf")):
            self.evidences._cron_shred()
        return self.evidence.shredded_on

    def ends_on(self):
        self.evidence.invalidate_recordset(["ends_on"])
        return self.evidence.ends_on

    def test_term_counts_from_the_last_day_of_the_consent(self):
        self.record(self.evidence, until="2030-01-31")
        self.assertEqual(str(self.ends_on()), "2033-01-31")
        self.assertFalse(self.shred())

    def test_term_counts_from_the_withdrawal(self):
        self.record(self.evidence, until="2099-01-01", at=self.ago(months=40))
        self.assertFalse(self.shred())
        self.record(kind="withdrawn", until=None, at=self.ago(months=36))
        self.assertEqual(self.ends_on(), self.today)
        self.assertFalse(self.shred())
        self.env.company.consent_evidence_months = 35
        self.assertEqual(self.shred(), self.today)

    def test_while_a_consent_without_end_is_in_force_it_has_no_end(self):
        self.record(self.evidence, until=None, at=self.ago(years=9))
        self.assertFalse(self.ends_on())
        self.assertFalse(self.shred())

    def test_one_living_consent_keeps_what_an_ended_one_also_used(self):
        self.record(self.evidence, at="2019-01-01 08:00:00", until="2020-01-01")
        self.record(self.evidence, channel="phone", address="+420601234567", until="2090-01-01")
        self.assertFalse(self.shred())

    def test_renewal_without_a_new_file_keeps_the_old_one(self):
        self.record(self.evidence, at="2019-01-01 08:00:00", until="2020-01-01")
        self.record(until="2090-01-01")
        self.assertFalse(self.shred())

    def test_past_its_term_file_and_name_are_gone_and_the_ledger_stays_whole(self):
        event = self.record(self.evidence, at="2019-01-01 08:00:00", until="2020-01-01")
        digest = self.evidence.sha256
        self.assertEqual(self.shred(), self.today)
        self.env.cr.execute(
            "SELECT sealed, name, payload, salt FROM consent_evidence, consent_event WHERE consent_evidence.id = %s "
            "AND consent_event.id = %s",
            [self.evidence.id, event.id],
        )
        sealed, name, payload, salt = self.env.cr.fetchone()
        self.assertEqual((sealed, name), (None, None))
        commitment.check(event.commitment, bytes(salt), bytes(payload))
        self.assertIn(digest, bytes(payload).decode())
        event.invalidate_recordset()
        self.assertEqual(event.evidence_ids, self.evidence)
        self.assertIn("shredded", self.evidence.display_name)
        with self.assertRaises(UserError):
            self.evidence._open()

    def test_what_somebody_holds_is_kept_and_the_rest_of_the_batch_goes(self):
        other = self.evidences._store(self.subject, [file("b.txt", b"ANO")])
        self.record(self.evidence + other, at="2019-01-01 08:00:00", until="2020-01-01")
        with (
            patch.object(ConsentEvidence, "_keep_longer", lambda self, evidence: evidence & other),
            patch("odoo.addons.client_consent.models.consent_evidence.BATCH", 1),
        ):
            self.shred()
        self.assertTrue(self.evidence.shredded_on)
        self.assertFalse(other.shredded_on)

    def test_what_no_event_names_ends_by_itself(self):
        self.env.cr.execute(
            "UPDATE consent_evidence SET stored_at = %s WHERE id = %s", [self.ago(months=40), self.evidence.id]
        )
        self.assertEqual(self.shred(), self.today)

    def test_a_file_of_a_shredded_one_is_kept_anew(self):
        self.record(self.evidence, at="2019-01-01 08:00:00", until="2020-01-01")
        self.shred()
        again = self.evidences._store(self.subject, [file("a.png", PNG)])
        self.assertNotEqual(again, self.evidence)
        self.assertEqual(again._open(), PNG)


@tagged("post_install", "-at_install")
class TestEvidencePage(EvidenceCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pdf = form_pdf()
        cls.scan, cls.text = cls.evidences._store(cls.subject, [file("Eliška.pdf", cls.pdf), file("a.txt", b"ANO")])

    def get(self, evidence, query=""):
        return self.url_open(f"/consent/evidence/{evidence.id}{query}", allow_redirects=False)

    def test_permitted_user_sees_the_file_and_nothing_in_it_can_run(self):
        self.authenticate("recorder", "recorder")
        shown = self.get(self.scan)
        self.assertEqual((shown.status_code, shown.content), (200, self.pdf))
        self.assertTrue(shown.headers["Content-Disposition"].startswith("inline"))
        self.assertNotIn("Eli", shown.headers["Content-Disposition"])
        self.assertEqual(shown.headers["X-Content-Type-Options"], "nosniff")
        self.assertTrue(shown.headers["Content-Security-Policy"].startswith("sandbox"))
        self.assertIn("no-store", shown.headers["Cache-Control"])
        for saved in (self.get(self.scan, "?download=1"), self.get(self.text)):
            self.assertTrue(saved.headers["Content-Disposition"].startswith("attachment"))

    def test_others_learn_nothing_not_even_that_it_exists(self):
        new_test_user(self.env, "outsider", "base.group_user")
        self.authenticate("outsider", "outsider")
        refused, missing = self.get(self.scan), self.get(self.evidences.browse(99999999))
        self.assertEqual((refused.status_code, missing.status_code), (404, 404))
        self.authenticate(None, None)
        self.assertEqual(self.get(self.scan).status_code, 303)

    def test_shredded_file_is_not_found(self):
        self.scan._shred()
        self.authenticate("recorder", "recorder")
        self.assertEqual(self.get(self.scan).status_code, 404)
