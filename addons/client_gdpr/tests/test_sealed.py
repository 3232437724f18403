import base64
from datetime import date
from unittest.mock import patch

from odoo import fields
from odoo.addons.client_consent.models.consent_key import ConsentKey
from odoo.addons.client_consent.tests.recording_common import letters
from odoo.addons.client_consent.tools.keys import KeyRing
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from ..tools import capability
from ..tools.plan import Sealing
from .common import GdprCase

HEAD = "Name;E-mail;Phone;Purpose;Answer;Source;Date;Evidence"


class SealedCase(GdprCase):
    def restrict(self, partner):
        partner.with_context(**{capability.KEY: capability.SWEEP}).gdpr_state = "restricted"

    def block(self, partner):
        """Seal a contact as an erasure does that a law keeps from deleting."""
        names = ("name", "email", "email_normalized", "phone", "phone_sanitized", "street")
        request = self.open_request(partner=partner)
        sealing = Sealing(partner.id, names, request.id, "Law 1", date(2099, 1, 1))
        self.env["gdpr.vault"]._seal("res.partner", [sealing], "block")
        partner.with_context(**{capability.KEY: capability.SWEEP}).gdpr_state = "blocked"
        partner.invalidate_recordset()


@tagged("post_install", "-at_install")
class TestSealed(SealedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")
        cls.twin = cls.env["res.partner"].create(cls.person_values("Jiný", "other", "+420 602 000 000"))

    def counts(self):
        models = ("res.partner", "consent.event", "consent.source", "consent.subject")
        return [self.env[model].with_context(active_test=False).search_count([]) for model in models]

    def checked(self, *rows):
        data = base64.b64encode("\n".join([HEAD, *rows]).encode())
        job = (
            self.env["consent.import"]
            .with_user(self.recorder)
            .create({"file_data": data, "date_format": "%d.%m.%Y", "skip_bad": True})
        )
        job.action_check()
        return job

    def test_sealed_contact_is_never_asked_renewed_mailed_nor_given_a_yes(self):
        self.newsletter.renewal_days = 60
        ending = fields.Datetime.subtract(fields.Datetime.now(), months=self.newsletter.validity_months)
        both = self.person | self.twin
        both.consent_give("newsletter", ["email"], "in_person", given_at=fields.Datetime.add(ending, days=20))
        self.env.ref("client_consent.purpose_offers").double_opt_in = True
        with letters(self.env) as sent:
            both.consent_give("offers", ["email"], "web_form")
        self.assertEqual(len(sent.mails), 2)
        pending = self.env["consent.event"].search([("partner_id", "=", self.person.id), ("kind", "=", "pending")])
        self.restrict(self.person)
        recording = self.env["consent.recording"]
        with letters(self.env) as sent:
            with self.assertRaises(UserError):
                self.person.consent_give("offers", ["phone"], "in_person")
            with self.assertRaises(UserError):
                self.person.with_user(self.recorder).action_consent_renew()
            with self.assertRaises(UserError):
                recording._confirm(pending, "web_form")
            care = self.env["consent.purpose"].create(
                {"code": "club", "name": "Club", "lawful_basis": "consent", "validity_months": 12}
            )
            care.action_activate()
            notice = self.env["consent.notice"].create(
                {
                    "code": "club",
                    "name": "Club",
                    "body": "<p>Club: may we write? You can withdraw at any time.</p>",
                    "lang": "en_US",
                    "purpose_ids": care.ids,
                }
            )
            notice.action_publish()
            both.with_context(**{capability.KEY: capability.SWEEP}).lang = "en_US"
            done = recording._request(both, [(care, None)])
            self.assertEqual((done["asked"], done["left_out"]), (self.twin, {"sealed": self.person}))
            recording._mail(self.person, "eliska@post.example", "confirm", pending)
        self.assertEqual([mail["to"] for mail in sent.mails], ["other@post.example"])

    def test_sealed_contact_can_still_say_no(self):
        self.person.consent_give("newsletter", ["email"], "in_person")
        given = self.env["consent.event"].search([("partner_id", "=", self.person.id)])
        self.restrict(self.person)
        recording = self.env["consent.recording"]
        self.assertFalse(recording._answer(given, {given.id: True}))
        recording._answer(given, {given.id: False})
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["withdrawn"])
        self.twin.consent_give("newsletter", ["email"], "in_person")
        self.block(self.twin)
        [receipt] = self.twin.with_user(self.recorder).consent_withdraw("newsletter", source="email")
        self.assertEqual(receipt["state"], "withdrawn")
        self.assertEqual([line["state"] for line in self.twin.consent_status()], ["withdrawn"])

    def test_file_with_a_sealed_address_is_refused_and_makes_no_second_contact(self):
        self.restrict(self.person)
        self.block(self.twin)
        self.assertFalse(self.twin.email_normalized)
        before = self.counts()
        job = self.checked(
            "X;ELISKA@post.example;;newsletter;yes;in_person;01.02.2026;f",
            "X;Other@post.example;;newsletter;yes;in_person;01.02.2026;f",
            "X;;+420 602 000 000;;no;;;",
            "X;other@post.example;;newsletter;no;;;",
        )
        self.assertEqual((job.good_count, job.bad_count), (0, 4))
        with self.assertRaises(UserError):
            job.action_import()
        self.assertEqual(self.counts(), before)
        bad = base64.b64decode(job.with_context(bin_size=False).bad_file).decode("utf-8-sig")
        self.assertEqual(bad.count("privacy request"), 4)
        self.assertNotIn(f"Contact {self.twin.id}", bad)
        self.assertEqual(self.checked("X;new@post.example;;newsletter;yes;in_person;01.02.2026;f").good_count, 1)

    def test_sealed_address_is_found_after_an_exchange_of_the_key_too(self):
        self.block(self.twin)
        present, following = self.env["consent.key"]._ring(), KeyRing.load(KeyRing.generate())
        vault = self.env["gdpr.vault"]
        self.assertEqual(vault._partners_at({"other@post.example"}), {"other@post.example": self.twin.id})
        self.env["consent.key"]._rewrap(present, following)
        self.env.flush_all()
        self.assertEqual(vault._partners_at({"other@post.example"}), {}, "a digest without its key finds nobody")
        with patch.object(ConsentKey, "_ring", lambda self: following):
            self.assertEqual(vault._partners_at({"other@post.example"}), {"other@post.example": self.twin.id})
            self.assertEqual(vault._partners_at({"+420602000000"}), {"+420602000000": self.twin.id})

    def test_erase_button_of_a_consent_opens_the_dialog_of_whoever_may_erase(self):
        handler = new_test_user(self.env, "t_both", "client_gdpr.group_gdpr_handler,client_consent.group_consent_user")
        action = self.person.with_user(handler).action_consent_erase()
        self.assertEqual(action["res_model"], "gdpr.erasure.wizard")
        action = self.person.with_user(self.recorder).action_consent_erase()
        self.assertEqual(action["res_model"], "consent.withdraw.wizard")
