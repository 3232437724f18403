import base64
import json
from unittest.mock import patch

from odoo.addons.client_consent.models.consent_receipt import ConsentReceipt
from odoo.addons.client_consent.tools import receipt
from odoo.exceptions import AccessError, UserError
from odoo.http import Request
from odoo.tests import HttpCase, new_test_user, tagged

from .test_evidence import PNG, EvidenceCase, file

CHECKPOINT = {
    "size": 1,
    "root": "ab" * 32,
    "signed_at": "2026-03-01 10:00:00",
    "key_fingerprint": "cd" * 16,
    "note": f"ledger\n1\n{base64.b64encode(bytes.fromhex('ab' * 32)).decode()}\n",
}


def under_checkpoint(events):
    """Let these events stand under a checkpoint, and no others."""
    proofs = {event.id: {"index": place, "leaf": "ef" * 32, "path": []} for place, event in enumerate(events)}

    def position(self, asked):
        return {id_: proofs[id_] for id_ in asked.ids if id_ in proofs}, CHECKPOINT

    return patch.object(ConsentReceipt, "_position", position)


class ReceiptCase(EvidenceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.receipts = cls.env["consent.receipt"]
        cls.event = cls.record(cls.evidences._store(cls.subject, [file("a.png", PNG)]), note="form no. 7")

    def text(self, event=None):
        return receipt.as_bytes(self.receipts._record(event or self.event)).decode()


@tagged("post_install", "-at_install")
class TestReceipt(ReceiptCase):
    def test_receipt_says_what_the_ledger_says_and_proves_it(self):
        document = json.loads(self.text())
        self.assertEqual(document["header"]["receipt_id"], self.event.uuid)
        self.assertEqual(document["proof"]["commitment"], self.event.commitment)
        self.assertEqual(document["processing"]["purposes"][0]["name"], "Newsletter")
        self.assertEqual(document["parties"][0]["party_name"], self.env.company.name)
        self.assertEqual(len(document["events"][0]["evidence"]), 1)
        self.assertEqual(receipt.check(self.text()).contradictions, ())

    def test_readable_receipt_tells_the_person_everything_in_his_language(self):
        self.env["res.lang"]._activate_lang("cs_CZ")
        self.person.lang = "cs_CZ"
        self.newsletter.with_context(lang="cs_CZ").name = "Novinky"
        page = self.receipts._readable(self.event)
        for words in ("Novinky", "eliska@post.example", self.env.company.name, self.event.uuid, "/privacy/receipt"):
            self.assertIn(words, page)

    def test_recipients_of_the_purpose_are_named(self):
        self.newsletter.recipients = "Print house\nMail service"
        document = json.loads(self.text())
        self.assertEqual(document["processing"]["recipient_third_parties"], ["Print house", "Mail service"])

    def test_erased_person_has_no_receipt_any_more(self):
        self.env["consent.event"]._clear(self.subject)
        with self.assertRaises(UserError):
            self.receipts._record(self.event)

    def test_outsider_makes_no_receipt(self):
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        for act in (
            lambda event: self.receipts.with_user(outsider)._record(event),
            lambda event: event.action_send_receipt(),
            lambda event: event.action_receipt(),
            lambda event: event.action_receipt_file(),
        ):
            with self.assertRaises(AccessError):
                act(self.event.with_user(outsider))

    def test_one_mail_per_person_with_a_receipt_for_each_answer(self):
        second = self.record(channel="phone", address="+420601234567")
        (self.event + second).with_user(self.recorder).action_send_receipt()
        mail = self.env["mail.mail"].search([("model", "=", "consent.event"), ("res_id", "=", self.event.id)])
        self.assertEqual(mail.email_to, "eliska@post.example")
        self.assertTrue(mail.auto_delete)
        self.assertEqual(len(mail.attachment_ids), 2)
        for attachment, event in zip(mail.attachment_ids.sorted("id"), self.event + second, strict=True):
            self.assertEqual(attachment.name, f"receipt-{event.uuid}.json")
            self.assertEqual(receipt.check(attachment.raw).number, event.uuid)
            self.assertFalse(attachment.index_content and "eliska" in attachment.index_content)
            self.assertIn(event.uuid, mail.body_html)

    def test_receipts_go_out_by_themselves_where_the_company_wishes(self):
        self.assertFalse(self.receipts._send(self.event))
        self.env.company.consent_send_receipts = True
        question = self.record(kind="requested", until=None)
        self.assertEqual(len(self.receipts._send(self.event + question)), 1)
        self.assertFalse(self.receipts._send(question))

    def test_button_without_an_address_says_so_and_sends_nothing(self):
        self.person.email = False
        unreachable = self.record(channel="phone", address="+420601234567")
        before = self.env["mail.mail"].search_count([])
        with self.assertRaises(UserError):
            (self.event + unreachable).action_send_receipt()
        self.assertEqual(self.env["mail.mail"].search_count([]), before)
        self.env.company.consent_send_receipts = True
        self.assertFalse(self.receipts._send(unreachable))


@tagged("post_install", "-at_install")
class TestReceiptCheck(ReceiptCase):
    def answer(self, text):
        return self.receipts._check_text(text)["answer"]

    def test_untouched_receipt_is_found_with_its_place(self):
        with under_checkpoint(self.event):
            found = self.receipts._check_text(self.text())
            self.assertEqual((found["answer"], found["position"]), ("unchanged", 0))
            self.assertEqual(self.receipts._check_number(self.event.uuid.upper())["answer"], "known")
            proof = json.loads(self.receipts._inclusion_file(self.event.uuid))
        self.assertEqual((proof["commitment"], proof["checkpoint"]), (self.event.commitment, CHECKPOINT))

    def test_receipt_that_is_not_under_a_checkpoint_waits(self):
        with under_checkpoint([]):
            self.assertEqual(self.answer(self.text()), "waiting")
            self.assertEqual(self.receipts._check_number(self.event.uuid)["answer"], "waiting")
            self.assertIsNone(self.receipts._inclusion_file(self.event.uuid))

    def test_changed_text_differs_wherever_it_was_changed(self):
        document = json.loads(self.text())
        document["events"][0]["event_kind"] = "withdrawn"
        forged = json.loads(self.text(self.record(kind="refused", until=None)))
        forged["header"]["record_id"] = forged["header"]["receipt_id"] = self.event.uuid
        with under_checkpoint(self.event):
            found = self.receipts._check_text(json.dumps(document))
            self.assertEqual((found["answer"], found["differences"]), ("differs", ["events.0.event_kind"]))
            self.assertEqual(self.answer(json.dumps(forged)), "differs")

    def test_receipt_made_by_somebody_else_is_not_taken_for_ours(self):
        """A whole, consistent receipt under a number of ours, made by somebody who knows only the number."""
        [said] = self.receipts._said(self.event).values()
        payload = said[0].replace(b'"given"', b'"refused"')
        facts = self.receipts._facts(self.event, None, None)
        forged = receipt.as_bytes(receipt.record(payload, bytes(32), "c1", facts))
        self.assertEqual(receipt.check(forged).contradictions, ())
        with under_checkpoint(self.event):
            self.assertEqual(self.answer(forged), "differs")

    def test_erased_persons_old_receipt_still_stands_in_the_ledger(self):
        text = self.text()
        self.env["consent.event"]._clear(self.subject)
        with under_checkpoint(self.event):
            self.assertEqual(self.answer(text), "unchanged")

    def test_unknown_number_and_nonsense(self):
        with under_checkpoint(self.event):
            for number, answer in (
                ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "unknown"),
                ("7", "no_receipt"),
                ("", "no_receipt"),
            ):
                self.assertEqual(self.receipts._check_number(number), {"answer": answer})
            self.assertEqual(self.answer("{}"), "no_receipt")

    def test_unknown_number_costs_as_many_queries_as_a_known_one(self):
        def queries(number):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.receipts._check_number(number)
            return self.env.cr.sql_log_count - before

        queries(self.event.uuid)
        known, unknown = queries(self.event.uuid), queries("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
        self.assertLessEqual(abs(known - unknown), 1)


@tagged("post_install", "-at_install")
class TestReceiptPage(ReceiptCase, HttpCase):
    def post(self, url="/privacy/receipt", files=None, csrf=True, **values):
        if csrf:
            values["csrf_token"] = Request.csrf_token(self)
        return self.url_open(url, data=values, files=files)

    def setUp(self):
        super().setUp()
        self.authenticate(None, None)

    def test_holder_checks_text_file_and_number_without_logging_in(self):
        self.assertIn('name="number"', self.url_open("/privacy/receipt").text)
        with under_checkpoint(self.event):
            for values in (
                {"text": self.text()},
                {"files": {"file": ("receipt.json", self.text(), "application/json")}},
            ):
                page = self.post(**values)
                self.assertEqual(page.status_code, 200)
                self.assertIn('data-answer="unchanged"', page.text)
                for personal in ("eliska", "Newsletter", "newsletter"):
                    self.assertNotIn(personal, page.text)
            known = self.post(number=self.event.uuid)
            self.assertIn('data-answer="known"', known.text)
            proof = self.post("/privacy/receipt/proof", number=self.event.uuid)
        self.assertEqual(proof.json()["commitment"], self.event.commitment)
        self.assertIn("attachment", proof.headers["Content-Disposition"])

    def test_unknown_waiting_and_differing_receipts_say_so(self):
        with under_checkpoint([]):
            waiting, unknown = (
                self.post(number=self.event.uuid),
                self.post(number="3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
            )
            nonsense = self.post(text="<script>alert(1)</script>")
            differing = self.post(text=self.text().replace('"given"', '"refused"'))
        for page, answer in (
            (waiting, "waiting"),
            (unknown, "unknown"),
            (nonsense, "no_receipt"),
            (differing, "differs"),
        ):
            self.assertEqual(page.status_code, 200)
            self.assertIn(f'data-answer="{answer}"', page.text)
        self.assertNotIn("alert(1)", nonsense.text)

    def test_only_a_post_with_its_token_checks(self):
        with under_checkpoint(self.event):
            self.assertNotIn("data-answer", self.url_open(f"/privacy/receipt?number={self.event.uuid}").text)
            self.assertEqual(self.post(csrf=False, number=self.event.uuid).status_code, 400)

    def test_too_many_checks_are_told_to_wait(self):
        with patch("odoo.addons.client_consent.controllers.receipt.allowed", lambda *args, **kwargs: False):
            page = self.post(number=self.event.uuid)
        self.assertEqual(page.status_code, 429)
        self.assertIn('data-answer="too_often"', page.text)

    def test_staff_print_and_save_what_they_may_read(self):
        for path in (f"/consent/receipt/{self.event.id}", f"/consent/receipt/{self.event.id}.json"):
            self.authenticate("recorder", "recorder")
            page = self.url_open(path)
            self.assertEqual(page.status_code, 200)
            self.assertIn("eliska@post.example", page.text)
            self.assertIn("no-store", page.headers["Cache-Control"])
        new_test_user(self.env, "outsider", "base.group_user")
        self.authenticate("outsider", "outsider")
        self.assertEqual(self.url_open(path).status_code, 404)
