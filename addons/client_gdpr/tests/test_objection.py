from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestObjection(GdprCase):
    def ask(self, values=None, source="email", user=None):
        requests = self.env["gdpr.request"].with_user(user or self.handler)
        ids = self.person.ids
        return requests.browse(requests.request_open("objection", ids, fields.Datetime.now(), source, values=values))

    def test_objection_to_everything_stops_all_advertising_from_its_arrival(self):
        self.person.consent_give("newsletter", ["email"], "web_form")
        request = self.ask()
        self.assertTrue(self.person.consent_allows("newsletter", "email"))
        request.action_confirm_identity()
        request.action_execute()
        self.assertEqual(request.state, "executed")
        self.assertFalse(self.person.consent_allows("newsletter", "email"))
        status = [line for line in self.person.consent_status() if line["purpose"] == "newsletter"]
        self.assertEqual({line["state"] for line in status}, {"objected"})
        request.action_answer()
        self.assertEqual(request.state, "answered")

    def test_objection_to_advertising_cannot_be_refused(self):
        request = self.ask()
        with self.assertRaises(UserError):
            request.action_refuse("we would rather not")
        named = self.ask({"purpose": "newsletter"})
        with self.assertRaises(UserError):
            named.action_refuse("we would rather not")
        self.assertEqual((request.state, named.state), ("received", "received"))

    def test_objection_to_another_interest_is_weighed_by_the_handler(self):
        purpose = self.env.ref("client_consent.purpose_customer_care")
        refused, accepted = self.ask({"purpose": purpose.code}), self.ask({"purpose": purpose.code})
        self.assertTrue(refused.may_weigh)
        with self.assertRaises(UserError):
            refused.action_refuse()
        refused.action_confirm_identity()
        refused.action_refuse("proceedings about two unpaid orders are pending")
        self.assertEqual(refused.state, "refused")
        accepted.action_stop_use()
        self.assertEqual(accepted.state, "executed")
        self.assertEqual({line["state"] for line in self.person.consent_status()}, {"objected"})
        purpose.family = "bicycles"
        self.assertFalse(self.ask({"purpose": purpose.code}).may_weigh)

    def test_every_way_it_can_come_is_known_to_the_ledger(self):
        for source, _label in self.env["gdpr.request"]._fields["source"].selection:
            with self.subTest(source):
                request = self.ask(source=source)
                request.action_stop_use()
                self.assertEqual(request.state, "executed")

    def test_unknown_purposes_foreign_values_and_staff_are_refused(self):
        contract = self.env["consent.purpose"].search([("lawful_basis", "=", "contract")], limit=1)
        for values in ({"purpose": "nothing_like_it"}, {"purpose": contract.code or "contract"}, {"email": "x"}, ["x"]):
            with self.subTest(str(values)), self.assertRaises(UserError):
                self.ask(values)
        employee = new_test_user(self.env, "t_employee", "base.group_user")
        requests = self.env["gdpr.request"].with_user(self.handler)
        with self.assertRaises(UserError):
            requests.request_open("objection", employee.partner_id.ids, fields.Datetime.now(), "email")

    def test_only_a_handler_decides(self):
        request = self.ask()
        request.action_confirm_identity()
        for user in (self.outsider, self.auditor, self.approver, self.dpo):
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    self.ask(user=user)
                with self.assertRaises(AccessError):
                    request.with_user(user).action_execute()
                with self.assertRaises(AccessError):
                    request.with_user(user).action_refuse("no")
