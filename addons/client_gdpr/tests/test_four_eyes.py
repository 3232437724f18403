from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import GdprCase


@tagged("post_install", "-at_install")
class TestFourEyes(GdprCase):
    def test_nobody_approves_their_own_plan_administrators_included(self):
        both = new_test_user(
            self.env,
            "t_both",
            "client_gdpr.group_gdpr_handler,client_gdpr.group_gdpr_approver,base.group_system,base.group_partner_manager",
        )
        request = self.open_request(user=both)
        request.action_submit()
        with self.assertRaises(AccessError):
            request.action_approve()
        self.assertEqual(request.state, "submitted")

    def test_nobody_approves_a_request_about_themselves(self):
        self.env["res.users"].browse(self.approver.id).partner_id = self.person
        request = self.open_request("access")
        request.sudo().write({"kind": "erasure", "state": "submitted"})
        with self.assertRaises(AccessError):
            request.with_user(self.approver).action_approve()

    def test_neither_dpo_nor_handler_nor_auditor_approves(self):
        request = self.open_request()
        request.action_submit()
        for user in (self.dpo, self.handler, self.auditor):
            with self.assertRaises(AccessError):
                request.with_user(user).action_approve()

    def test_no_group_implies_approver(self):
        approver = self.env.ref("client_gdpr.group_gdpr_approver")
        implying = self.env["res.groups"].search([("implied_ids", "in", approver.ids)])
        self.assertFalse(implying)

    def test_steps_come_in_their_order(self):
        request = self.open_request()
        for step in ("action_plan", "action_execute", "action_answer"):
            with self.assertRaises(UserError):
                getattr(request, step)()
        with self.assertRaises(UserError):
            request.with_user(self.approver).action_approve()
        self.assertEqual(request.state, "received")

    def test_refusing_and_cancelling_need_a_reason(self):
        request = self.open_request()
        with self.assertRaises(UserError):
            request.action_refuse()
        request.action_refuse("Art. 12(5): manifestly repeated")
        self.assertEqual((request.state, request.closing_reason), ("refused", "Art. 12(5): manifestly repeated"))
        other = self.open_request()
        other.action_cancel("taken back by phone")
        self.assertEqual(other.state, "cancelled")

    def test_sent_back_plan_returns_to_the_handler(self):
        request = self.open_request()
        request.action_submit()
        self.assertTrue(request.activity_ids)
        request.with_user(self.approver).action_send_back()
        self.assertEqual(request.state, "planned")
        self.assertFalse(request.activity_ids)

    def test_without_any_approver_the_plan_is_not_submitted(self):
        self.approver.group_ids -= self.env.ref("client_gdpr.group_gdpr_approver")
        group = self.env.ref("client_gdpr.group_gdpr_approver")
        group.sudo().user_ids = [(5, 0, 0)]
        request = self.open_request()
        with self.assertRaises(UserError):
            request.action_submit()

    def test_request_is_never_deleted(self):
        with self.assertRaises(UserError):
            self.open_request().sudo().unlink()

    def test_moment_of_arrival_must_have_passed(self):
        with self.assertRaises(UserError):
            self.open_request(received=fields.Datetime.add(fields.Datetime.now(), days=1))
