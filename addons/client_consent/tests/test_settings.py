from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestSettings(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create(
            {"name": "Pekárna Vlk", "email": "Info@Vlk.example", "country_id": cls.env.ref("base.cz").id}
        )
        cls.manager = new_test_user(
            cls.env,
            "manager",
            "client_consent.group_consent_manager",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_new_company_has_sensible_terms(self):
        company = self.company
        self.assertEqual((company.consent_evidence_megabytes, company.consent_pending_days), (25, 30))
        self.assertTrue(company.consent_validity_months and company.consent_double_opt_in)

    def test_preset_fills_in_and_says_what_it_set(self):
        company = self.company
        company.write({"consent_validity_months": 7, "consent_double_opt_in": False})
        untouched = self.env["consent.purpose"].create(
            {"code": "untouched", "name": "Untouched", "lawful_basis": "consent", "validity_months": 12}
        )
        offers = self.env.ref("client_consent.purpose_offers")
        offers.double_opt_in = False
        self.person.consent_give("offers", ["email"], "web_form")
        said = "\n".join(company.with_user(self.manager).consent_apply_preset())
        self.assertEqual((company.consent_validity_months, company.consent_double_opt_in), (24, True))
        self.assertEqual(company.consent_dpo_email, "info@vlk.example")
        self.assertTrue(untouched.double_opt_in)
        self.assertFalse(offers.double_opt_in, "people answered already")
        for part in ("24 months", "info@vlk.example", "Untouched", "15 years", "UOOU", "Still missing"):
            self.assertIn(part, said)
        company.consent_dpo_email = "dpo@law.example"
        company.consent_apply_preset()
        self.assertEqual(company.consent_dpo_email, "dpo@law.example", "what was entered by hand is kept")

    def test_preset_of_a_company_without_country_asks_for_it(self):
        company = self.env["res.company"].create({"name": "Nowhere"})
        self.assertIn("country", "\n".join(company.consent_apply_preset()))
        company.country_id = self.env.ref("base.ch")
        self.assertIn("no age limit", "\n".join(company.consent_apply_preset()))

    def test_settings_screen_shows_and_sets_them(self):
        settings = Form(
            self.env["res.config.settings"]
            .with_company(self.company)
            .with_context(allowed_company_ids=self.company.ids)
        )
        self.assertEqual(settings.consent_country_id, self.env.ref("base.cz"))
        self.assertIn("15", settings.consent_country_says)
        settings.consent_pending_days = 14
        settings.consent_country_id = self.env.ref("base.at")
        self.assertIn("14", settings.consent_country_says)
        record = settings.save()
        self.assertEqual((self.company.consent_pending_days, self.company.country_id.code), (14, "AT"))
        answer = record.action_consent_preset()
        self.assertIn("14 years", answer["params"]["message"])
        self.assertEqual(self.company.consent_pending_days, 30)

    def test_impossible_settings_are_refused(self):
        for values in (
            {"consent_validity_months": 0},
            {"consent_validity_months": 999},
            {"consent_pending_days": 0},
            {"consent_evidence_megabytes": 5000},
            {"consent_renewal_days": -1},
            {"consent_dpo_email": "no address"},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.company.write(values)

    def test_who_may_not_use_the_preset(self):
        with self.assertRaises(AccessError):
            self.env.company.with_user(self.recorder).consent_apply_preset()
        with self.assertRaises(AccessError):
            self.env.company.with_user(self.manager).consent_apply_preset()
