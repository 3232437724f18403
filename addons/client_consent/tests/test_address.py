from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import ConsentCase


@tagged("post_install", "-at_install")
class TestAddress(ConsentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.newsletter = cls.env.ref("client_consent.purpose_newsletter")

    def changes(self, partner=None):
        return self.env["consent.address.change"].search([("partner_id", "=", (partner or self.person).id)])

    def change(self, rule, mailbox="new"):
        self.newsletter.on_new_address = rule
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.person.email = f"{mailbox}@post.example"
        return self.changes()

    def test_correction_is_carried_over_by_a_user_and_never_by_itself(self):
        change = self.change("carry")
        self.assertTrue(self.person.consent_address_changed)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        [before] = self.person.consent_status()
        change.with_user(self.recorder).action_carry()
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        self.assertFalse(self.person.consent_address_changed)
        after = {line["address"]: line for line in self.person.consent_status()}
        self.assertEqual(after["new@post.example"]["until"], before["until"], "no day longer than before")

    def test_asking_again_leaves_it_unusable(self):
        change = self.change("ask")
        with self.assertRaises(UserError):
            change.action_carry()
        change.action_ask()
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        self.assertFalse(self.person.consent_address_changed)
        self.assertTrue(
            self.person.activity_ids or self.env["consent.basis"].search([("address", "=", "new@post.example")])
        )

    def test_stop_opens_nothing_and_a_decision_to_stop_stays(self):
        self.assertFalse(self.change("stop"))
        self.newsletter.on_new_address = "carry"
        self.person.email = "third@post.example"
        change = self.changes()
        change.action_stop()
        self.person.email = "fourth@post.example"
        self.assertEqual(self.changes(), change)
        self.assertFalse(self.person.consent_address_changed)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_old_address_comes_back(self):
        change = self.change("carry")
        self.person.email = "eliska@post.example"
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        self.assertFalse(self.person.consent_address_changed)
        with self.assertRaises(UserError):
            change.action_carry()

    def test_same_address_written_otherwise_is_no_change(self):
        self.assertFalse(self.change("carry", mailbox="ELISKA"))
        self.assertTrue(self.person.consent_allows("newsletter", "email"))

    def test_what_the_person_said_about_the_new_address_is_never_overruled(self):
        change = self.change("carry")
        self.person.consent_withdraw("newsletter", source="email")
        with self.assertRaises(UserError):
            change.action_carry()
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        change.action_stop()

    def test_no_on_another_contact_with_the_new_address_vetoes(self):
        twin = self.env["res.partner"].create(self.person_values("Twin", "new"))
        twin.consent_withdraw("newsletter", source="email")
        self.change("carry").action_carry()
        self.assertFalse(self.person.consent_allows("newsletter", "email"))

    def test_denied_and_ended_answers_leave_nothing_behind(self):
        self.newsletter.on_new_address = "carry"
        self.person.consent_give(
            "newsletter", ["email"], "in_person", given_at=fields.Datetime.now() - relativedelta(months=25)
        )
        self.person.email = "second@post.example"
        self.assertFalse(self.changes())
        self.person.consent_give("newsletter", ["email"], "in_person")
        self.person.consent_withdraw("newsletter", source="email")
        self.person.email = "third@post.example"
        self.assertFalse(self.changes())

    def test_phone_and_post_belong_to_their_address_too(self):
        offers = self.env.ref("client_consent.purpose_offers")
        offers.on_new_address = "carry"
        self.person.consent_give("offers", ["phone", "post"], "in_person")
        self.person.write({"phone": "+420 777 111 222", "city": "Praha"})
        changes = self.changes()
        self.assertEqual(set(changes.mapped("channel")), {"phone", "post"})
        self.assertEqual(
            set(changes.mapped("new_address")),
            {"+420777111222", self.person._consent_addresses("post")[self.person.id]},
        )
        changes.action_carry()
        self.assertTrue(self.person.consent_allows("offers", "phone") and self.person.consent_allows("offers", "post"))

    def test_merge_leaves_the_other_address_for_decision_and_never_a_merged_no(self):
        self.newsletter.on_new_address = "carry"
        twin = self.env["res.partner"].create(self.person_values("Twin", "twin"))
        twin.consent_give("newsletter", ["email"], "web_form")
        merge = self.env["base.partner.merge.automatic.wizard"]._merge
        merge((twin | self.person).ids, self.person)
        self.assertTrue(self.person.consent_address_changed)
        third = self.env["res.partner"].create(self.person_values("Third", "third"))
        third.consent_withdraw("newsletter", source="email")
        merge((third | self.person).ids, self.person)
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        with self.assertRaises(UserError):
            self.changes().action_carry()

    def test_change_behind_odoos_back_is_found_by_the_daily_job(self):
        self.newsletter.on_new_address = "ask"
        self.person.consent_give("newsletter", ["email"], "web_form")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET email_normalized = 'sql@post.example' WHERE id = %s", [self.person.id]
        )
        self.env.invalidate_all()
        self.env["consent.source"]._cron_watch()
        self.assertEqual(len(self.changes()), 1)
        self.env["consent.source"]._cron_watch()
        self.assertEqual(len(self.changes()), 1)

    def test_only_users_who_record_consents_decide(self):
        change = self.change("carry")
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        for act in ("action_carry", "action_ask", "action_stop"):
            with self.assertRaises(AccessError):
                getattr(change.with_user(outsider), act)()
        with self.assertRaises(AccessError):
            change.with_user(self.recorder).state = "carried"

    def test_contacts_to_decide_about_are_found(self):
        self.change("carry")
        found = self.env["res.partner"].search([("consent_address_changed", "=", True)])
        self.assertIn(self.person, found)
        self.changes().action_stop()
        self.assertNotIn(self.person, self.env["res.partner"].search([("consent_address_changed", "=", True)]))
