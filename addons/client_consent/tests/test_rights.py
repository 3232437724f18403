from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestRights(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outsider = new_test_user(cls.env, "outsider", "base.group_user,base.group_partner_manager")
        cls.person.consent_give("newsletter", ["email"], "web_form")

    def test_user_without_group_neither_records_nor_reads(self):
        person = self.person.with_user(self.outsider)
        for act in (
            lambda: person.consent_give("newsletter", ["email"], "paper"),
            lambda: person.consent_withdraw("newsletter"),
            lambda: person.consent_object(),
            lambda: person.consent_status(),
            lambda: person.consent_allows("newsletter", "email"),
            lambda: person.read(["consent_banner"]),
            lambda: self.env["consent.event"].with_user(self.outsider).search([]),
            lambda: self.env["consent.basis"].with_user(self.outsider).search([]),
            lambda: self.env["consent.subject"].with_user(self.outsider).search([]),
            lambda: self.env["consent.purpose"].with_user(self.outsider).search([]),
        ):
            with self.assertRaises(AccessError):
                act()

    def test_user_without_group_sees_no_tab(self):
        form = self.env.ref("base.view_partner_form")
        views = self.env["res.partner"].with_user(self.outsider).get_view(form.id)
        self.assertNotIn('name="privacy"', views["arch"])
        self.assertNotIn('<field name="consent_banner"', views["arch"])
        self.assertIn('name="privacy"', self.env["res.partner"].with_user(self.recorder).get_view(form.id)["arch"])

    def test_recorder_records_but_changes_no_purpose_and_no_key(self):
        self.person.with_user(self.recorder).consent_give("offers", ["email"], "paper")
        with self.assertRaises(AccessError):
            self.env.ref("client_consent.purpose_offers").with_user(self.recorder).name = "Other"
        with self.assertRaises(AccessError):
            self.env["consent.event"].with_user(self.recorder).basis_rebuild()
        with self.assertRaises(AccessError):
            self.env["consent.subject"].with_user(self.recorder).search([])

    def test_nobody_reads_salt_payload_or_wrapped_key(self):
        events = self.env["consent.event"].search([("partner_id", "=", self.person.id)])
        admin = self.env.ref("base.user_admin")
        for record, name in ((events, "payload"), (events, "salt"), (self.person._consent_subject(), "wrapped_key")):
            with self.assertRaises(AccessError):
                record.with_user(admin).read([name])
