from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestGate(ConsentCase):
    def test_given_is_yes_and_withdrawn_is_no(self):
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        [receipt] = self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertEqual((receipt["state"], receipt["address"]), ("active", "eliska@post.example"))
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        [status] = self.person.consent_status()
        self.assertEqual((status["state"], status["source"]), ("active", "web_form"))
        self.person.consent_withdraw("newsletter", source="phone")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["withdrawn"])

    def test_what_nothing_allows_is_not_allowed(self):
        for purpose, channel in [
            ("no such purpose", "email"),
            ("newsletter", "sms"),
            ("order", "email"),
            ("offers", "fax"),
        ]:
            with self.subTest(purpose=purpose, channel=channel):
                self.assertFalse(self.person.consent_allows(purpose, channel))

    def test_legal_obligation_needs_no_answer(self):
        self.assertTrue(self.person.consent_allows("invoice", "email"))

    def test_consent_ends_by_its_date_without_any_cron(self):
        long_ago = fields.Datetime.now() - relativedelta(months=24, days=1)
        self.person.consent_give("newsletter", ["email"], "paper", given_at=long_ago)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertEqual([line["state"] for line in self.person.consent_status()], ["expired"])

    def test_answer_at_a_past_moment_is_the_one_known_then(self):
        now = fields.Datetime.now()
        self.person.consent_give("newsletter", ["email"], "paper", given_at=now - relativedelta(months=3))
        self.person.consent_withdraw("newsletter", source="phone", at=now - relativedelta(months=1))
        self.assertFalse(self.person.consent_allows("newsletter", "email", at=now - relativedelta(months=4)))
        self.assertTrue(self.person.consent_allows("newsletter", "email", at=now - relativedelta(months=2)))
        self.assertFalse(self.person.consent_allows("newsletter", "email", at=now))

    def test_no_on_another_record_of_the_same_address_is_a_no_here(self):
        twin = self.env["res.partner"].create(self.person_values("E. Testovaná", "Eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        twin.consent_withdraw("newsletter", source="email")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertIn("another contact with the same address", self.person.consent_banner)

    def test_missing_answer_on_another_record_vetoes_nothing(self):
        self.env["res.partner"].create(self.person_values("E. Testovaná", "eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_new_address_is_not_silently_covered(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.email = "new@post.example"
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_consent_to_one_company_never_allows_another(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertFalse(self.person.with_company(other).consent_allows("newsletter", "email"))

    def test_import_may_lower_and_never_raise(self):
        self.person.consent_withdraw("newsletter", source="phone")
        self.person.consent_give("newsletter", ["email"], "import")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.person.consent_give("newsletter", ["email"], "in_person")
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        self.person.consent_withdraw("newsletter", source="import")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_bought_address_stays_pending(self):
        [receipt] = self.person.consent_give("newsletter", ["email"], "bought")
        self.assertEqual(receipt["state"], "pending")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_copy_has_no_consent(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.assertEqual(self.person.copy().consent_status(), [])

    def test_merge_keeps_both_histories_and_the_strictest_wins(self):
        twin = self.env["res.partner"].create(self.person_values("Eliška T.", "eliska"))
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.consent_give("offers", ["email"], "web_form")
        twin.consent_withdraw("newsletter", source="email")
        self.env["base.partner.merge.automatic.wizard"]._merge((self.person | twin).ids, self.person)
        self.assertFalse(twin.exists())
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertTrue(self.person.consent_allows("offers", "email"))
        self.assertEqual(len(self.env["consent.subject"].search([("partner_id", "=", self.person.id)])), 2)

    def test_objection_to_everything_stops_every_advertising(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.consent_object(source="email")
        for purpose in ("newsletter", "offers", "customer_care"):
            self.assertFalse(self.person.consent_allows(purpose, "email"))
        self.assertTrue(self.person.consent_allows("invoice", "email"), "service mail goes on")

    def test_many_people_are_asked_with_one_domain(self):
        people = self.env["res.partner"].create([self.person_values(f"P{i}", f"p{i}") for i in range(5)])
        people[:3].consent_give("newsletter", ["email"], "web_form")
        self.assertEqual(people._may_process("newsletter", "email"), people[:3])

    def test_bad_input_says_what_to_do_and_records_nothing(self):
        before = self.env["consent.event"].search_count([])
        nobody = self.env["res.partner"].create({"name": "Without Address"})
        tomorrow = fields.Datetime.now() + relativedelta(days=1)
        cases = [
            (self.person, ("newsletter", ["email"], "silence"), {}),
            (self.person, ("nothing", ["email"], "paper"), {}),
            (self.person, ("newsletter", ["sms"], "paper"), {}),
            (self.person, ("newsletter", [], "paper"), {}),
            (self.person, ("invoice", ["email"], "paper"), {}),
            (self.person, ("newsletter", ["email"], "paper"), {"given_at": tomorrow}),
            (self.person, ("newsletter", ["email"], "paper"), {"notice": "unpublished"}),
            (self.person, ("newsletter", ["email"], "paper"), {"evidence": [{"name": "a.pdf", "content": ""}]}),
            (nobody | self.person, ("newsletter", ["email"], "paper"), {}),
        ]
        for partner, args, kwargs in cases:
            with self.subTest(args=args, kwargs=list(kwargs)), self.assertRaises(UserError):
                partner.consent_give(*args, **kwargs)
        self.assertEqual(self.env["consent.event"].search_count([]), before)

    def test_wizards_record_and_withdraw(self):
        record = (
            self.env["consent.record.wizard"]
            .with_user(self.recorder)
            .create(
                {
                    "partner_id": self.person.id,
                    "purpose_id": self.env.ref("client_consent.purpose_offers").id,
                    "channel_email": True,
                    "channel_phone": True,
                    "source": "paper",
                }
            )
        )
        record.action_record()
        self.assertTrue(self.person.consent_allows("offers", "phone"))
        withdraw = self.env["consent.withdraw.wizard"].with_user(self.recorder).create({"partner_id": self.person.id})
        self.assertEqual(len(withdraw.basis_ids), 2)
        withdraw.action_withdraw()
        self.assertFalse(self.person.consent_allows("offers", "phone") or self.person.consent_allows("offers", "email"))
