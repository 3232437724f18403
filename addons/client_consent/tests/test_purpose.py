from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestPurpose(ConsentCase):
    def draft(self, **values):
        return self.env["consent.purpose"].create({"code": "trial", "name": "Trial", **values})

    def test_incomplete_purpose_cannot_be_activated(self):
        for values in (
            {},
            {"lawful_basis": "consent"},
            {"lawful_basis": "legitimate_interest", "validity_months": 12},
            {"lawful_basis": "contract", "channel_email": False},
        ):
            with self.subTest(values=values):
                purpose = self.draft(**values)
                with self.assertRaises(UserError):
                    purpose.action_activate()
                self.assertEqual(purpose.state, "draft")
                purpose.unlink()

    def test_purpose_in_use_keeps_its_lawful_basis_and_is_never_deleted(self):
        purpose = self.draft(lawful_basis="consent", validity_months=12)
        purpose.action_activate()
        with self.assertRaises(UserError):
            purpose.lawful_basis = "legitimate_interest"
        with self.assertRaises(UserError):
            purpose.unlink()

    def test_archived_purpose_allows_nothing(self):
        purpose = self.draft(lawful_basis="consent", validity_months=12)
        purpose.action_activate()
        self.person.consent_give("trial", ["email"], "paper")
        self.assertTrue(self.person.consent_allows("trial", "email"))
        purpose.action_archive_purpose()
        self.assertFalse(self.person.consent_allows("trial", "email"))

    def test_every_lawful_basis_has_an_everyday_example(self):
        seeded = self.env["consent.purpose"].search([("state", "=", "active")]).mapped("lawful_basis")
        self.assertGreaterEqual(set(seeded), {"consent", "contract", "legal_obligation", "legitimate_interest"})
