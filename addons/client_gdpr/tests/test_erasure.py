import json
from unittest.mock import patch

from odoo.addons.client_consent.tests.common import use_key
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models.res_partner import ResPartner
from ..pipeline.gdpr_executor import GdprExecutor
from ..tools import certificate
from .common import GdprCase


@tagged("post_install", "-at_install")
class TestErasure(GdprCase):
    def test_person_whom_nothing_holds_goes_whole_with_messages_files_and_consents(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        event = self.env["consent.event"].search([("partner_id", "=", self.person.id)])
        message = self.person.message_post(body="Something about Eliška Testovaná")
        file = self.env["ir.attachment"].create(
            {"name": "letter.txt", "raw": b"Dear Eliska", "res_model": "res.partner", "res_id": self.person.id}
        )
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(self.person.exists() or message.exists() or file.exists())
        self.assertTrue(event.exists(), "the ledger keeps its line")
        self.assertFalse(event.subject_id or event.address)
        self.assertEqual(request.subject_label, f"Contact {self.person.id}")

    def test_certificate_verifies_with_the_key_and_names_nobody(self):
        request = self.erase()
        signed = json.loads(request.certificate_ids.document)
        content = certificate.verify(signed, request.certificate_ids._public_keys()[0])
        self.assertEqual(content["request"], request.name)
        self.assertGreater(content["verified"]["columns"], 100)
        self.assertNotIn("Testovan", request.certificate_ids.document)
        request.certificate_ids.sudo().document = request.certificate_ids.document.replace(
            '"deleted"', '"kept"'
        ).replace('"version": 1', '"version": 2')
        self.assertEqual(request.certificate_ids.verdict, "invalid")

    def test_certificate_verifies_after_an_exchange_of_the_key_and_a_strangers_never(self):
        request = self.erase()
        document, signers = request.certificate_ids.document, self.env["consent.signer"]
        present, following, stranger = (
            self.env["consent.key"]._ring(),
            *(KeyRing.load(KeyRing.generate()) for _ring in range(2)),
        )
        self.env["consent.key"]._rewrap(present, following)
        signers._introduce(present, following)
        with use_key(following):
            self.env.invalidate_all()
            self.assertEqual(request.certificate_ids.verdict, "valid")
            self.assertEqual(len(request.certificate_ids._public_keys()), 2)
            content = json.loads(document)["content"]
            forged = certificate.sign(content, stranger.derive("signature-ed25519"))
            request.certificate_ids.sudo().document = json.dumps(forged)
            self.assertEqual(request.certificate_ids.verdict, "invalid", "nobody vouches for this key")
        with use_key(stranger):
            request.certificate_ids.sudo().document = document
            self.env.invalidate_all()
            self.assertEqual(request.certificate_ids.verdict, "invalid")

    def test_erasure_leaves_the_ledger_whole_and_every_basis_as_the_ledger_says(self):
        twin = self.env["res.partner"].create(self.person_values("Jiný", "other"))
        (self.person | twin).consent_give("newsletter", ["email"], "web_form")
        events = self.env["consent.event"]
        events.ledger_sign()
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertEqual(events.basis_rebuild()["differing"], 0)
        events.ledger_sign()
        self.assertEqual(events.ledger_verify()["problems"], [])
        self.assertTrue(twin.consent_allows("newsletter", "email"))

    def test_bystander_with_similar_data_is_untouched(self):
        twin = self.env["res.partner"].create(
            self.person_values("Eliška Testovaná", "eliska.other", "+420 777 000 111")
        )
        before = twin.read()[0]
        self.erase()
        twin.invalidate_recordset()
        after = twin.read()[0]
        self.assertEqual({k for k in before if before[k] != after[k]}, set())

    def test_address_shared_with_another_contact_finds_nothing_of_theirs(self):
        twin = self.env["res.partner"].create(self.person_values("Partner Testovaný", "eliska"))
        note = twin.message_post(body="write to eliska@post.example")
        request = self.erase()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertEqual(twin.email, "eliska@post.example")
        self.assertIn("eliska@post.example", note.body)

    def test_new_kind_of_data_after_approval_sends_the_plan_back_and_touches_nothing(self):
        request = self.open_request()
        request.action_submit()
        request.with_user(self.approver).action_approve()
        self.env["res.partner.bank"].create({"acc_number": "CZ6508000000192000145399", "partner_id": self.person.id})
        request.with_user(self.approver).action_execute()
        self.assertEqual(request.state, "planned")
        self.assertFalse(request.approver_id)
        self.assertEqual(self.person.name, "Eliška Testovaná")

    def test_records_that_came_later_under_an_approved_rule_are_taken_and_listed(self):
        self.person.message_post(body="one")
        request = self.open_request()
        request.action_submit()
        request.with_user(self.approver).action_approve()
        late = self.person.message_post(body="two")
        request.with_user(self.approver).action_execute()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(late.exists())
        content = json.loads(request.certificate_ids.document)["content"]
        self.assertIn({"model": "mail.message", "count": 1}, content["came_later"])

    def test_failing_step_changes_nothing_and_the_retry_finishes(self):
        request = self.open_request()
        request.action_submit()
        request.with_user(self.approver).action_approve()
        with patch.object(GdprExecutor, "_erase_consents", side_effect=UserError("no way today")):
            request.with_user(self.approver).action_execute()
        self.assertEqual((request.state, request.failure), ("failed", "no way today"))
        self.assertEqual(self.person.name, "Eliška Testovaná")
        self.assertFalse(request.sudo().identity_payload)
        request.action_retry()
        self.assertEqual(request.state, "executed", request.failure)
        self.assertFalse(request.sudo().identity_payload)

    def test_leftover_fails_the_request_and_no_certificate_is_made(self):
        hidden = self.env["res.country.group"].create({"name": "eliska@post.example"})
        request = self.erase()
        self.assertEqual(request.state, "failed")
        self.assertIn(f"res.country.group.name: {hidden.id}", request.failure)
        self.assertNotIn("eliska", request.failure)
        self.assertFalse(request.certificate_ids)
        hidden.name = "Nothing"
        request.action_retry()
        self.assertEqual(request.state, "executed", request.failure)

    def test_preview_changes_nothing_and_shows_what_would_happen(self):
        self.person.message_post(body="hello")
        wizard = self.env["gdpr.erasure.wizard"].with_user(self.handler).create({"partner_id": self.person.id})
        self.assertIn("messages", wizard.preview)
        self.assertEqual(self.env["gdpr.request"].search_count([("partner_ids", "=", self.person.id)]), 0)
        action = wizard.action_submit()
        self.assertEqual(self.env["gdpr.request"].browse(action["res_id"]).state, "submitted")

    def test_erased_person_cannot_be_erased_again(self):
        with (
            patch.object(ResPartner, "_gdpr_why_not_erasable", return_value="erased already"),
            self.assertRaises(UserError),
        ):
            self.open_request()

    def test_sealed_contact_is_allowed_nothing(self):
        self.env["consent.purpose"].create(
            {"code": "recall", "name": "Safety recalls", "lawful_basis": "legal_obligation", "channel_email": True}
        ).action_activate()
        self.assertTrue(self.person.consent_allows("recall", "email"))
        self.env.cr.execute("UPDATE res_partner SET gdpr_state = 'restricted' WHERE id = %s", [self.person.id])
        self.person.invalidate_recordset()
        self.assertFalse(self.person.consent_allows("recall", "email"))

    def test_delete_me_opens_the_request_that_runs_already(self):
        request = self.open_request()
        request.action_submit()
        action = self.person.with_user(self.handler).action_gdpr_delete_me()
        self.assertEqual((action["res_model"], action["res_id"]), ("gdpr.request", request.id))
        request.action_cancel("Taken back.")
        action = self.person.with_user(self.handler).action_gdpr_delete_me()
        self.assertEqual(action["res_model"], "gdpr.erasure.wizard")
