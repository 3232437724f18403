import base64
from unittest.mock import patch

from odoo import fields
from odoo.addons.mail.models.mail_mail import MailMail
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import GdprCase

ADDRESS = "eliska@post.example"


@tagged("post_install", "-at_install")
class TestSuppression(GdprCase):
    def setUp(self):
        super().setUp()
        self.erase()
        # an answer given in the same second would be one of before
        self.env.cr.execute("UPDATE gdpr_tombstone SET erased_at = erased_at - interval '1 minute'")
        self.env["gdpr.tombstone"].invalidate_model(["erased_at"])

    def back(self, **values):
        return self.env["res.partner"].create(self.person_values("Eliška Testovaná", "eliska") | values)

    def banner(self, partner):
        partner.invalidate_recordset(["consent_banner"])
        return str(partner.consent_banner or "")

    # -- doors ---------------------------------------------------------------------------------------

    def test_every_door_makes_a_contact_that_says_the_person_was_erased(self):
        partners = self.env["res.partner"]
        doors = {
            "create": lambda: self.back(),
            "find_or_create": lambda: partners.find_or_create(f'"Eliška" <{ADDRESS}>'),
            "name_create": lambda: partners.browse(partners.name_create(f"Eliška <{ADDRESS}>")[0]),
            "mail gateway": lambda: partners._find_or_create_from_emails([ADDRESS])[0],
        }
        for door, make in doors.items():
            with self.subTest(door=door), self.env.cr.savepoint() as savepoint:
                partner = make()
                self.assertIn("was erased", self.banner(partner))
                self.assertFalse(partner.consent_allows("newsletter", "email"))
                savepoint.rollback()

    def test_bystander_is_not_marked(self):
        other = self.env["res.partner"].create(self.person_values("Jiný", "jiny", "+420 777 000 111"))
        self.assertNotIn("was erased", self.banner(other))
        other.consent_give("newsletter", ["email"], "api")
        self.assertTrue(other.consent_allows("newsletter", "email"))

    def test_phone_alone_is_recognised(self):
        partner = self.env["res.partner"].create({"name": "Někdo", "phone": "+420 601 234 567"})
        self.assertIn("was erased", self.banner(partner))

    # -- answers -------------------------------------------------------------------------------------

    def test_what_we_say_for_the_person_is_refused(self):
        partner = self.back()
        long_ago = fields.Datetime.subtract(fields.Datetime.now(), years=1)
        for source, given_at in (("api", None), ("import", None), ("web_form", long_ago)):
            with self.subTest(source=source), self.assertRaises(UserError) as refused:
                partner.consent_give("newsletter", ["email"], source, given_at=given_at)
            self.assertIn("erased", str(refused.exception))
            self.assertNotIn(ADDRESS, str(refused.exception))
        partner.consent_give("newsletter", ["email"], "paper", given_at=long_ago)
        self.assertFalse(partner.consent_allows("newsletter", "email"), "a form of before waits for its evidence")

    def test_persons_own_new_answer_counts_for_its_purpose_alone(self):
        partner = self.back()
        partner.consent_give("newsletter", ["email"], "web_form")
        self.assertTrue(partner.consent_allows("newsletter", "email"))
        self.assertNotIn("was erased", self.banner(partner))
        other = self.env["consent.purpose"].create(
            {
                "code": "parties",
                "name": "Parties",
                "lawful_basis": "consent",
                "channel_email": True,
                "validity_months": 12,
            }
        )
        other.action_activate()
        with self.assertRaises(UserError):
            partner.consent_give("parties", ["email"], "api")
        self.assertFalse(partner.consent_allows("parties", "email"))

    def test_no_is_always_recorded(self):
        partner = self.back()
        partner.consent_withdraw("newsletter", source="email")
        self.assertEqual(partner.consent_status()[0]["state"], "withdrawn")

    def test_merge_does_not_lift_it(self):
        partner, other = self.back(phone=False), self.env["res.partner"].create({"name": "Jiný záznam"})
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((partner | other).ids, other, extra_checks=False)
        self.assertEqual(other.email, ADDRESS)
        self.assertIn("was erased", self.banner(other))
        with self.assertRaises(UserError):
            other.consent_give("newsletter", ["email"], "api")

    def test_address_carried_over_to_an_erased_one_is_refused(self):
        other = self.env["res.partner"].create(self.person_values("Jiný", "jiny", "+420 777 000 111"))
        self.env.ref("client_consent.purpose_newsletter").on_new_address = "carry"
        other.consent_give("newsletter", ["email"], "web_form")
        other.email = ADDRESS
        changes = self.env["consent.address.change"].search([("partner_id", "=", other.id)])
        self.assertFalse(other.consent_allows("newsletter", "email"))
        with self.assertRaises(UserError):
            changes.action_carry()

    # -- files ---------------------------------------------------------------------------------------

    def test_file_that_brings_the_person_back_is_refused_naming_the_row(self):
        header, partners = ["name", "email"], self.env["res.partner"]
        rows = [["Kdosi Jiný", "kdosi@post.example"], ["Eliška", ADDRESS.upper()]]
        result = partners.load(header, rows)
        self.assertFalse(result["ids"])
        [message] = result["messages"]
        self.assertEqual((message["record"], message["field"]), (1, "email"))
        self.assertNotIn("eliska", message["message"])
        self.assertFalse(partners.search([("email", "=", "kdosi@post.example")]))
        self.assertTrue(partners.load(header, rows[:1])["ids"])

    def test_file_about_somebody_who_came_back_is_taken(self):
        self.back()
        self.assertTrue(self.env["res.partner"].load(["name", "email"], [["Eliška", ADDRESS]])["ids"])

    def test_file_of_consents_gives_the_row_back(self):
        text = f"Name;E-mail;Purpose;Answer;Source;Date;Evidence\nE;{ADDRESS};newsletter;yes;paper;01.02.2026;f7\n"
        job = self.env["consent.import"].create(
            {"file_data": base64.b64encode(text.encode()), "date_format": "%d.%m.%Y"}
        )
        job.action_check()
        self.assertEqual((job.good_count, job.bad_count), (0, 1))

    # -- sending -------------------------------------------------------------------------------------

    def test_mass_mail_leaves_the_person_out_as_the_exclusion_list_does(self):
        partner = self.back()
        other = self.env["res.partner"].create(self.person_values("Jiný", "jiny", "+420 777 000 111"))
        composer = self.env["mail.compose.message"].create(
            {
                "composition_mode": "mass_mail",
                "model": "res.partner",
                "res_ids": str((partner | other).ids),
                "subject": "News",
                "body": "<p>News</p>",
            }
        )
        with patch.object(MailMail, "send", lambda self, *args, **kwargs: True):
            composer._action_send_mail()
        mails = self.env["mail.mail"].search([("subject", "=", "News")])
        states = {mail.recipient_ids.id: mail.state for mail in mails}
        self.assertEqual((states.get(partner.id, "cancel"), states[other.id]), ("cancel", "outgoing"))

    def test_mass_question_leaves_the_person_out(self):
        partner = self.back()
        known = self.env["consent.recording"]._known(partner, {"email": {partner.id: ADDRESS}})
        self.assertTrue(any(address == ADDRESS for _purpose, _channel, address in known["settled"]))
